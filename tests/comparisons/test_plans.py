"""What claim and submit read does not grow with the study or with what a worker has done."""

import json
import random
import uuid

import pytest
from django.db import connection
from jeoul.comparisons import statements
from jeoul.comparisons.actions import claim_comparison, submit_and_claim
from jeoul.comparisons.models import Assignment, Comparison
from jeoul.comparisons.reading import find_item
from jeoul.studies.models import Output, Prompt, Study
from jeoul.workers.models import Enrolment

from tests import factories

pytestmark = pytest.mark.django_db
# Pages of 8 kB that one statement may touch: a few index levels, a few rows, their keys.
MOST_PAGES = 90


def copy_rows(model, source: str, values: dict[str, str], *params) -> list[int]:
    """INSERT of copies by SQL, for speed; ``values`` says what differs."""
    names = [f.column for f in model._meta.concrete_fields if not f.primary_key]
    values = {"uuid": "gen_random_uuid()"} | values
    chosen = ", ".join(values.get(name, f't."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({columns}) "
            f"SELECT {chosen} FROM {model._meta.db_table} t, {source} RETURNING id",
            params,
        )
        return [pk for (pk,) in cursor.fetchall()]


def grow(study: Study, count: int) -> None:
    """Copy the study's first comparison until there are ``count`` more, each on its own prompt."""
    first = study.comparisons.order_by("pk").first()
    prompts = copy_rows(
        Prompt, "generate_series(1, %s) n WHERE t.id = %s", {"key": "'x' || n"},
        count, first.prompt_id,
    )  # fmt: skip
    a, b = (
        copy_rows(Output, "unnest(%s) n WHERE t.id = %s", {"prompt_id": "n"}, prompts, output)
        for output in (first.output_a_id, first.output_b_id)
    )
    copy_rows(
        Comparison,
        "unnest(%s, %s, %s) WITH ORDINALITY x (p, a, b, n) WHERE t.id = %s",
        {"prompt_id": "x.p", "output_a_id": "x.a", "output_b_id": "x.b", "position": "1000 + n"},
        prompts, a, b, first.pk,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def judge_all(enrolment: Enrolment, rows: list[int]) -> None:
    """As if the worker had judged these comparisons."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO comparisons_assignment (uuid, created_at, comparison_id, enrolment_id,
                state, repeat, a_on_left, reserved_at, expires_at, skip_reason, client_key, draft)
            SELECT gen_random_uuid(), now(), c, %s, 'submitted', 0, true, now(), now(), '',
                gen_random_uuid(), '{}' FROM unnest(%s) c
            """,
            [enrolment.pk, rows],
        )
    Comparison.objects.filter(pk__in=rows).update(taken=1, judged=1)
    Enrolment.objects.filter(pk=enrolment.pk).update(submitted=len(rows), given_real=len(rows))


def pages_read(work) -> dict[str, int]:
    """The pages that each prepared statement of ``work`` touched, counted by PostgreSQL."""
    seen: dict[str, int] = {}

    def explain(execute, sql, params, many, context):
        settings, _, run = sql.rpartition("; ")
        if not run.startswith("EXECUTE jeoul_"):
            return execute(sql, params, many, context)
        cursor = context["cursor"]
        cursor.execute(f"SAVEPOINT look; {settings}")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {run}", params)
        plan = cursor.fetchone()[0]
        plan = json.loads(plan) if isinstance(plan, str) else plan
        cursor.execute("ROLLBACK TO SAVEPOINT look")
        top = plan[0]["Plan"]
        touched = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
        name = run.split()[1]
        seen[name] = max(seen.get(name, 0), touched)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        work()
    return seen


def one_turn(enrolment: Enrolment, study: Study):
    """Claim, submit and claim, as the pages do."""

    def work():
        held = claim_comparison(enrolment_id=enrolment.pk)
        _, found = find_item(enrolment.uuid.hex, enrolment.token_round, held.uuid)
        submit_and_claim(assignment=found, client_key=uuid.uuid4(), answers=factories.say(study, 1))

    return work


def test_claim_and_submit_read_as_little_in_a_large_study_as_in_a_small_one():
    study = factories.make_study(
        prompts=2, overlap=3, gold_share=0.3, repeat_share=0.2, prompt_distance=5
    )
    worker = factories.worker_for(study)
    small = pages_read(one_turn(worker, study))
    assert {"jeoul_store", "jeoul_reserve", "jeoul_choose_near"} <= small.keys()
    grow(study, 12_000)
    large = pages_read(one_turn(factories.worker_for(study), study))
    assert max(large.values()) < MOST_PAGES, large
    # Two more index levels on each of its dozen indexes, and nothing else.
    assert sum(large.values()) < sum(small.values()) + 60, (small, large)


def test_a_worker_who_has_seen_two_thousand_claims_as_cheaply_as_a_new_one():
    study = factories.make_study(prompts=2, overlap=3)
    grow(study, 6000)
    veteran = factories.worker_for(study)
    rows = list(study.comparisons.order_by("position").values_list("pk", flat=True))
    judge_all(veteran, rows[:2000])
    # All others are as full as the veteran's, so that theirs stand at the front of the walk.
    Comparison.objects.filter(pk__in=rows[2000:]).update(taken=1, judged=1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    factories.judge(veteran)  # the one walk over all that they have seen
    read = pages_read(one_turn(veteran, study))
    # The front is looked at once, row by row; then the walk goes on where it was.
    assert "jeoul_choose_far" not in read
    assert max(read.values()) < 20 * statements.FRONT, read
    assert Assignment.objects.filter(enrolment=veteran, state="reserved").count() == 1


def test_the_walk_goes_over_all_when_the_rest_is_seen():
    study = factories.make_study(prompts=2, overlap=3)
    grow(study, 300)
    worker = factories.worker_for(study)
    rows = list(study.comparisons.order_by("position").values_list("pk", flat=True))
    left = random.Random(5).sample(rows, 3)
    judge_all(worker, [pk for pk in rows if pk not in left])
    found = set()
    for _ in range(3):
        found.add(factories.judge(worker).comparison_id)
    assert found == set(left)
    assert len(rows) > statements.FRONT

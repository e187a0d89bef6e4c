"""Behind a pooler (DATABASE_PREPARE=0) the same is given, stored and refused without preparing."""

import uuid

import pytest
from django.db import connection
from jeoul.comparisons.actions import NothingLeft, claim_comparison, submit_and_claim
from jeoul.comparisons.models import Assignment, Judgement
from jeoul.comparisons.reading import find_item
from jeoul.studies.models import Prompt
from jeoul.workers.models import Worker

from tests import factories
from tests.comparisons.test_who_gets_what import add_checks

# Each transaction ends on a real COMMIT, and the next one may come to another connection.
pytestmark = pytest.mark.django_db(transaction=True)


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return cursor.fetchone()[0]


def way(languages: list[str], *, pages: int, pooled: bool) -> list[tuple[int, int, bool]]:
    """A worker's pages by the plan's own places: kind, position, repeat, side."""
    study = factories.make_study(
        prompts=12, systems=("a", "b", "c"), gold_share=0.3, repeat_share=0.3, repeat_max=4,
        prompt_distance=2, overlap=2,
    )  # fmt: skip
    Prompt.objects.filter(prompt_set=study.prompt_set_version.prompt_set).update(language="en")
    study.comparisons.update(language="en")
    add_checks(study, 5)
    worker = factories.worker_for(study)
    Worker.objects.filter(pk=worker.worker_id).update(languages=languages)
    given, seen = claim_comparison(enrolment_id=worker.pk), []
    for _ in range(pages):
        if pooled:
            connection.close()
        _, held = find_item(worker.uuid.hex, worker.token_round, given.uuid)
        seen.append((held.comparison.kind, held.comparison.position, held.repeat))
        telemetry = {"visible_ms": 900, "focus_ms": None, "hidden_ms": 0,
                     "first_action_ms": 5, "paste_chars": None}  # fmt: skip
        key, answers = uuid.uuid4(), factories.say(study, 1)
        again = submit_and_claim(
            assignment=held, client_key=key, answers=answers, telemetry=telemetry
        )
        if pooled:
            connection.close()
        repeated = submit_and_claim(assignment=held, client_key=key, answers=answers)
        if isinstance(again, NothingLeft):
            break
        assert again.pk == repeated.pk
        given = again
    assert Judgement.objects.filter(study=study).count() == len(seen)
    assert Assignment.objects.filter(enrolment=worker, state="submitted").count() == len(seen)
    return seen


@pytest.mark.parametrize("languages", [[], ["en", "ko"]])
def test_a_worker_gets_the_same_way_without_prepared_statements(settings, languages, monkeypatch):
    # Which page is a check is drawn by the worker's own seed; here both workers have one.
    monkeypatch.setattr("jeoul.comparisons.choosing._seed", lambda *_: "one")
    usual = [(kind, repeat) for kind, _, repeat in way(languages, pages=25, pooled=False)]
    settings.PREPARE_STATEMENTS = False
    connection.close()
    pooled = [(kind, repeat) for kind, _, repeat in way(languages, pages=25, pooled=True)]
    assert prepared() == 0
    assert pooled == usual
    assert {"gold", "real"} <= {kind for kind, _ in pooled}
    assert any(repeat for _, repeat in pooled)

"""Practice, then a trial to be passed, then the work; and how each way ends."""

import json
import uuid

import pytest
from django.core.management import CommandError, call_command
from jeoul.base import InvalidInput
from jeoul.comparisons.actions import claim_comparison, submit_judgement
from jeoul.comparisons.known_items import import_known_items
from jeoul.comparisons.models import Assignment, Comparison, Kind
from jeoul.studies.actions import update_draft
from jeoul.studies.importing import BadRows
from jeoul.studies.models import A_WINS, B_WINS
from jeoul.workers.models import Stage

from tests import factories

pytestmark = pytest.mark.django_db


def rows(kind, n, right="a"):
    return "\n".join(
        json.dumps(
            {
                "kind": kind,
                "prompt": f"{kind} {i}?",
                "output_a": f"good {kind} {i}",
                "output_b": f"bad {kind} {i}",
                "right": right,
                "explanation": f"It is good for {i} reasons.",
            }
        )
        for i in range(n)
    )


def give(study, kind, n, **kwargs):
    owner = factories.owner_of(study)
    text = rows(kind, n)
    return import_known_items(owner=owner, study=study, text=text, file_kind="jsonl", **kwargs)


def answer(enrolment, *, right=True):
    """Answer what comes next: known items as told, all else for A; returns its kind."""
    held = claim_comparison(enrolment_id=enrolment.pk)
    sign = held.comparison.gold_sign or 1
    submit_judgement(
        assignment=held,
        client_key=uuid.uuid4(),
        answers=factories.say(enrolment.study, sign if right else -sign),
    )
    enrolment.refresh_from_db()
    return held.comparison.kind


def test_practice_comes_first_then_the_trial_then_the_work():
    study = factories.make_study(prompts=3, qualification_items=2)
    give(study, "training", 2)
    give(study, "qualification", 3)
    enrolment = factories.worker_for(study)
    kinds = [answer(enrolment) for _ in range(6)]
    assert kinds == ["training"] * 2 + ["qualification"] * 2 + ["real"] * 2
    assert (enrolment.practised, enrolment.submitted) == (4, 2)
    assert enrolment.prepared_at is not None


def test_a_failed_trial_may_be_tried_again_with_other_items_as_far_as_there_are():
    study = factories.make_study(
        qualification_items=2, qualification_pass=1.0, qualification_tries=3
    )
    give(study, "qualification", 3)
    enrolment = factories.worker_for(study)
    shown = []
    for right in (True, False, False, True):
        answer(enrolment, right=right)
        shown.append(Assignment.objects.order_by("-pk").first())
    assert (enrolment.tries_failed, enrolment.prepared_at) == (2, None)
    assert [a.repeat for a in shown] == [0, 0, 0, 1]
    assert [answer(enrolment) for _ in range(3)] == ["qualification"] * 2 + ["real"]


@pytest.mark.parametrize(
    ("mark", "wrong", "passes"),
    [(0.75, 1, True), (0.75, 2, False), (0.8, 1, False), (1.0, 0, True)],
)
def test_the_pass_mark_is_a_share_of_the_items(mark, wrong, passes):
    study = factories.make_study(
        qualification_items=4, qualification_pass=mark, qualification_tries=1
    )
    give(study, "qualification", 4)
    enrolment = factories.worker_for(study)
    for at in range(4):
        answer(enrolment, right=at >= wrong)
    assert enrolment.stage == (Stage.WORKING if passes else Stage.SCREENED_OUT)
    assert bool(enrolment.finished_at) != passes


def test_a_trial_without_items_keeps_nobody_out():
    study = factories.make_study(qualification_items=5)
    assert answer(factories.worker_for(study)) == "real"


def test_a_skipped_trial_item_is_replaced_and_counts_for_nothing():
    from jeoul.comparisons.holding import skip_assignment

    study = factories.make_study(qualification_items=2)
    give(study, "qualification", 3)
    enrolment = factories.worker_for(study)
    skip_assignment(assignment=claim_comparison(enrolment_id=enrolment.pk), reason="unclear")
    assert [answer(enrolment) for _ in range(3)] == ["qualification"] * 2 + ["real"]


def test_missed_checks_end_the_way_only_where_the_study_says_so():
    for limit, stage in ((2, Stage.FAILED_CHECKS), (None, Stage.WORKING)):
        study = factories.make_study(
            prompts=12, gold_share=1.0, gold_max=4, gold_fail_after=limit, overlap=1
        )
        give(study, "gold", 4)
        enrolment = factories.worker_for(study)
        kinds = []
        while enrolment.finished_at is None and len(kinds) < 9:
            kinds.append(answer(enrolment, right=False))
        assert enrolment.stage == stage
        assert kinds.count("gold") == (2 if limit else 4)


def test_the_same_file_twice_adds_nothing_and_bad_rows_are_named():
    study = factories.make_study()
    assert give(study, "gold", 3).added == 3
    again = give(study, "gold", 3)
    assert (again.added, again.unchanged) == (0, 3)
    owner, good = factories.owner_of(study), rows("gold", 1)
    bad = "\n".join(
        json.dumps(json.loads(good) | change)
        for change in ({"kind": "real"}, {"right": "left"}, {"output_a": True}, {"prompt": None})
    )
    with pytest.raises(BadRows) as refused:
        import_known_items(owner=owner, study=study, text=bad, file_kind="jsonl")
    assert [(r.number, r.field) for r in refused.value.rows] == [
        (1, "kind"), (2, "right"), (3, "output_a"), (4, "prompt"),
    ]  # fmt: skip
    mixed = f"{bad}\n{rows('training', 1)}"
    done = import_known_items(
        owner=owner, study=study, text=mixed, file_kind="jsonl", take_good=True
    )
    assert (done.added, len(done.bad)) == (1, 4)
    assert Comparison.objects.exclude(kind=Kind.REAL).count() == 4


def test_a_studys_own_answers_may_be_checks_too():
    study = factories.make_study()
    row = {"prompt_id": "p0", "system_a": "alpha", "system_b": "beta", "right": "b"}
    owner = factories.owner_of(study)
    text = "\n".join(json.dumps(r) for r in (row, row | {"prompt_id": "p9"}))
    with pytest.raises(BadRows, match="'p9' is no prompt"):
        import_known_items(owner=owner, study=study, text=text, file_kind="jsonl", kind="gold")
    import_known_items(
        owner=owner, study=study, text=json.dumps(row), file_kind="jsonl", kind="gold"
    )
    gold = Comparison.objects.get(kind=Kind.GOLD)
    assert (gold.gold_sign, gold.ready) == (-1, True)


def test_the_command_imports_and_says_a_mistake_in_one_line(tmp_path, capsys):
    study = factories.make_study(qualification_items=1)
    file = tmp_path / "items.jsonl"
    file.write_text(rows("qualification", 2))
    call_command("import_known_items", str(file), "--study", study.slug, "--json")
    assert json.loads(capsys.readouterr().out) == {"added": 2, "unchanged": 0, "bad": []}
    file.write_text("{}")
    with pytest.raises(CommandError, match="kind: must be one of"):
        call_command("import_known_items", str(file), "--study", study.slug)


@pytest.mark.parametrize(
    ("field", "value"),
    [("qualification_pass", 0.0), ("qualification_items", 101), ("qualification_tries", 0),
     ("gold_fail_after", 0), ("break_every", 0)],
)  # fmt: skip
def test_settings_out_of_range_are_refused_by_name(field, value):
    study = factories.make_study(start=False)
    with pytest.raises(InvalidInput) as refused:
        update_draft(study=study, actor=factories.owner_of(study), settings={field: value})
    assert refused.value.detail["field"] == field


def test_known_items_never_count_as_results():
    study = factories.make_study(prompts=1, overlap=1, qualification_items=1)
    give(study, "training", 1)
    give(study, "qualification", 1)
    enrolment = factories.worker_for(study)
    for _ in range(3):
        answer(enrolment)
    from jeoul.results.progress import study_progress

    progress = study_progress(study)
    assert (progress.planned, progress.judged, progress.comparisons) == (1, 1, 1)


def test_a_right_tie_is_also_both_bad():
    from jeoul.comparisons.first_steps import is_right

    assert [is_right(outcome, 0) for outcome in range(4)] == [False, False, True, True]
    assert is_right(A_WINS, 1)
    assert is_right(B_WINS, -1)
    assert not is_right(A_WINS, -1)

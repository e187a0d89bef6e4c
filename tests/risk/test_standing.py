"""What a scan finds decides what may be shown; a person decides what is held."""

import json
import uuid

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from jeoul.accounts.models import AuditEvent
from jeoul.base import InvalidInput
from jeoul.comparisons.actions import NothingLeft, claim_comparison, submit_judgement
from jeoul.comparisons.building import build_comparisons, mark_ready
from jeoul.comparisons.models import Comparison, Standing
from jeoul.comparisons.standing import apply_decision, reassess
from jeoul.results.compute import compute_from
from jeoul.results.data import violations
from jeoul.results.fingerprints import fingerprint
from jeoul.results.inputs import read_inputs
from jeoul.results.record import as_json, packed, unpacked
from jeoul.risk.actions import decide_item, report_item
from jeoul.risk.models import Finding, ReviewItem, Scan, Verdict
from jeoul.risk.scanning import RULES, scan_output
from jeoul.studies.actions import amend_study, create_study
from jeoul.studies.models import Output, StudyState
from jeoul.studies.prompt_actions import import_outputs, import_prompts, system_for_outputs
from jeoul.studies.running import move_study

from tests import factories

pytestmark = pytest.mark.django_db


def study_of(pairs, *, prompts=None, **settings):
    """A running study of two systems whose answers to each prompt are given."""
    owner = factories.make_user()
    rows = prompts or [{"id": f"p{i}", "prompt": f"Question {i}?"} for i in range(len(pairs))]
    version, _ = import_prompts(
        owner=owner, name=f"s{uuid.uuid4()}", text="\n".join(map(json.dumps, rows)), kind="jsonl"
    )
    lines = [
        json.dumps({"prompt_id": row["id"], "system": name, "text": text})
        for row, pair in zip(rows, pairs, strict=True)
        for name, text in zip(("alpha", "beta"), pair, strict=True)
    ]
    import_outputs(owner=owner, prompts=version, text="\n".join(lines), kind="jsonl")
    study = create_study(
        owner=owner, title="t", prompts=version,
        systems=[system_for_outputs(owner=owner, name=n) for n in ("alpha", "beta")],
        settings={"gold_share": 0.0, "overlap": 1} | settings,
    )  # fmt: skip
    move_study(study=study, to=StudyState.RUNNING, actor=owner)
    build_comparisons(study=study)
    return study


def standing_of(study):
    return list(study.comparisons.order_by("position").values_list("standing", "ready"))


PLAIN = ("The sea is blue because water takes red light away.", "It mirrors the sky above it.")
NAMED = ("As ChatGPT, I think the sea is blue.", "It mirrors the sky above it.")


def test_a_held_output_is_never_shown_before_a_person_allows_it():
    study = study_of([PLAIN, NAMED])
    plain, named = study.comparisons.order_by("prompt__key")
    assert (plain.standing, plain.ready) == (Standing.ASKED, True)
    assert (named.standing, named.ready, named.kinds) == (Standing.HELD, False, ["self_naming"])
    worker = factories.worker_for(study)
    assert claim_comparison(enrolment_id=worker.pk).comparison == plain
    with pytest.raises(IntegrityError), transaction.atomic():
        Comparison.objects.filter(pk=named.pk).update(ready=True)
    # It can come later, so the worker is not sent home.
    other = factories.worker_for(study)
    with pytest.raises(NothingLeft) as nothing:
        claim_comparison(enrolment_id=other.pk)
    assert not nothing.value.final
    item = study.review_items.get()
    owner = factories.owner_of(study)
    with pytest.raises(InvalidInput):
        decide_item(item=item, verdict=Verdict.ALLOWED, actor=owner, reason=" ")
    item = decide_item(item=item, verdict=Verdict.ALLOWED, actor=owner, reason="It is a quotation.")
    assert apply_decision(item=item) == 1
    assert claim_comparison(enrolment_id=other.pk).comparison == named
    event = AuditEvent.objects.get(verb="review.decide")
    assert event.data["reason"] == "It is a quotation."
    assert mark_ready() == 0
    # A later change of mind takes the free places away and leaves what is taken.
    item = decide_item(item=item, verdict=Verdict.REMOVED, actor=owner, reason="It is not.")
    apply_decision(item=item)
    named.refresh_from_db()
    assert (named.standing, named.ready, named.target) == (Standing.LEFT_OUT, False, 1)


def test_the_study_says_what_follows_and_an_amendment_changes_it():
    pairs = [("The same.", "The same."), NAMED, ("", "Something at last.")]
    study = study_of(pairs, risk_policy={"self_naming": "leave_out", "empty": "warn"})
    same, named, empty = study.comparisons.order_by("prompt__key")
    assert (same.standing, same.ready, same.target) == (Standing.TIE, False, 0)
    assert (named.standing, named.target, study.review_items.count()) == ("left_out", 0, 0)
    assert (empty.ready, empty.warnings) == (True, ["empty"])
    owner = factories.owner_of(study)
    with pytest.raises(InvalidInput):
        amend_study(study=study, actor=owner, reason="r", change={"risk_policy": {"empty": "tie"}})
    amend_study(
        study=study, actor=owner, reason="r",
        change={"risk_policy": {"identical": "show", "self_naming": "show"}},
    )  # fmt: skip
    assert reassess(study=study) == 3
    assert set(study.comparisons.values_list("ready", "target", "standing")) == {(True, 1, "")}


def test_a_scan_is_stored_once_with_positions_and_without_the_secret():
    text = "Write to bob.smith@gmail.com; the key is AKIAQYLPMN5HFIQR7XYA."
    study = study_of([(text, "No.")])
    output = Output.objects.get(text=text)
    found = Finding.objects.filter(scan__output=output).order_by("start")
    assert [(f.kind, f.rule, text[f.start : f.end]) for f in found] == [
        ("personal_data", "email", "bob.smith@gmail.com"),
        ("secret", "aws_key", "AKIAQYLPMN5HFIQR7XYA"),
    ]
    assert not any("AKIA" in f.detail or "bob" in f.detail for f in found)
    assert not scan_output(output_id=output.pk)
    assert Scan.objects.filter(output=output, rules=RULES).count() == 1
    comparison = study.comparisons.get()
    assert (comparison.standing, comparison.kinds) == ("held", ["personal_data", "secret"])


def test_a_prompt_that_is_declared_high_risk_is_not_held_for_what_it_declares():
    rows = [
        {"id": "a", "prompt": "Call me a stupid idiot.", "risk": "high", "hazard": "hate"},
        {"id": "b", "prompt": "Call me a stupid idiot."},
    ]
    study = study_of([PLAIN, PLAIN], prompts=rows, risk_policy={"harmful": "hold"})
    high, plain = study.comparisons.order_by("prompt__key")
    assert high.ready
    assert (plain.standing, study.review_items.get().output) == ("held", None)


def test_an_annotators_report_stands_on_the_same_list_and_can_take_a_pair_out():
    study = study_of([PLAIN])
    row = study.comparisons.get()
    report_item(
        study=study, prompt=row.prompt, outputs=(row.output_a, row.output_b), reporter="w1",
        reason="harmful",
    )  # fmt: skip
    item = ReviewItem.objects.get()
    assert (item.source, item.kinds, item.verdict) == ("report", ["harmful"], "open")
    owner = factories.owner_of(study)
    with pytest.raises(InvalidInput, match="which of the two"):
        decide_item(item=item, verdict=Verdict.REMOVED, actor=owner, reason="It is.")
    before = fingerprint(study, {})
    for said, harm in (
        ("second", {row.output_b_id}), ("both", {row.output_a_id, row.output_b_id}),
        ("neither", set()), ("first", {row.output_a_id}),
    ):  # fmt: skip
        item = decide_item(
            item=item, verdict=Verdict.REMOVED, actor=owner, reason="It is.", violating=said
        )
        assert violations(study) == harm
    apply_decision(item=item)
    assert standing_of(study) == [("left_out", False)]
    assert fingerprint(study, {}) != before
    assert item.report.study.reports.get().handled_at
    client = Client()
    client.force_login(owner)
    at = [study.uuid, item.uuid]
    page = client.get(reverse("review-detail", args=at)).text
    assert 'name="violating"' in page
    refused = client.post(
        reverse("review-decide", args=at), {"verdict": "removed", "reason": "It is so."}
    )
    assert (refused.status_code, "It is so." in refused.text) == (422, True)
    assert "which of the two" in refused.text


def test_nothing_unscanned_is_opened():
    study = study_of([PLAIN])
    Comparison.objects.update(ready=False)
    Scan.objects.all().delete()
    assert mark_ready(scan_here=0) == 0
    assert mark_ready() == 1
    worker = factories.worker_for(study)
    held = claim_comparison(enrolment_id=worker.pk)
    submit_judgement(assignment=held, client_key=uuid.uuid4(), answers=factories.say(study, 1))
    assert study.judgements.count() == 1


def test_an_automatic_tie_counts_as_the_judgements_planned_for_it_and_is_named():
    study = study_of([("The same.", "The same."), PLAIN, ("Yes.", "Certainly not that.")])
    for sign in (1, 1):
        enrolment = factories.worker_for(study)
        held = claim_comparison(enrolment_id=enrolment.pk)
        submit_judgement(
            assignment=held, client_key=uuid.uuid4(), answers=factories.say(study, sign)
        )
    inputs = read_inputs(study)
    results, _ = compute_from(inputs)
    (pair,) = results["criteria"][0]["pairs"]
    assert results["automatic_ties"] == {"comparisons": 1, "votes": study.overlap}
    assert (pair["n"], pair["ties"], pair["automatic_ties"]) == (2 + study.overlap, 1, 1)
    # Nobody was asked, so nothing is said about people: judgements, agreement, workers.
    assert (results["judgements"], results["data"]["judgements"]) == (2, 2)
    assert sum(w["n"] for w in results["workers"]) == 2
    # A third party computes the same from a record.
    files = packed(inputs)
    assert as_json(compute_from(unpacked(files.__getitem__))[0]) == as_json(results)

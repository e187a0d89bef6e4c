"""The gate on the dashboard: seen, set by a form, changed with a reason."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from jeoul.studies.gate_actions import set_gate
from jeoul.studies.models import Study

from tests import factories

pytestmark = pytest.mark.django_db


def _posted(*conditions, **more):
    data = {"form-TOTAL_FORMS": len(conditions), "form-INITIAL_FORMS": 0}
    for at, condition in enumerate(conditions):
        data |= {f"form-{at}-{k}": v for k, v in condition.items()}
    return data | more


def test_a_researcher_says_what_must_hold_and_sees_whether_it_does(client):
    study = factories.make_study()
    client.force_login(factories.owner_of(study))
    url = reverse("study-gate", args=[study.uuid])
    empty = client.get(url)
    assert "No gate yet" in empty.text
    assert "(optional)" not in empty.text
    # Proposed: no more than the study's prompts can answer, and a place for one more.
    assert [f.initial.get("claim") for f in empty.context["forms"]] == ["better", None]
    rule = {"claim": "better", "system": "beta", "baseline": "alpha", "criterion": "overall",
            "where_risk": "realistic", "margin": "2", "confidence": "95"}  # fmt: skip
    refused = client.post(url, _posted(rule))
    assert (refused.status_code, b"needs a reason" in refused.content) == (422, True)
    assert b'value="2' in refused.content
    assert client.post(url, _posted(rule, {"claim": ""}, reason="agreed")).status_code == 302
    study.refresh_from_db()
    (condition,) = study.gate["conditions"]
    assert "Only prompts that have all" not in client.get(url).text
    assert (condition["margin"], condition["where"]) == (0.02, {"risk": "realistic"})
    assert study.amendments.get().reason == "agreed"
    page = client.get(url).content.decode()
    assert "not yet" in page
    assert "Confidence sequences" in page
    card = client.get(f"{url}?part=card", headers={"hx-request": "true"}).content.decode()
    assert "Gate" in card
    assert "<html" not in card
    results = client.get(reverse("study-results", args=[study.uuid])).content.decode()
    assert f"{url}?part=card" in results
    client.force_login(factories.make_user())
    assert client.get(url).status_code == 404


def test_what_a_program_set_is_kept_when_the_page_saves_it_again(client):
    """The page's own choices are fewer than the rule's: nothing of it may be lost by a save."""
    study = factories.make_study(start=False)
    study.prompt_set_version.prompts.update(risk="high", category="code")
    rule = {
        "looks": "fixed",
        "conditions": [
            {"claim": "better", "where": {"risk": "high", "category": "code"}, "ties": "apart",
             "both_bad": "left_out", "min_grade": 1.0, "margin": 0.015, "confidence": 0.9},
            {"claim": "not_worse", "where": {"risk": "high"}, "margin": 0.02},
        ],
    }  # fmt: skip
    set_gate(study=study, actor=factories.owner_of(study), rule=rule)
    before = Study.objects.get(pk=study.pk).gate
    client.force_login(factories.owner_of(study))
    url = reverse("study-gate", args=[study.uuid])
    asked = client.get(url).context["forms"]
    shown = [{n: form[n].value() for n in form.fields if form[n].value() is not None}
             for form in asked]  # fmt: skip
    assert (
        client.post(url, _posted(*shown, **{"form-INITIAL_FORMS": len(shown)})).status_code == 302
    )
    assert Study.objects.get(pk=study.pk).gate == before


def test_slices_are_combined_in_the_form(client):
    study = factories.make_study(start=False)
    study.prompt_set_version.prompts.update(category="code", difficulty="hard", risk="high")
    cache.clear()
    client.force_login(factories.owner_of(study))
    url = reverse("study-gate", args=[study.uuid])
    assert "Only prompts that have all" in client.get(url).text
    rule = {"claim": "better", "system": "beta", "baseline": "alpha", "criterion": "overall",
            "where_risk": "high", "where_category": "code", "where_difficulty": "hard"}  # fmt: skip
    assert client.post(url, _posted(rule)).status_code == 302
    where = {"risk": "high", "category": "code", "difficulty": "hard"}
    assert Study.objects.get(pk=study.pk).gate["conditions"][0]["where"] == where
    page = client.get(url).text
    assert '<option value="code" selected' in page
    assert '<option value="hard" selected' in page


def test_a_reason_is_told_in_the_readers_language(client):
    study = factories.make_study()
    client.force_login(factories.owner_of(study))
    rule = {"conditions": [{"claim": "better"}]}
    set_gate(study=study, actor=factories.owner_of(study), rule=rule, reason="a test")
    url = reverse("study-gate", args=[study.uuid])
    assert "No judgement yet." in client.get(url).content.decode()
    korean = client.get(url, headers={"accept-language": "ko"}).content.decode()
    assert "No judgement yet." not in korean
    assert "아직" in korean
    report = client.get(reverse("study-report", args=[study.uuid])).content.decode()
    assert "No judgement yet." in report


def test_the_owner_reads_what_was_done_and_nobody_else(client):
    study = factories.make_study()
    client.force_login(factories.owner_of(study))
    url = reverse("study-audit", args=[study.uuid])
    page = client.get(url).content.decode()
    assert "study.create" in page
    assert "study.running" in page
    client.force_login(factories.make_user())
    assert client.get(url).status_code == 404

"""What a researcher fills in by hand: taken, or refused with all that was typed kept."""

import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from jeoul.quality.actions import exclude_worker
from jeoul.studies.models import StudyState
from jeoul.studies.systems_actions import create_connection

from tests import factories
from tests.dashboard.browsing import client_of

pytestmark = pytest.mark.django_db


def test_a_researcher_sets_a_study_up_by_hand(tmp_path):
    user = factories.make_user()
    client = client_of(user)
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"id": "a", "prompt": "One?"}\n{"id": "b", "prompt": "Two?", "risk": "high"}')
    with file.open("rb") as upload:
        response = client.post(reverse("prompt-set-import"), {"name": "Mine", "file": upload})
    assert response.status_code == 302
    connection_row = create_connection(owner=user, name="local", base_url="http://127.0.0.1:9/v1")
    for name in ("one", "two"):
        response = client.post(
            reverse("system-create"),
            {"name": name, "connection": connection_row.uuid, "model": "m-2026-01-01"},
        )
        assert response.status_code == 302
    prompt_set = user.prompt_sets.get()
    versions = [s.versions.get() for s in user.systems.all()]
    form = {
        "title": "By hand", "prompt_set": prompt_set.uuid, "design": "all_pairs", "overlap": 2,
        "samples": 1, "systems": [v.uuid for v in versions], "currency": "USD",
        "pay_per_judgement": "0.10", "criterion-TOTAL_FORMS": 3, "criterion-INITIAL_FORMS": 1,
        "criterion-0-name": "Overall", "criterion-0-question": "Which is better?",
        "criterion-0-scale": 5, "criterion-1-name": "Safety", "criterion-1-scale": 4,
        "criterion-1-question": "Which is safer?", "criterion-1-chips": "polite\ntrue",
        "criterion-2-scale": 4,
    }  # fmt: skip
    assert client.post(reverse("study-create"), form | {"overlap": 0}).status_code == 422
    response = client.post(reverse("study-create"), form)
    if response.status_code != 302:
        context = response.context
        raise AssertionError((context["form"].errors, context["criteria"].errors))
    study = user.memberships.get().study
    assert client.get(reverse("study-edit", args=[study.uuid])).status_code == 200
    client.post(reverse("study-edit", args=[study.uuid]), form | {"overlap": 3})
    client.post(reverse("study-move", args=[study.uuid]), {"to": "running"})
    study.refresh_from_db()
    assert (study.state, study.overlap, study.comparisons.count()) == (StudyState.RUNNING, 3, 2)
    client.post(reverse("invite-create", args=[study.uuid]), {"vendor": "Agency"})
    assert study.invites.count() == 1
    # A refused form keeps what was typed; closing can be taken back, to paused.
    refused = client.post(
        reverse("study-amend", args=[study.uuid]), {"reason": "more", "overlap": 0}
    )
    assert (refused.status_code, 'value="more"' in refused.text) == (422, True)
    for to in ("closed", "archived", "closed", "paused", "running"):
        client.post(reverse("study-move", args=[study.uuid]), {"to": to})
        study.refresh_from_db()
        assert study.state == to
    client.post(reverse("study-amend", args=[study.uuid]), {"overlap": 4, "reason": "more"})
    assert set(study.comparisons.values_list("target", flat=True)) == {4}


def test_a_bad_file_names_its_rows(tmp_path):
    client = client_of(factories.make_user())
    file = tmp_path / "prompts.csv"
    file.write_text("id,prompt,risk\na,One?,dire\n")
    with file.open("rb") as upload:
        response = client.post(reverse("prompt-set-import"), {"name": "Mine", "file": upload})
    assert response.status_code == 422
    assert "must be realistic or high" in response.content.decode()


def test_a_token_is_shown_once():
    user = factories.make_user()
    client = client_of(user)
    page = client.post(
        reverse("token-create"), {"name": "notebook", "scopes": ["read"]}
    ).content.decode()
    token = user.api_tokens.get()
    assert token.prefix in page
    text = page.split('id="new-token" value="')[1].split('"')[0]
    assert text not in client.get(reverse("account")).content.decode()
    client.post(reverse("token-revoke", args=[token.uuid]))
    token.refresh_from_db()
    assert token.revoked_at


def test_the_way_of_annotators_is_set_on_its_page(judged):
    study = factories.make_study(start=False)
    client = client_of(factories.owner_of(study))
    page = client.get(reverse("study-way", args=[study.uuid]))
    form = page.context["form"].initial | {
        "qualification_items": 3, "contact": "team@example.org", "break_every": "",
        "gold_fail_after": "",
    }  # fmt: skip
    assert client.post(reverse("study-way", args=[study.uuid]), form).status_code == 302
    study.refresh_from_db()
    assert (study.qualification_items, study.contact) == (3, "team@example.org")
    row = {"kind": "gold", "prompt": "1+1?", "output_a": "2", "output_b": "3", "right": "a"}
    for content, status, there in ((json.dumps(row), 302, 1), ("{}", 422, 1)):
        file = SimpleUploadedFile("items.jsonl", content.encode())
        answer = client.post(reverse("known-items-import", args=[study.uuid]), {"file": file})
        assert answer.status_code == status
        assert study.comparisons.count() == there
    for url, status in (("https://app.prolific.com/x", 302), ("https://evil.example/", 422)):
        answer = client.post(
            reverse("completion-set", args=[study.uuid]),
            {"completed_url": url, "no_consent_code": "N1"},
        )
        assert answer.status_code == status
    study.refresh_from_db()
    assert study.completion == {
        "completed": {"url": "https://app.prolific.com/x"},
        "no_consent": {"code": "N1"},
    }
    # A running study's plan is shown, not changed; strangers and readers see nothing of it.
    assert (
        b"frozen at the first start"
        in client_of(factories.owner_of(judged))
        .get(reverse("study-way", args=[judged.uuid]))
        .content
    )
    assert (
        client_of(factories.make_user()).get(reverse("study-way", args=[study.uuid])).status_code
        == 404
    )


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(judged):
    client = client_of(factories.owner_of(judged))
    person = [judged.uuid, judged.enrolments.first().worker.pseudonym]
    comparison = [judged.uuid, judged.comparisons.first().uuid]
    no_version = {"version": str(uuid4()), "reason": "it is newer"}
    no_reason = {"self_naming": "leave_out", "reason": ""}
    unsaid, chosen = {"to": "rerun", "reason": ""}, '<option value="leave_out" selected'
    seldom_asked = {"prompt_set": str(judged.prompt_set_version.prompt_set.uuid), "every_hours": 0}
    made_elsewhere = seldom_asked | {"every_hours": 36}
    system = [judged.systems.first().system.uuid]
    for place, at, typed, kept, wrong in (
        ("worker-note", person, {"kind": "x", "text": "I read"}, "I read", "Select a valid choice"),
        ("worker-state", person, {"state": "gone", "reason": "very fast"}, "very fast", "Choose a"),
        ("worker-state", person, {"state": "paused"}, "", "The worker is told why"),
        ("worker-exclude", person, {"reason": ""}, "", "This field is required"),
        ("comparison-adjudicate", comparison, {"note": "see b"}, "see b", "This field is required"),
        ("run-create", [judged.uuid], no_version, "it is newer", "Select a valid choice"),
        ("review-policy", [judged.uuid], no_reason, chosen, "This field is required"),
        ("generation-move", [judged.uuid], unsaid, '<details class="more" open>', "is required"),
        ("watch-start", system, seldom_asked, 'value="0"', "greater than or equal to 1"),
        ("watch-start", system, made_elsewhere, 'value="36"', "made elsewhere"),
    ):
        answer = client.post(reverse(place, args=at), typed)
        assert (place, answer.status_code) == (place, 422)
        assert kept in answer.text, place
        assert wrong in answer.text, place
    exclude_worker(
        study=judged, worker=judged.enrolments.first().worker, actor=factories.owner_of(judged),
        reason="a test",
    )  # fmt: skip
    again = client.post(reverse("worker-exclude", args=person), {"reason": "asked twice"})
    assert "asked twice" in again.text
    assert "left out of the results already" in again.text

"""Every page of the dashboard answers, belongs to its people only, and asks few queries."""

import csv
import io
import re
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from jeoul.comparisons.models import Remark
from jeoul.conduct import figures, parts
from jeoul.dashboard.views import generation
from jeoul.quality.actions import exclude_worker
from jeoul.results.actions import analyse_study
from jeoul.results.drift import close_round
from jeoul.risk.actions import hold_for_review
from jeoul.studies.models import OutputState, PromptSet, StudyState
from jeoul.studies.systems_actions import create_connection, create_system_version
from jeoul.studies.uploads import store_upload
from jeoul.studies.watching import begin_round, outputs_of, start_watch

from tests import factories

pytestmark = pytest.mark.django_db

STUDY_PAGES = (
    "study-detail", "study-results", "study-report", "comparison-list", "worker-list",
    "output-list", "report-list", "study-money", "run-list", "review-list", "study-way",
    "study-audit", "study-gate",
)  # fmt: skip
SET_PAGES = ("prompt-set-detail", "alike-list", "contamination-list", "outputs-import")
OWN_PAGES = (
    "study-list", "study-create", "prompt-set-list", "prompt-set-import", "system-list",
    "system-create", "connection-create", "vendor-list", "account",
)  # fmt: skip


@pytest.fixture
def judged():
    """A running study with a few judgements and its analysis."""
    study = factories.make_study(prompts=6, systems=("alpha", "beta", "gamma"))
    for number in range(3):
        worker = factories.worker_for(study)
        for turn in range(12):
            factories.judge(worker, (1, -1, 0, None)[(number + turn) % 4])
    analyse_study(study=study)
    return study


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def addresses(study):
    comparison = study.comparisons.first()
    worker = study.enrolments.first().worker.pseudonym
    return [reverse(name, args=[study.uuid]) for name in STUDY_PAGES] + [
        reverse("comparison-detail", args=[study.uuid, comparison.uuid]),
        reverse("worker-detail", args=[study.uuid, worker]),
        *(reverse(name, args=[study.prompt_set_version.prompt_set.uuid]) for name in SET_PAGES),
        reverse("output-detail", args=[study.uuid, comparison.output_a.uuid]),
        reverse("system-detail", args=[study.systems.first().system.uuid]),
        reverse("comparison-detail", args=[study.uuid, comparison.uuid]) + "?diff",
        reverse("worker-effect", args=[study.uuid, worker]),
        reverse("comparison-list", args=[study.uuid])
        + f"?verdict=0&worker={worker}&flag=1&slice=category:x&show=disputed",
        reverse("study-chart", args=[study.uuid, "pairs-overall", "svg"]),
        reverse("study-chart", args=[study.uuid, "ranking-overall", "png"]),
        reverse("study-chart", args=[study.uuid, "matrix", "csv"]),
        reverse("study-export", args=[study.uuid, "judgements", "csv"]),
    ]


def test_every_page_answers_its_owner(judged):
    client = client_of(factories.owner_of(judged))
    for address in addresses(judged) + [reverse(name) for name in OWN_PAGES]:
        response = client.get(address)
        assert response.status_code == 200, address


def test_a_stranger_gets_404_and_nobody_gets_the_login(judged):
    stranger = client_of(factories.make_user())
    for address in addresses(judged):
        assert stranger.get(address).status_code == 404, address
        assert Client().get(address).status_code == 302, address


def test_queries_do_not_grow_with_rows(judged):
    client = client_of(factories.owner_of(judged))
    big = factories.make_study(owner=factories.owner_of(judged), prompts=30,
                               systems=("alpha", "beta", "gamma"))  # fmt: skip
    for _ in range(8):
        worker = factories.worker_for(big)
        for _turn in range(20):
            factories.judge(worker)
    analyse_study(study=big)
    for pair in zip(addresses(judged), addresses(big), strict=True):
        counts = [queries_of(client, address) for address in pair]
        assert counts[1] <= counts[0] + 1, (pair[1], counts)


def seldom(many: int) -> tuple[Client, list[str]]:
    """Pages of a vendor, a watch, an upload, a review and a prompt set, with so many rows each."""
    owner = factories.make_user()
    study = factories.make_study(owner=owner, prompts=many)
    version = study.prompt_set_version
    for worker in [factories.worker_for(study) for _ in range(many)]:
        factories.judge(worker)
    for prompt in version.prompts.all():
        hold_for_review(study=study, prompt_id=prompt.pk, kinds=["harmful"])
    connection_row = create_connection(owner=owner, name="c", base_url="http://127.0.0.1:9/v1")
    asked = create_system_version(owner=owner, name="asked", connection=connection_row, model="m")
    watch = start_watch(owner=owner, version=asked, prompts=version)
    for _round in range(many):
        begin_round(watch_id=watch.pk)
        made = watch.rounds.get(finished_at=None)
        outputs_of(made).update(state=OutputState.DONE, text="Yes.")
        close_round(made=made)
    file = {"kind": "jsonl", "file_name": "a.jsonl", "take_good": False, "sealed": False}
    upload = store_upload(owner=owner, name="large", chunks=[b"{}"], **file)
    return client_of(owner), [
        reverse("review-list", args=[study.uuid]),
        reverse("review-detail", args=[study.uuid, study.review_items.first().uuid]),
        reverse("vendor-detail", args=[study.invites.first().vendor.uuid]),
        reverse("watch-detail", args=[watch.uuid]),
        reverse("watch-chart", args=[watch.uuid]),
        reverse("prompt-upload-detail", args=[upload.uuid]),
        reverse("connection-detail", args=[connection_row.uuid]),
        reverse("study-gate", args=[study.uuid]),
    ]


def test_queries_of_pages_that_are_seldom_seen_do_not_grow_with_their_rows():
    (one, short), (other, long) = seldom(2), seldom(6)
    for few, many in zip(short, long, strict=True):
        counts = queries_of(one, few), queries_of(other, many)
        assert counts[1] <= counts[0] + 1, (many, counts)


def test_queries_of_the_lists_do_not_grow_with_what_a_researcher_owns():
    user = factories.make_user()
    client = client_of(user)
    counts = {name: [] for name in OWN_PAGES}
    for more in (1, 4):
        for number in range(more):
            names = (f"a{more}{number}", f"b{more}{number}")
            study = factories.make_study(owner=user, systems=names)
            factories.judge(factories.worker_for(study))
            create_connection(owner=user, name=names[0], base_url="http://127.0.0.1:9/v1")
        for name in OWN_PAGES:
            counts[name].append(queries_of(client, reverse(name)))
    assert {n: c for n, c in counts.items() if c[1] > c[0] + 1} == {}


def queries_of(client, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


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


def test_exclusion_is_seen_in_the_results_and_can_be_taken_back(judged):
    client = client_of(factories.owner_of(judged))
    worker = judged.enrolments.first().worker.pseudonym
    client.post(
        reverse("worker-exclude", args=[judged.uuid, worker]), {"reason": "asked to be left out"}
    )
    results = analyse_study(study=judged).results
    assert results["excluded_judgements"] == 12
    assert results["with_excluded"][0]["judgements"] == 36
    client.post(reverse("worker-include", args=[judged.uuid, worker]))
    assert analyse_study(study=judged).results["excluded_judgements"] == 0


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
    import json

    from django.core.files.uploadedfile import SimpleUploadedFile

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


def test_a_text_is_found_in_prompts_answers_and_reasons_but_not_in_what_is_sealed(judged):
    client = client_of(factories.owner_of(judged))
    judgement = judged.judgements.first()
    Remark.objects.create(
        judgement=judgement, criterion=judged.criteria.get(is_overall=True), text="Zweifel"
    )
    url = reverse("comparison-list", args=[judged.uuid])
    asked = judgement.comparison.prompt.messages[-1]["content"]

    def found(text):
        return len(client.get(url, {"text": text}).context["comparisons"].rows)

    assert found("zweifel") == 1
    assert found(asked) >= 1
    assert found("nowhere at all") == 0
    PromptSet.objects.update(sealed=True)
    assert (found(asked), found("zweifel")) == (0, 0)
    assert found(judgement.comparison.prompt.key) >= 1


def test_each_chart_says_its_finding_to_those_who_do_not_see_it(judged):
    client = client_of(factories.owner_of(judged))
    url = reverse("study-results", args=[judged.uuid])
    results = judged.analyses.first().results
    pair = results["criteria"][0]["pairs"][0]
    best = results["criteria"][0]["ranking"][0]
    said = re.findall(r'<img src="[^"]*charts/[^"]*" alt="([^"]*)"', client.get(url).text)
    assert all(said)
    shares = f"{100 * pair['wins_a'] / pair['n']:.0f} % wins"
    assert any(f"{pair['system_a']} against {pair['system_b']}: {shares}" in alt for alt in said)
    assert any(alt.startswith(f"1. {best['system']}, score {best['score']:+.2f}") for alt in said)
    assert any("is preferred to" in alt for alt in said)
    korean = client.get(url, headers={"accept-language": "ko"}).text
    said = re.findall(r'<img src="[^"]*charts/[^"]*" alt="([^"]*)"', korean)
    assert any(alt.startswith(f"1위 {best['system']}") for alt in said)


def test_a_page_of_many_rows_is_there_before_they_are_counted(judged, monkeypatch):
    monkeypatch.setattr(figures, "FEW", 5)
    monkeypatch.setattr(parts, "FEW", 5)
    monkeypatch.setattr(generation, "_FEW", 5)
    client, htmx = client_of(factories.owner_of(judged)), {"HX-Request": "true"}
    for name, part, said in (
        ("study-detail", "progress", ">36 <small>/ 54</small>"),
        ("study-detail", "parts", 'class="num">36 / 54</span>'),
        ("output-list", "generation", ">18 <small>/ 18</small>"),
    ):
        address = reverse(name, args=[judged.uuid])
        page = client.get(address).content.decode()
        assert said not in page
        assert f'hx-get="{address}?part={part}" hx-trigger="load"' in page
        # Without a script, by a link; with one, the part alone, and then the page has it too.
        assert said in client.get(f"{address}?now=1").content.decode()
        cache.clear()
        part = client.get(f"{address}?part={part}", headers=htmx).content.decode()
        assert said in part
        assert "<html" not in part
        assert said in client.get(address).content.decode()


def test_a_charts_numbers_come_with_it(judged):
    client = client_of(factories.owner_of(judged))
    url = reverse("study-chart", args=[judged.uuid, "pairs-overall", "csv"])
    response = client.get(url)
    assert "attachment" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert sum(float(r["share"]) for r in rows if r["pair"] == rows[0]["pair"]) == pytest.approx(1)
    assert "ink" not in rows[0]


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


def test_a_dispute_is_adjudicated_and_a_contest_is_on_the_trail(judged):
    client = client_of(factories.owner_of(judged))
    comparison = judged.comparisons.first()
    place = [judged.uuid, comparison.uuid]
    client.post(reverse("comparison-adjudicate", args=place), {"outcome": "1", "note": "sources"})
    client.post(reverse("comparison-adjudicate", args=place), {"outcome": "9"})
    assert [a.outcome for a in comparison.adjudications.all()] == [1]
    assert "sources" in client.get(reverse("comparison-detail", args=place)).content.decode()
    person = [judged.uuid, judged.enrolments.first().worker.pseudonym]
    client.post(reverse("worker-note", args=person), {"kind": "contest", "text": "I read it all"})
    client.post(reverse("worker-note", args=person), {"kind": "rumour", "text": "no"})
    page = client.get(reverse("worker-detail", args=person)).content.decode()
    assert "I read it all" in page
    assert "rumour" not in page

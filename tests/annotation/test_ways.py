"""Ways in by each kind of link, ways out for each outcome, and what is told on them."""

import pytest
from jeoul.base import InvalidInput
from jeoul.comparisons.actions import claim_comparison
from jeoul.comparisons.erasing import erase_worker
from jeoul.comparisons.models import Assignment, Comparison
from jeoul.results.progress import study_progress
from jeoul.studies.models import Prompt, Study, StudyState
from jeoul.studies.running import move_study
from jeoul.workers.actions import finish, get_vendor, make_invite, token_of
from jeoul.workers.completion import exit_of, set_completion
from jeoul.workers.models import ConsentText, Enrolment, Stage, Worker, WorkerIdentity

from tests import factories

pytestmark = pytest.mark.django_db
PID = "PROLIFIC_PID=5f00&STUDY_ID=s1&SESSION_ID=v1"


def invite_to(study, **kwargs):
    vendor = get_vendor(owner=factories.owner_of(study), name="Platform")
    return make_invite(study=study, vendor=vendor, **kwargs)


def join(invite, query=""):
    return f"/join/{invite.token}/?{query}"


@pytest.mark.parametrize(
    ("provider", "query"),
    [
        ("prolific", PID),
        ("connect", "participantId=5f00&assignmentId=v1&projectId=s1"),
        ("redirect", "worker=5f00&session=v1"),
        ("invite", "worker=5f00"),
    ],
)
def test_a_platforms_link_leads_straight_in_and_is_the_way_back(client, provider, query):
    study = factories.make_study()
    invite = invite_to(study, provider=provider)
    first = client.get(join(invite, query), follow=True)
    assert "Before you begin" in first.content.decode()
    again = client.get(join(invite, query.replace("v1", "v2")), follow=True)
    assert "Before you begin" in again.content.decode()
    enrolment = Enrolment.objects.get()
    assert WorkerIdentity.objects.get().external_id == "5f00"
    assert enrolment.session_id == ("" if provider == "invite" else "v2")
    erase_worker(worker=enrolment.worker)
    enrolment.refresh_from_db()
    assert enrolment.session_id == ""


@pytest.mark.parametrize("query", ["", "PROLIFIC_PID={{%PROLIFIC_PID%}}", "worker=me"])
def test_a_platforms_link_without_its_ids_makes_nobody(client, query):
    study = factories.make_study(contact="team@example.org")
    invite = invite_to(study, provider="prolific")
    for method in (client.get, client.post):
        answer = method(join(invite, query))
        assert answer.status_code == 400
        assert "opened from the platform" in answer.content.decode()
        assert "team@example.org" in answer.content.decode()
    assert not Enrolment.objects.exists()


def test_a_link_checker_enrols_nobody(client):
    invite = invite_to(factories.make_study(), provider="prolific")
    assert client.head(join(invite, PID)).status_code == 200
    assert not Enrolment.objects.exists()


def test_an_invite_for_one_is_that_persons_own_link(client):
    study = factories.make_study()
    one, many = invite_to(study, cap=1), invite_to(study, cap=2)
    assert client.post(join(one)).url == client.post(join(one)).url
    assert client.post(join(many)).url != client.post(join(many)).url
    assert client.post(join(many)).status_code == 404


def test_the_own_link_is_shown_where_the_first_one_would_not_lead_back(client):
    study = factories.make_study()
    for kwargs, shown in (({}, True), ({"cap": 1}, False)):
        home = client.post(join(invite_to(study, **kwargs))).url
        client.post(f"{home}consent/", {"decision": "agree"})
        page = client.get(f"{home}instructions/").content.decode()
        assert (f"http://testserver{home}" in page) == shown


def test_unknown_sources_and_unsafe_addresses_are_refused():
    study = factories.make_study()
    with pytest.raises(InvalidInput, match="no source"):
        invite_to(study, provider="potluck")
    for url in (
        "http://app.prolific.com/x", "https://evil.example/", "javascript:alert(1)",
        "https://app.prolific.com@evil.example/", "https://app.prolific.com:8443/",
        "https://evil.example\\@app.prolific.com/", "https://app.prolific.com.evil.example/",
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            invite_to(study, completion={"completed": {"url": url}})
    owner = factories.owner_of(study)
    for value in ({"finished": {}}, {"completed": "C1"}, {"completed": {"codes": "C"}}, []):
        with pytest.raises(InvalidInput):
            set_completion(home=study, value=value, actor=owner)


@pytest.mark.parametrize("stage", ["completed", "screened_out", "no_consent", "no_more_items",
                                   "failed_checks"])  # fmt: skip
def test_each_outcome_ends_with_its_own_code(client, stage):
    study = factories.make_study()
    codes = {
        name: {"code": f"C-{name}"}
        for name in ("completed", "screened_out", "no_consent", "no_more_items", "failed_checks")
    }
    set_completion(home=study, value=codes, actor=factories.owner_of(study))
    invite = invite_to(study, provider="prolific")
    home = client.get(join(invite, PID)).url
    enrolment = Enrolment.objects.get()
    finish(enrolment=enrolment, stage=Stage(stage))
    page = client.get(home).content.decode()
    assert f"https://app.prolific.com/submissions/complete?cc=C-{stage}" in page
    assert f"C-{stage}<" in page
    assert f'data-outcome="{stage}"' in page


def test_the_most_particular_setting_wins_and_ids_are_filled_in(settings):
    settings.COMPLETION_HOSTS = ["crowd.example"]
    study = factories.make_study()
    vendor = get_vendor(owner=factories.owner_of(study), name="Platform")
    invite = make_invite(study=study, vendor=vendor, provider="redirect")
    from jeoul.workers.actions import arrive

    enrolment = arrive(invite=invite, external_id="a&b", session_id="v 1")
    finish(enrolment=enrolment, stage=Stage.COMPLETED)
    owner = factories.owner_of(study)
    left = exit_of(enrolment)
    assert (left.code, left.url) == (enrolment.completion_code, "")
    url = "https://crowd.example/end?w={worker}&s={session}&c={code}"
    for home, code in ((study, "S"), (vendor, "V"), (invite, "I")):
        set_completion(home=home, value={"completed": {"code": code, "url": url}}, actor=owner)
        left = exit_of(Enrolment.objects.get())
        assert left.code == code
        assert left.url == f"https://crowd.example/end?w=a%26b&s=v%201&c={code}"
    # A host that is taken off the list later is not followed any more; the code stays.
    settings.COMPLETION_HOSTS = []
    assert exit_of(Enrolment.objects.get()).url == ""
    assert exit_of(Enrolment.objects.get()).code == "I"


def test_who_takes_no_part_gets_no_code_of_ours(client):
    home = client.post(join(invite_to(factories.make_study()))).url
    client.post(f"{home}consent/", {"decision": "decline"})
    page = client.get(home).content.decode()
    assert "You have not taken part" in page
    assert "completion-code" not in page


def test_the_consent_is_kept_word_for_word_and_only_what_was_seen_is_agreed_to(client):
    study = factories.make_study(consent_text="We keep *little*.")
    home = client.post(join(invite_to(study))).url
    page = client.get(home).content.decode()
    seen = page.split('name="version" value="')[1].split('"')[0]
    Study.objects.update(consent_text="We keep much.")
    answer = client.post(f"{home}consent/", {"decision": "agree", "version": seen})
    assert "has changed while you were reading" in answer.content.decode()
    assert Enrolment.objects.get().consented_at is None
    seen = answer.content.decode().split('name="version" value="')[1].split('"')[0]
    client.post(f"{home}consent/", {"decision": "agree", "version": seen})
    enrolment = Enrolment.objects.get()
    assert enrolment.consent.text == "We keep much."
    assert (enrolment.consent.number, enrolment.consent_hash) == (1, enrolment.consent.digest)
    assert enrolment.consented_at is not None
    other = client.post(join(study.invites.get())).url
    client.post(f"{other}consent/", {"decision": "agree"})
    assert ConsentText.objects.count() == 1


def test_a_study_that_ran_out_says_so_before_anything_is_read(client):
    study = factories.make_study(prompts=1, overlap=1)
    home = client.post(join(invite_to(study))).url
    factories.judge(factories.worker_for(study))
    page = client.get(home).content.decode()
    assert "Everything has been judged" in page
    assert "Before you begin" not in page
    assert Enrolment.objects.get(submitted=0).completion_code in page


def test_others_hold_what_is_left_and_the_worker_is_told_to_wait(client, at_work):
    study = factories.make_study(prompts=1, overlap=1)
    claim_comparison(enrolment_id=factories.worker_for(study).pk)
    _, url = at_work(study)
    assert "Nothing to compare right now" in client.get(url).content.decode()


def test_a_study_that_closes_ends_with_a_code_and_one_that_pauses_does_not(client, at_work):
    study = factories.make_study(prompts=3, pay_per_judgement=1)
    enrolment, url = at_work(study)
    factories.judge(enrolment)
    owner = factories.owner_of(study)
    move_study(study=study, to=StudyState.PAUSED, actor=owner)
    assert "This study is paused" in client.get(url).content.decode()
    move_study(study=study, to=StudyState.CLOSED, actor=owner)
    page = client.get(url, follow=True).content.decode()
    assert enrolment.completion_code in page
    assert "is saved and is paid" in page


def test_a_worker_who_was_taken_out_reads_why_and_whom_to_write_to(client, at_work):
    study = factories.make_study(contact="team@example.org")
    enrolment, url = at_work(study)
    Worker.objects.update(state="removed", state_reason="Two accounts.")
    page = client.get(url).content.decode()
    assert "Your part ends here" in page
    assert "Two accounts." in page
    assert page.count("team@example.org") == 2
    assert "Do you see this differently?" in page
    assert enrolment.completion_code not in page


def test_refusals_speak_the_workers_language(client, at_work):
    study = factories.make_study(prompts=1)
    _, url = at_work(study)
    client.get(f"{url}?lang=ko")
    move_study(study=study, to=StudyState.PAUSED, actor=factories.owner_of(study))
    Assignment.objects.update(state="expired")
    page = client.get(url).content.decode()
    assert "not take answers" not in page
    assert 'lang="ko"' in page


def test_a_forms_address_opened_again_leads_back_to_the_work(client, at_work):
    study = factories.make_study()
    enrolment, url = at_work(study)
    held = claim_comparison(enrolment_id=enrolment.pk)
    for verb in ("submit", "skip", "report", "decline", "draft", "heartbeat"):
        answer = client.get(url.replace("compare/", f"{held.uuid}/{verb}/"), follow=True)
        assert "Comparison 1" in answer.content.decode()
    assert "Enjoy your break" in client.get(url.replace("compare/", "leave/")).content.decode()
    assert client.put(url.replace("compare/", f"{held.uuid}/submit/")).status_code == 405


def test_hard_texts_can_be_left_out_from_the_start_and_taken_back(client, at_work):
    study = factories.make_study(
        prompts=4, overlap=1, content_warning="Speaks of war.", help_text="Call 111."
    )
    Prompt.objects.filter(key__in=["p0", "p1"]).update(risk="high")
    enrolment, url = at_work(study)
    way = url.replace("compare/", "instructions/")
    page = client.get(way).content.decode()
    assert "Speaks of war." in page
    assert "Call 111." in page
    client.post(way, {"high_risk": "no"})
    assert "You will get none of these texts" in client.get(way).content.decode()
    for _ in range(2):
        assert factories.judge(enrolment).comparison.prompt.risk == "realistic"
    assert "Everything has been judged" in client.get(url, follow=True).content.decode()
    other, url = at_work(study)
    assert factories.judge(other).comparison.prompt.risk == "high"


@pytest.mark.parametrize(("verb", "fields", "paid"), [
    ("report", {"kind": "harmful"}, 1), ("decline", {}, 1), ("skip", {"reason": "unclear"}, 0),
    ("skip", {"reason": "reported"}, 0), ("skip", {"reason": "content_declined"}, 0),
])  # fmt: skip
def test_reports_and_announced_texts_left_out_are_paid_and_plain_skips_are_not(
    client, at_work, verb, fields, paid
):
    study = factories.make_study(prompts=3, pay_per_judgement=2, content_warning="Hard.")
    Prompt.objects.update(risk="high")
    enrolment, url = at_work(study)
    factories.judge(enrolment)
    held = claim_comparison(enrolment_id=enrolment.pk)
    address = url.replace("compare/", f"{held.uuid}/{verb}/")
    for _ in range(2):
        client.post(address, fields)
    enrolment.refresh_from_db()
    assert enrolment.excused == paid
    assert study_progress(study).people_cost == 2 + 2 * paid


def test_nothing_is_paid_as_declined_that_was_not_announced(client, at_work):
    study = factories.make_study(prompts=2)
    enrolment, url = at_work(study)
    held = claim_comparison(enrolment_id=enrolment.pk)
    client.post(url.replace("compare/", f"{held.uuid}/decline/"))
    enrolment.refresh_from_db()
    assert enrolment.excused == 0


def test_a_break_is_proposed_as_often_as_the_study_says(client, at_work):
    study = factories.make_study(prompts=5, break_every=2)
    enrolment, url = at_work(study)
    proposed = []
    for _ in range(5):
        proposed.append("short break" in client.get(url).content.decode())
        factories.judge(enrolment)
    assert proposed == [False, False, True, False, True]


def test_an_answer_to_the_end_can_still_be_changed(client, at_work):
    study = factories.make_study(prompts=1, overlap=1)
    enrolment, url = at_work(study)
    factories.judge(enrolment)
    page = client.get(url, follow=True).content.decode()
    assert "Change my last answer" in page
    undo = client.get(url.replace("compare/", "undo/")).content.decode()
    key = undo.split('name="client_key" value="')[1].split('"')[0]
    held = Assignment.objects.get()
    form = {"client_key": key, "revise": "1", "choice_overall": "both_bad"}
    client.post(url.replace("compare/", f"{held.uuid}/submit/"), form)
    assert enrolment.study.judgements.count() == 2
    enrolment.refresh_from_db()
    assert (enrolment.stage, enrolment.submitted) == (Stage.NO_MORE_ITEMS, 1)
    assert Comparison.objects.get().judged == 1


def test_a_late_answer_takes_back_no_end():
    study = factories.make_study(prompts=2)
    enrolment = factories.worker_for(study)
    held = claim_comparison(enrolment_id=enrolment.pk)
    finish(enrolment=enrolment, stage=Stage.COMPLETED)
    import uuid

    from jeoul.comparisons.actions import submit_judgement

    submit_judgement(assignment=held, client_key=uuid.uuid4(), answers=factories.say(study, 1))
    enrolment.refresh_from_db()
    assert (enrolment.stage, enrolment.submitted) == (Stage.COMPLETED, 1)


def test_facts_and_contact_stand_before_the_consent(client):
    study = factories.make_study(
        worker_cap=20, pay_per_judgement="0.1500", contact="team@example.org",
        ethics_reference="IRB 7",
    )  # fmt: skip
    home = client.post(join(invite_to(study))).url
    page = client.get(home).content.decode()
    for words in ("20 comparisons", "0.15 USD", "team@example.org", "IRB 7"):
        assert words in page
    assert token_of(Enrolment.objects.get()) in home

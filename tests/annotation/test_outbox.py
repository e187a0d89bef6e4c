"""Connections that break, servers that are busy: an answer is stored once and never lost."""

import time

import pytest
from django.utils import timezone
from jeoul.comparisons.actions import claim_comparison
from jeoul.comparisons.holding import KEPT_ON_LEAVING
from jeoul.comparisons.models import AssignmentState, Judgement
from jeoul.studies.models import StudyState
from jeoul.studies.running import move_study

from tests import factories
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SUBMIT = "**/submit/"


def status(tab):
    return tab.locator("#status")


# What the status says for less than a second is kept, for a test that looks too late.
SAYS = """
window.said = [];
new MutationObserver(() => said.push(document.getElementById("status")?.textContent ?? ""))
    .observe(document, { subtree: true, childList: true });
"""


def wait_until_said(tab, words):
    tab.wait_for_function("words => said.some(text => text.includes(words))", arg=words)


def answer(tab):
    tab.get_by_label("Answer 1 is better").check()
    tab.get_by_role("button", name="Save and go on").click()


def wait_for_comparison(tab, number):
    tab.get_by_role("heading", name=f"Comparison {number} of").wait_for()


def test_a_lost_connection_stores_the_answer_once(tab, at_work):
    """The server stores the first answer, but its reply never arrives; the second finds it."""
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.add_init_script(SAYS)
    tab.goto(url)
    bodies, held = [], []

    def lose_the_reply(route):
        bodies.append(route.request.post_data)
        if len(bodies) == 1:
            route.fetch()
            route.abort()
        elif len(bodies) == 2:
            held.append(route)
        else:
            route.continue_()

    tab.route(SUBMIT, lose_the_reply)
    answer(tab)
    wait_until_said(tab, "will be sent again")
    until(lambda: held or tab.wait_for_timeout(50))
    assert tab.get_by_role("heading", name="Comparison 1 of").is_visible()
    assert Judgement.objects.count() == 1
    held[0].abort("internetdisconnected")
    wait_for_comparison(tab, 2)
    assert status(tab).inner_text() == "Saved"
    assert len(bodies) == 3
    assert len(set(bodies)) == 1, "the same key with the same content each time"
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize("code", [409, 429, 503])
def test_a_busy_server_is_asked_again(tab, at_work, code):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.add_init_script(SAYS)
    tab.goto(url)
    seen = []

    def refuse_once(route):
        seen.append(1)
        if len(seen) == 1:
            route.fulfill(status=code, body="later", headers={"Retry-After": "1"})
        else:
            route.continue_()

    tab.route(SUBMIT, refuse_once)
    answer(tab)
    wait_until_said(tab, "Your answer is kept")
    wait_for_comparison(tab, 2)
    assert Judgement.objects.count() == 1


def test_nothing_is_called_saved_before_the_server_answered(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.goto(url)
    held = []
    tab.route(SUBMIT, lambda route: held.append(route))
    answer(tab)
    status(tab).get_by_text("Saving").wait_for()
    assert tab.locator(".criterion").first.get_attribute("inert") is not None
    # Impatient presses send nothing more.
    tab.locator("[data-submit]").click(force=True)
    assert len(held) == 1
    assert tab.get_by_role("heading", name="Comparison 1 of").is_visible()
    held[0].continue_()
    wait_for_comparison(tab, 2)


def test_leaving_with_an_unsent_answer_is_warned_of(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.add_init_script(SAYS)
    tab.goto(url)
    tab.route(SUBMIT, lambda route: route.abort())
    answer(tab)
    wait_until_said(tab, "will be sent again")
    warned = []
    tab.on("dialog", lambda dialog: (warned.append(dialog.type), dialog.accept()))
    tab.goto(url)
    assert warned == ["beforeunload"]
    # The reloaded page sends what was kept.
    tab.unroute(SUBMIT)
    wait_for_comparison(tab, 2)
    assert Judgement.objects.count() == 1


def test_an_answer_to_what_was_handed_on_is_refused_aloud(tab, at_work):
    study = factories.make_study(prompts=1, overlap=1)
    enrolment, url = at_work(study)
    tab.goto(url)
    held = claim_comparison(enrolment_id=enrolment.pk)
    type(held).objects.filter(pk=held.pk).update(state=AssignmentState.EXPIRED)
    type(held.comparison).objects.filter(pk=held.comparison_id).update(taken=0)
    factories.judge(factories.worker_for(study))
    answer(tab)
    tab.get_by_role("heading", name="This comparison was handed on").wait_for()
    assert "could not be saved" in status(tab).inner_text()
    assert Judgement.objects.count() == 1


def test_a_refusal_keeps_what_was_chosen(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.goto(url)
    answer(tab)
    wait_for_comparison(tab, 2)
    tab.get_by_role("link", name="Change my last answer").click()
    tab.locator("[name=revise]").wait_for(state="attached")
    move_study(study=study, to=StudyState.PAUSED, actor=factories.owner_of(study))
    tab.get_by_label("Answer 2 is better").check()
    tab.get_by_role("button", name="Save and go on").click()
    tab.get_by_role("alert").get_by_text("does not take answers").wait_for()
    assert tab.get_by_label("Answer 2 is better").is_checked()


def test_no_storage_and_no_cookies_are_needed(open_context, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    context = open_context()
    context.add_init_script(
        "for (const name of ['sessionStorage', 'localStorage'])"
        " Object.defineProperty(window, name, { get() { throw new Error('denied'); } });"
    )
    tab = context.new_page()
    tab.goto(url)
    for number in (1, 2):
        wait_for_comparison(tab, number)
        answer(tab)
    tab.get_by_role("heading", name="Everything has been judged").wait_for()
    assert context.cookies() == []
    assert Judgement.objects.count() == 2


def test_the_reservation_lives_while_the_page_is_open(open_context, at_work):
    study = factories.make_study(prompts=1, reservation_minutes=1)
    enrolment, url = at_work(study)
    context = open_context()
    tab = context.new_page()
    tab.clock.install()
    tab.goto(url)
    before = claim_comparison(enrolment_id=enrolment.pk).expires_at
    time.sleep(0.05)
    with tab.expect_response("**/heartbeat/"):
        tab.clock.run_for(31_000)
    assert claim_comparison(enrolment_id=enrolment.pk).expires_at > before


def test_a_closed_page_hands_its_comparison_back_soon_and_an_opened_one_keeps_it(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1, reservation_minutes=30)
    enrolment, url = at_work(study)
    tab.goto(url, wait_until="networkidle")
    held = claim_comparison(enrolment_id=enrolment.pk)
    whole = held.expires_at
    tab.goto("about:blank")

    def shortened():
        held.refresh_from_db()
        return held.expires_at < whole

    until(shortened)
    assert held.expires_at <= timezone.now() + KEPT_ON_LEAVING
    assert held.state == "reserved"
    tab.goto(url, wait_until="networkidle")
    again = claim_comparison(enrolment_id=enrolment.pk)
    assert again.pk == held.pk
    assert again.expires_at > timezone.now() + 2 * KEPT_ON_LEAVING

"""Undo, skip, report, breaks, keys and views of the texts, as a worker uses them."""

import pytest
from jeoul.comparisons.models import Answer, Assignment, AssignmentState, Judgement
from jeoul.risk.models import Report
from jeoul.studies.actions import CriterionSpec
from jeoul.studies.models import A_WINS, B_WINS

from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 360, "height": 740}


def save(tab):
    tab.get_by_role("button", name="Save and go on").click()


def heading(tab, number):
    tab.get_by_role("heading", name=f"Comparison {number} of").wait_for()


def test_the_last_answer_can_be_changed(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.goto(url)
    tab.get_by_label("Answer 1 is better").check()
    save(tab)
    heading(tab, 2)
    tab.get_by_role("link", name="Change my last answer").click()
    tab.get_by_role("heading", name="Change your last answer").wait_for()
    assert tab.get_by_label("Answer 1 is better").is_checked()
    tab.get_by_label("Answer 2 is better").check()
    save(tab)
    heading(tab, 2)
    tab.wait_for_url("**/compare/**")
    assert tab.locator("#status").inner_text() == "Saved"
    first, second = Judgement.objects.order_by("pk")
    assert second.supersedes == first
    said = {first.answers.get().outcome, second.answers.get().outcome}
    assert said == {A_WINS, B_WINS}
    assert Assignment.objects.get(pk=first.assignment_id).state == AssignmentState.SUBMITTED


def test_a_change_that_lacks_a_reason_can_be_mended(tab, at_work):
    reason = CriterionSpec(
        "overall", "Overall", "Which is better?", scale=3, free_text="required", is_overall=True
    )
    study = factories.make_study(prompts=2, overlap=1, criteria=[reason])
    _, url = at_work(study)
    tab.goto(url)
    tab.get_by_label("Answer 1 is better").check()
    tab.locator("textarea").fill("clearer")
    save(tab)
    heading(tab, 2)
    tab.get_by_role("link", name="Change my last answer").click()
    tab.get_by_role("heading", name="Change your last answer").wait_for()
    tab.evaluate("document.getElementById('judgement').noValidate = true")
    tab.locator("textarea").fill(" ")
    save(tab)
    tab.get_by_role("alert").get_by_text("Please give a reason").wait_for()
    assert tab.evaluate("document.activeElement.id") == "errors"
    tab.locator("textarea").fill("because")
    save(tab)
    heading(tab, 2)
    assert Judgement.objects.order_by("pk").last().remarks.get().text == "because"


@pytest.mark.parametrize("script", [True, False])
def test_skipping_takes_a_reason_and_gives_another(open_context, at_work, script):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab = open_context(java_script_enabled=script).new_page()
    tab.goto(url)
    first = tab.locator("#card").get_attribute("data-assignment")
    tab.get_by_text("Skip this one").click()
    tab.get_by_role("button", name="The question is unclear").click()
    tab.wait_for_url("**/compare/**")
    assert tab.locator("#card").get_attribute("data-assignment") != first
    skipped = Assignment.objects.get(uuid=first)
    assert (skipped.state, skipped.skip_reason) == (AssignmentState.SKIPPED, "unclear")


def test_a_report_is_one_press_and_gives_another(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    enrolment, url = at_work(study)
    tab.goto(url)
    first = tab.locator("#card").get_attribute("data-assignment")
    assert tab.get_by_text("your pay and your speed are not affected").is_visible()
    tab.get_by_role("button", name="Harmful or dangerous").click()
    tab.wait_for_url("**/compare/**")
    assert tab.locator("#card").get_attribute("data-assignment") != first
    assert Report.objects.get().reason == "harmful"
    assert Report.objects.get().reporter == enrolment.worker.pseudonym


def test_a_break_hands_the_comparison_back(tab, at_work):
    study = factories.make_study(prompts=1, overlap=1)
    _, url = at_work(study)
    tab.goto(url)
    tab.get_by_role("button", name="Take a break").click()
    tab.get_by_role("heading", name="Enjoy your break").wait_for()
    assert not Assignment.objects.filter(state=AssignmentState.RESERVED).exists()
    # The page has an address of its own: the language link and a reload stay on it.
    tab.get_by_role("link", name="한국어").click()
    assert tab.locator("html").get_attribute("lang") == "ko"
    assert tab.locator("#card-title").inner_text() == "편히 쉬세요"


def test_keys_sleep_while_typing_or_with_a_modifier_or_when_turned_off(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.goto(url)
    chosen = tab.locator("input[type=radio]:checked")
    tab.locator("textarea").focus()
    tab.keyboard.type("1 2 r ? a")
    assert tab.locator("textarea").input_value() == "1 2 r ? a"
    assert chosen.count() == 0
    tab.locator("#card-title").focus()
    for key in ("Control+1", "Alt+1", "Meta+1"):
        tab.keyboard.press(key)
    assert chosen.count() == 0
    tab.keyboard.press("?")
    tab.get_by_role("dialog").wait_for()
    tab.keyboard.press("1")
    tab.get_by_label("Use these keys").uncheck()
    tab.get_by_role("button", name="Close").click()
    tab.locator("#card-title").focus()
    tab.keyboard.press("1")
    tab.keyboard.press("?")
    assert chosen.count() == 0
    assert not tab.get_by_role("dialog").is_visible()
    tab.reload()
    tab.keyboard.press("1")
    assert chosen.count() == 0


def test_keys_answer_one_question_after_the_other(tab, at_work):
    criteria = [
        CriterionSpec("overall", "Overall", "Better?", scale=7, is_overall=True),
        CriterionSpec("safe", "Safety", "Safer?", scale=4),
    ]
    study = factories.make_study(prompts=2, overlap=1, criteria=criteria)
    _, url = at_work(study)
    tab.goto(url)
    # An unanswered page is not sent.
    tab.keyboard.press("Enter")
    tab.locator("#card-title").focus()
    tab.keyboard.press("7")
    tab.keyboard.press("0")
    tab.keyboard.press("Enter")
    heading(tab, 2)
    assert Answer.objects.count() == 2
    assert abs(Answer.objects.get(criterion__key="overall").grade) == 3
    assert Answer.objects.get(criterion__key="safe").grade is None


def test_keys_work_on_a_korean_keyboard(tab, at_work):
    study = factories.make_study(prompts=1)
    _, url = at_work(study)
    tab.goto(url)
    tab.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " { key: 'ㄱ', code: 'KeyR', bubbles: true, cancelable: true }))"
    )
    assert tab.locator("#card.raw-on").count() == 1


def test_raw_text_of_both_sides_at_once_and_it_stays(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1)
    _, url = at_work(study)
    tab.goto(url)
    tab.keyboard.press("r")
    assert tab.locator("pre.raw:visible").count() == 2
    assert tab.locator(".answer .answer-body > .md:visible").count() == 0
    tab.keyboard.press("1")
    tab.keyboard.press("Enter")
    heading(tab, 2)
    assert tab.locator("pre.raw:visible").count() == 2
    tab.get_by_role("button", name="Raw text").click()
    assert tab.locator("pre.raw:visible").count() == 0


def test_a_phone_shows_one_answer_and_switches(open_context, at_work):
    study = factories.make_study(prompts=1)
    _, url = at_work(study)
    tab = open_context(viewport=PHONE).new_page()
    tab.goto(url)
    first, second = tab.locator("#answer-1"), tab.locator("#answer-2")
    assert first.is_visible()
    assert not second.is_visible()
    tab.get_by_role("button", name="Answer 2", exact=True).click()
    assert second.is_visible()
    assert not first.is_visible()
    tab.locator("#card-title").focus()
    tab.keyboard.press("a")
    assert first.is_visible()


@pytest.mark.parametrize("how", ["off", "lost"])
def test_a_phone_without_script_shows_both(open_context, at_work, how):
    study = factories.make_study(prompts=1)
    _, url = at_work(study)
    tab = open_context(viewport=PHONE, java_script_enabled=how == "lost").new_page()
    tab.route("**/annotate.js", lambda route: route.abort())
    tab.goto(url)
    assert tab.locator("#answer-1").is_visible()
    assert tab.locator("#answer-2").is_visible()
    assert not tab.locator(".switch").is_visible()
    assert not tab.get_by_role("button", name="Raw text").is_visible()
    assert tab.locator(".raw-box summary").first.is_visible()


def test_both_answers_scroll_together(tab, at_work):
    study = factories.make_study(prompts=1)
    comparison = study.comparisons.get()
    for output in (comparison.output_a, comparison.output_b):
        type(output).objects.filter(pk=output.pk).update(text="line\n\n" * 120, renderer="")
    _, url = at_work(study)
    tab.goto(url)
    tab.get_by_role("button", name="Scroll together").click()
    tab.locator("#answer-1 .answer-body").hover()
    tab.mouse.wheel(0, 600)
    tab.wait_for_function("document.querySelector('#answer-2 .answer-body').scrollTop > 300")

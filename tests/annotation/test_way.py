"""The whole way through a study in a real browser: with the keyboard alone, and without script."""

import pytest
from jeoul.comparisons.known_items import import_known_items
from jeoul.comparisons.models import Answer, Judgement, Telemetry
from jeoul.studies.models import BOTH_BAD
from jeoul.workers.models import Enrolment, Stage

from tests import factories
from tests.annotation import pages

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press_until(tab, words, presses=40):
    """Walk with Tab alone until the focus stands on what carries these words."""
    for _ in range(presses):
        tab.keyboard.press("Tab")
        if words in (tab.locator("a:focus, button:focus").all_inner_texts() or [""])[0]:
            return
    raise AssertionError(f"{words!r} can't be reached by Tab")


def test_from_the_invitation_to_the_code_with_the_keyboard_alone(tab, invite_url):
    study = factories.make_study(prompts=3, overlap=1)
    tab.goto(invite_url(study))
    for words, next_heading in (
        ("Start", "Before you begin"),
        ("I agree and want to begin", "How it works"),
        ("Begin", "Comparison 1"),
    ):
        press_until(tab, words)
        tab.keyboard.press("Enter")
        tab.get_by_role("heading", name=next_heading).wait_for()
    for done, key in enumerate("120", start=1):
        tab.get_by_role("heading", name=f"Comparison {done}").wait_for()
        tab.keyboard.press(key)
        tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Everything has been judged").wait_for()
    enrolment = Enrolment.objects.get()
    assert tab.locator("#completion-code").inner_text() == enrolment.completion_code
    assert enrolment.stage == Stage.NO_MORE_ITEMS
    assert Judgement.objects.count() == 3
    assert Answer.objects.filter(outcome=BOTH_BAD).count() == 1
    measured = Telemetry.objects.first()
    assert measured.visible_ms >= measured.focus_ms > 0
    assert measured.first_action_ms is not None
    assert measured.paste_chars == 0


def test_practice_and_trial_with_the_keyboard_alone(tab, invite_url):
    study = factories.make_study(prompts=1, overlap=1, qualification_items=1)
    import_known_items(
        owner=factories.owner_of(study), study=study, text=pages.KNOWN, file_kind="jsonl"
    )
    tab.goto(invite_url(study))
    for words in ("Start", "I agree and want to begin", "Begin"):
        press_until(tab, words)
        tab.keyboard.press("Enter")
        tab.get_by_role("heading", level=1).wait_for()
    for heading, then in (("Practice 1 of 1", "Go on"), ("Trial 1 of 1", "")):
        tab.get_by_role("heading", name=heading).wait_for()
        first = tab.locator("#answer-1 .answer-body").text_content()
        tab.keyboard.press("1" if "Yes" in first else "3")
        tab.keyboard.press("Enter")
        if then:
            tab.get_by_role("heading", name="That is how we see it").wait_for()
            press_until(tab, then)
            tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Comparison 1").wait_for()
    assert Enrolment.objects.get().prepared_at is not None


def test_the_focus_is_seen_and_stands_on_the_new_heading(tab, at_work):
    study = factories.make_study(prompts=2)
    _, url = at_work(study)
    tab.goto(url)
    tab.keyboard.press("1")
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Comparison 2").wait_for()
    assert tab.evaluate("document.activeElement.id") == "card-title"
    assert tab.evaluate("scrollY") == 0
    assert tab.locator("#status").inner_text() == "Saved"
    for _ in range(25):
        tab.keyboard.press("Tab")
        seen = tab.evaluate(
            """() => {
              const at = document.activeElement, box = at.getBoundingClientRect();
              if (at === document.body || !box.width) return true;
              const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
              const face = at.nextElementSibling || at;
              const ring = [at, face].some((e) => getComputedStyle(e).outlineStyle !== "none");
              return ring && (at.contains(top) || top === null || at.parentElement.contains(top));
            }"""
        )
        assert seen, tab.evaluate("document.activeElement.outerHTML.slice(0, 200)")


def test_the_whole_way_without_script(open_context, invite_url):
    study = factories.make_study(prompts=2, overlap=1)
    tab = open_context(java_script_enabled=False).new_page()
    tab.goto(invite_url(study))
    tab.get_by_role("button", name="Start").click()
    tab.get_by_role("button", name="I agree").click()
    tab.get_by_role("link", name="Begin").click()
    tab.locator(".raw-box summary").first.click()
    assert tab.locator("pre.raw").first.inner_text().startswith("**Reply**")
    for _ in range(2):
        tab.get_by_label("Answer 1 is better").check()
        tab.get_by_role("button", name="Save and go on").click()
    assert tab.locator("#completion-code").inner_text()
    assert Judgement.objects.count() == 2
    assert not Telemetry.objects.exists()


def test_declining_leaves_nothing_but_the_decision(tab, invite_url):
    study = factories.make_study()
    tab.goto(invite_url(study))
    tab.get_by_role("button", name="Start").click()
    tab.get_by_role("button", name="I do not want to take part").click()
    tab.get_by_role("heading", name="You have not taken part").wait_for()
    assert Enrolment.objects.get().stage == Stage.NO_CONSENT
    assert not tab.locator("#completion-code").count()


def test_nobody_is_asked_anything_before_the_consent(client, at_work, invite_url):
    study = factories.make_study()
    enrolment = client.post(invite_url(study), follow=True)
    assert b"Before you begin" in enrolment.content
    token = enrolment.redirect_chain[-1][0].split("/")[2]
    answer = client.get(f"/w/{token}/compare/", follow=True)
    assert b"Before you begin" in answer.content
    assert b"Reply" not in answer.content


def test_a_worker_goes_on_from_another_device(open_context, at_work):
    study = factories.make_study(prompts=2)
    _, url = at_work(study)
    first = open_context().new_page()
    first.goto(url)
    first.get_by_label("Answer 2 is better").check()
    first.locator("textarea").fill("half a thought")
    first.locator("#status").get_by_text("Draft saved").wait_for()
    second = open_context().new_page()
    second.goto(url)
    assert second.locator("textarea").input_value() == "half a thought"
    assert second.locator("input[value=second]").is_checked()

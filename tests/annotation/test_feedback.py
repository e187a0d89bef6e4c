"""Lessons on practice items, gentle words to the hurried, and leaving out what was announced."""

import uuid

import pytest
from jeoul.comparisons.actions import claim_comparison
from jeoul.comparisons.models import Assignment, Comparison, Judgement, Kind
from jeoul.comparisons.pace import least_seconds
from jeoul.studies.models import Prompt

from tests import factories
from tests.annotation import pages

pytestmark = pytest.mark.django_db


def send(client, url, held, **fields):
    """As the page's script sends an answer."""
    form = {"client_key": str(uuid.uuid4()), "choice_overall": "first"} | fields
    address = url.replace("compare/", f"{held.uuid}/submit/")
    return client.post(address, form, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize("choice", ["first", "second", "tie", "both_bad"])
@pytest.mark.parametrize("sign", [1, -1, 0])
@pytest.mark.parametrize("a_on_left", [True, False])
def test_a_practice_item_says_what_the_team_would_choose(client, at_work, choice, sign, a_on_left):
    study = factories.make_study(prompts=2)
    enrolment, url = at_work(study)
    held = claim_comparison(enrolment_id=enrolment.pk)
    Assignment.objects.filter(pk=held.pk).update(a_on_left=a_on_left)
    Comparison.objects.filter(pk=held.comparison_id).update(
        kind=Kind.TRAINING, gold_sign=sign, explanation="It is *shorter*."
    )
    html = send(client, url, held, choice_overall=choice)
    left = sign if a_on_left else -sign
    right = {1: "first", -1: "second", 0: "tie"}[left]
    assert ("That is how we see it, too" in html) == (choice == right)
    assert ("We would choose" in html) == (choice != right)
    labels = {1: "Answer 1 is better", -1: "Answer 2 is better", 0: "Equally good"}
    assert labels[left] in html
    assert "<em>shorter</em>" in html


def test_a_check_is_like_any_other_comparison(client, at_work):
    study = factories.make_study(prompts=2)
    enrolment, url = at_work(study)
    held = claim_comparison(enrolment_id=enrolment.pk)
    Comparison.objects.filter(pk=held.comparison_id).update(
        kind=Kind.GOLD, gold_sign=1, explanation="secret"
    )
    html = send(client, url, held)
    assert "Comparison 2" in html
    assert "secret" not in html
    assert "We would choose" not in html


def test_three_answers_too_fast_to_have_read_bring_a_word(client, at_work):
    study = factories.make_study(prompts=6)
    for comparison in study.comparisons.all():
        pages.set_texts(comparison, "word " * 200, "word " * 200)
    enrolment, url = at_work(study)
    nudged = []
    for milliseconds in (900, 900, 900, 60_001, 900):
        held = claim_comparison(enrolment_id=enrolment.pk)
        html = send(client, url, held, visible_ms=milliseconds)
        nudged.append("Please take your time" in html)
    assert nudged == [False, False, True, False, False]
    assert Judgement.objects.count() == 5


def test_reading_time_knows_scripts_without_spaces():
    assert least_seconds("word " * 600) == pytest.approx(60)
    assert least_seconds("가" * 1500) == pytest.approx(60)
    assert least_seconds("漢" * 750, "word " * 300) == pytest.approx(60)


@pytest.mark.parametrize("pay", [0, 1])
def test_what_a_warning_announced_can_be_left_out(client, at_work, pay):
    study = factories.make_study(
        prompts=2, content_warning="Speaks of violence.", pay_per_judgement=pay
    )
    Prompt.objects.update(risk="high")
    enrolment, url = at_work(study)
    shown = client.get(url).content.decode()
    assert "Speaks of violence." in shown
    assert ("(it is paid)" in shown) == bool(pay)
    held = Assignment.objects.get(enrolment=enrolment)
    html = client.post(url.replace("compare/", f"{held.uuid}/decline/")).content.decode()
    assert "never counts against you" in html
    assert ("It is paid like any other" in html) == bool(pay)
    held.refresh_from_db()
    assert (held.state, held.skip_reason) == ("skipped", "content_declined")
    assert claim_comparison(enrolment_id=enrolment.pk).comparison_id != held.comparison_id


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("script", [True, False])
def test_announced_texts_are_opened_before_they_are_judged(open_context, at_work, script):
    study = factories.make_study(prompts=1, overlap=1, content_warning="Speaks of violence.")
    Prompt.objects.update(risk="high")
    _, url = at_work(study)
    tab = open_context(java_script_enabled=script).new_page()
    tab.goto(url)
    assert not tab.locator("#answer-1").is_visible()
    tab.keyboard.press("1")
    tab.keyboard.press("Enter")
    assert not tab.locator("[data-submit]").is_visible()
    tab.get_by_text("Show the texts").click()
    assert tab.locator("#answer-1").is_visible()
    assert not tab.locator("input[value=first]").is_checked()
    tab.get_by_label("Answer 1 is better").check()
    tab.get_by_role("button", name="Save and go on").click()
    tab.locator("#completion-code").wait_for()
    assert Judgement.objects.count() == 1


def test_harmless_prompts_carry_no_warning(client, at_work):
    study = factories.make_study(content_warning="Speaks of violence.")
    _, url = at_work(study)
    assert "Speaks of violence." not in client.get(url).content.decode()

"""Everybody can use the pages: axe, small windows, fingers, wide letters, quiet time."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from jeoul.comparisons.models import Assignment
from jeoul.studies.models import Prompt
from jeoul.workers.models import Enrolment

from tests import factories
from tests.annotation import pages

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHIFTS = """() => { window.shifted = 0; window.movers = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.shifted += entry.value;
    for (const { node, previousRect: a, currentRect: b } of entry.sources)
      window.movers.push(`${entry.value.toFixed(3)} ${node?.className ?? node?.nodeName}`
        + ` ${a.y},${a.height} to ${b.y},${b.height}`);
  }
}).observe({ type: 'layout-shift', buffered: true }); }"""
SMALL = """() => [...document.querySelectorAll(
    'a[href], button, summary, select, textarea, input:not([type=hidden])')]
  .filter((e) => e.checkVisibility() && !e.closest('.md'))
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => box.width && box.bottom > 0 && (box.width < 24 || box.height < 24))
  .map(([e, box]) => `${e.outerHTML.slice(0, 120)} ${box.width}x${box.height}`)"""
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important; } p { margin-block-end: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
CUT = """() => [...document.querySelectorAll(
    '.button, .step-face, .chip span, h1, h2, .task-status, p')]
  .filter((e) => e.checkVisibility() && !e.closest('.md'))
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
  .filter((e) => !e.matches('.task-title')).map((e) => e.outerHTML.slice(0, 150))"""
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(1280, "light", "en"), (1280, "dark", "en"), (360, "light", "ko"), (360, "dark", "ko")],
)
def test_axe_finds_nothing_serious_on_any_page(open_context, invite_url, width, scheme, language):
    looks = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    tab = open_context(**looks, locale=language).new_page()
    study = pages.rich_study()
    for name in pages.walk(tab, study, invite_url(study)):
        found = Axe().run(tab).response["violations"]
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in found
            if rule["impact"] in {"serious", "critical"}
        ]
        assert not serious, name


def test_axe_with_the_keys_shown(tab, at_work):
    _, url = at_work(pages.rich_study())
    tab.goto(url)
    tab.keyboard.press("?")
    tab.get_by_role("dialog").wait_for()
    found = Axe().run(tab).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_fits_320_pixels_fingers_and_wide_letters(open_context, invite_url, language):
    tab = open_context(viewport={"width": 320, "height": 640}, locale=language).new_page()
    study = pages.rich_study()
    for name in pages.walk(tab, study, invite_url(study)):
        assert tab.locator("html").get_attribute("lang") == language, name
        assert not tab.evaluate(SIDEWAYS), name
        # Help stands at the same place on each page of the study (WCAG 3.2.6).
        helped = tab.locator(".task-foot", has_text="study-team@example.org").count()
        assert helped or name == "unknown link", name
        assert tab.evaluate(SMALL) == [], name
        tab.evaluate(SPACED)
        assert not tab.evaluate(SIDEWAYS), f"{name}, text spaced"
        assert tab.evaluate(CUT) == [], f"{name}, text spaced"
        tab.evaluate("document.adoptedStyleSheets = []")


def test_whoever_is_about_to_lose_a_comparison_is_told_in_time_and_keeps_it_by_one_press(
    tab, at_work
):
    study = factories.make_study(prompts=1, overlap=1)
    _, url = at_work(study)
    tab.clock.install()
    tab.goto(url)
    note = tab.locator("#time-note")
    tab.clock.fast_forward("20:00")
    assert not note.is_visible()
    tab.clock.fast_forward("08:30")
    note.wait_for()
    assert note.get_attribute("role") == "alert"
    before = Assignment.objects.get().expires_at
    with tab.expect_response("**/heartbeat/") as beat:
        tab.get_by_role("button", name="I need more time").click()
    assert beat.value.headers["held-seconds"] == str(60 * study.reservation_minutes)
    assert not note.is_visible()
    assert Assignment.objects.get().expires_at > before
    assert tab.evaluate("document.activeElement.id") == "card-title"


def test_announced_texts_are_blurred_where_the_study_wants_it_until_they_are_asked_for(
    tab, at_work
):
    study = factories.make_study(prompts=1, overlap=1, content_warning="Hard.", blur=True)
    Prompt.objects.update(risk="high")
    _, url = at_work(study)
    tab.goto(url)
    tab.get_by_text("Show the texts").click()
    look = "getComputedStyle(document.querySelector('#answer-2 .answer-body')).filter"
    tab.mouse.move(0, 0)
    assert "blur" in tab.evaluate(look)
    tab.locator("#answer-2 .answer-body").hover()
    assert tab.evaluate(look) == "none"
    tab.mouse.move(0, 0)
    tab.get_by_role("button", name="Show clearly").click()
    tab.mouse.move(0, 0)
    assert tab.evaluate(look) == "none"


def test_the_submit_bar_hides_no_focus(open_context, at_work):
    study = pages.rich_study()
    _, url = at_work(study)
    tab = open_context(viewport={"width": 1024, "height": 640}).new_page()
    tab.goto(url)
    for _ in range(60):
        tab.keyboard.press("Tab")
        hidden = tab.evaluate(
            """() => {
              const at = document.activeElement, bar = document.querySelector('.submit-bar');
              if (at === document.body || bar.contains(at)) return "";
              const box = at.getBoundingClientRect(), over = bar.getBoundingClientRect();
              const top = document.querySelector('.task-bar').getBoundingClientRect().bottom;
              // Wholly under a bar; a frame taller than the room can't but reach under one.
              const below = box.top >= over.top && box.bottom <= over.bottom;
              return below || (box.bottom <= top && box.height) ? at.outerHTML.slice(0, 200) : "";
            }"""
        )
        assert not hidden


def test_the_next_comparison_shifts_nothing(tab, at_work):
    study = pages.rich_study(break_every=None)
    enrolment, url = at_work(study)
    Enrolment.objects.filter(pk=enrolment.pk).update(prepared_at=enrolment.consented_at)
    tab.add_init_script(f"({SHIFTS})()")
    tab.goto(url)
    tab.wait_for_timeout(300)
    assert tab.evaluate("shifted") < 0.02, tab.evaluate("movers")
    pages.fill(tab)
    tab.wait_for_timeout(1500)
    tab.evaluate("window.shifted = 0, window.movers = []")

    def slowly(route):
        # Beyond the half second after a press in which browsers excuse any shift.
        tab.wait_for_timeout(800)
        route.continue_()

    tab.route("**/submit/", slowly)
    pages.send(tab)
    tab.get_by_role("heading", name="Comparison 2 of").wait_for()
    tab.wait_for_timeout(300)
    # The foot of the page comes into view when the next texts are shorter; nothing else moves.
    movers = [m for m in tab.evaluate("movers") if "task-foot" not in m and "task-status" not in m]
    assert tab.evaluate("shifted") < 0.1, tab.evaluate("movers")
    assert movers == []

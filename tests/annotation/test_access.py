"""Everybody can use the pages: axe, small windows, fingers, wide letters, quiet time."""

import pytest
from axe_playwright_python.sync_playwright import Axe

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(open_context, invite_url, scheme):
    tab = open_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme).new_page()
    study = pages.rich_study()
    for name in pages.walk(tab, study, invite_url(study)):
        found = Axe().run(tab).response["violations"]
        serious = [
            (rule["id"], [node["html"] for node in rule["nodes"]][:3])
            for rule in found
            if rule["impact"] in {"serious", "critical"}
        ]
        assert not serious, name


def test_axe_on_a_phone_in_korean_and_with_the_keys_shown(open_context, at_work):
    study = pages.rich_study()
    _, url = at_work(study)
    tab = open_context(viewport={"width": 360, "height": 740}).new_page()
    tab.goto(f"{url}?lang=ko")
    assert tab.locator("html").get_attribute("lang") == "ko"
    found = Axe().run(tab).response["violations"]
    tab.keyboard.press("?")
    tab.get_by_role("dialog").wait_for()
    found += Axe().run(tab).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_fits_320_pixels_fingers_and_wide_letters(open_context, invite_url, language):
    tab = open_context(viewport={"width": 320, "height": 640}, locale=language).new_page()
    study = pages.rich_study()
    for name in pages.walk(tab, study, invite_url(study)):
        assert tab.locator("html").get_attribute("lang") == language, name
        assert not tab.evaluate(SIDEWAYS), name
        assert tab.evaluate(SMALL) == [], name
        tab.evaluate(SPACED)
        assert not tab.evaluate(SIDEWAYS), f"{name}, text spaced"
        assert tab.evaluate(CUT) == [], f"{name}, text spaced"
        tab.evaluate("document.adoptedStyleSheets = []")


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
    study = pages.rich_study()
    _, url = at_work(study)
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

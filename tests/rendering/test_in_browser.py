"""The hostile answers on the real page, in Chromium: nothing runs, leaves, or covers anything."""

import time

import pytest
from jeoul.studies.models import Output
from jeoul.studies.rendering import RENDERER_VERSION, render_markdown

from tests import factories
from tests.annotation import pages
from tests.rendering.corpus import CORPUS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAIRS = [(CORPUS[at], CORPUS[at - 1]) for at in range(0, len(CORPUS), 2)]
# Ten parts, so that several processes share the work.
PARTS = 10
LOOK = """() => {
  const button = document.querySelector('[data-submit]');
  button.scrollIntoView({ block: 'center' });
  const box = button.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const forms = document.querySelectorAll('.answer form, .answer button, .answer input').length;
  return {
    pwned: window.pwned === undefined ? '' : 'script ran',
    sideways: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    covered: !button.contains(top),
    forms,
    styled: document.querySelectorAll('.answer [style]').length,
    remote: document.querySelectorAll('.answer :is(img, svg, iframe, object, embed)').length,
  };
}"""
HARMLESS = {
    "pwned": "", "sideways": False, "covered": False, "forms": 0, "styled": 0, "remote": 0,
}  # fmt: skip


def store(output: Output, text: str) -> None:
    """As generation stores an answer: what PostgreSQL can't hold is replaced, its HTML kept."""
    kept = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    Output.objects.filter(pk=output.pk).update(
        text=kept, html=render_markdown(text), renderer=RENDERER_VERSION
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_runs_leaves_or_covers(open_context, at_work, part):
    study = factories.make_study(prompts=1)
    comparison = study.comparisons.get()
    _, url = at_work(study)
    tab = open_context(viewport={"width": 900, "height": 800}).new_page()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    for left, right in PAIRS[part::PARTS]:
        store(comparison.output_a, left)
        store(comparison.output_b, right)
        begun = time.perf_counter()
        tab.goto(url)
        assert tab.evaluate(LOOK) == HARMLESS, (left[:80], right[:80])
        assert time.perf_counter() - begun < 6, (left[:80], right[:80])
        # Raw text is where those who doubt the rendering look.
        tab.locator("#card-title").focus()
        tab.keyboard.press("r")
        assert tab.evaluate(LOOK) == HARMLESS, (left[:80], right[:80])
    host = url_host(tab.url)
    assert [address for address in asked if not address.startswith(host)] == []


def url_host(url: str) -> str:
    return "/".join(url.split("/")[:3]) + "/"


def test_links_open_apart_and_tell_nothing(tab, at_work):
    study = factories.make_study(prompts=1)
    comparison = study.comparisons.get()
    pages.set_texts(comparison, "[press](https://evil.example/)", "b")
    _, url = at_work(study)
    heads = []

    def answer(route):
        heads.append(route.request.all_headers())
        route.fulfill(body="<script>document.title = String(window.opener)</script>")

    tab.context.route("https://evil.example/**", answer)
    tab.goto(url)
    with tab.context.expect_page() as opened:
        tab.get_by_role("link", name="press").click()
    opened.value.wait_for_load_state()
    assert opened.value.title() == "null"
    assert "referer" not in heads[0]
    assert tab.url.endswith("/compare/")


@pytest.mark.parametrize(("text", "side"), [("שלום **עולם**", "rtl"), ("Hello **world**", "ltr")])
def test_each_text_runs_in_its_own_direction(tab, at_work, text, side):
    study = factories.make_study(prompts=1)
    pages.set_texts(study.comparisons.get(), text, text)
    _, url = at_work(study)
    tab.goto(url)
    direction = "e => getComputedStyle(e).direction"
    assert tab.locator("#answer-1 .md p").evaluate(direction) == side
    tab.keyboard.press("r")
    assert tab.locator("#answer-1 pre.raw").evaluate(direction) == side

"""What goes over the wire, as a server that compresses would send it."""

import gzip

import pytest

from tests import factories
from tests.annotation import pages

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KB = 1000


def test_the_first_page_and_each_next_are_light(tab, at_work):
    study = factories.make_study(prompts=2, overlap=1, criteria=pages.SCALES)
    _, url = at_work(study)
    loaded = []
    tab.on("response", lambda response: loaded.append(response))
    tab.goto(url, wait_until="networkidle")
    sizes = {r.url: len(gzip.compress(r.body())) for r in loaded}
    assert any(u.endswith("annotate.js") for u in sizes)
    assert any(u.endswith("annotation.css") for u in sizes)
    assert sum(sizes.values()) < 60 * KB, sizes
    pages.fill(tab)
    with tab.expect_response("**/submit/") as answer:
        pages.send(tab)
    # Without any compression: nothing tells that a proxy is there.
    assert len(answer.value.body()) < 15 * KB
    assert len(gzip.compress(answer.value.body())) < 5 * KB


def test_one_round_trip_per_judgement(tab, at_work):
    study = factories.make_study(prompts=3, overlap=1)
    _, url = at_work(study)
    tab.goto(url, wait_until="networkidle")
    asked = []
    tab.on("request", lambda request: asked.append((request.method, request.url)))
    tab.keyboard.press("1")
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Comparison 2 of").wait_for()
    assert [method for method, _ in asked] == ["POST"]
    assert asked[0][1].endswith("/submit/")

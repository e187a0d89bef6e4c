"""Every page of the dashboard by axe, in light and dark, wide and narrow, English and Korean."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from jeoul.risk.actions import hold_for_review
from jeoul.studies.prompt_actions import import_prompts
from jeoul.studies.systems_actions import create_system_version
from jeoul.studies.uploads import store_upload
from jeoul.studies.watching import start_watch

from tests import factories
from tests.access.test_policy import pages
from tests.access.test_table import Room, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
CARDS = """() => [...document.querySelectorAll('.table-frame:has(> .table--stack)')]
  .some((e) => e.scrollWidth > e.clientWidth)"""
SPACED = re.compile(r".*\d %.*")
KEYS = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
  .filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex < 0)
  .map((e) => e.outerHTML.slice(0, 120))"""


def seldom_pages(room: Room) -> list[str]:
    """Addresses of what the room has not: a draft, a review item, a watch, an upload, a version."""
    study, owner = room.study, room.people["owner"]
    versions = study.prompt_set_version
    draft = factories.make_study(owner=owner, systems=("eta", "theta"), start=False)
    with transaction.atomic():
        hold_for_review(study=study, prompt_id=versions.prompts.first().pk, kinds=["harmful"])
    asked = create_system_version(owner=owner, name="asked", connection=room.connection, model="m")
    watch = start_watch(owner=owner, version=asked, prompts=versions)
    file = {"kind": "jsonl", "file_name": "a.jsonl", "take_good": False, "sealed": False}
    upload = store_upload(owner=owner, name="large", chunks=[b"{}"], **file)
    name = versions.prompt_set.name
    text = factories.prompts_text(5, risk="high")
    import_prompts(owner=owner, name=name, text=text, kind="jsonl")
    study_page = reverse("study-detail", args=[study.uuid])
    return [
        reverse("study-edit", args=[draft.uuid]),
        reverse("study-detail", args=[draft.uuid]),
        reverse("review-detail", args=[study.uuid, study.review_items.first().uuid]),
        reverse("watch-detail", args=[watch.uuid]),
        reverse("system-detail", args=[asked.system.uuid]),
        reverse("prompt-upload-detail", args=[upload.uuid]),
        reverse("version-difference", args=[versions.prompt_set.uuid]) + "?old=1&new=2",
        f"{study_page}comparisons/{study.comparisons.first().uuid}/?diff",
        f"{study_page}comparisons/?text=nobody",
    ]


def tab_of(open_context, live_server, owner: Visitor, **options):
    context = open_context(**options)
    session = owner.client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    return context.new_page()


def faults(tab, rules) -> list[str]:
    found = Axe().run(tab, options=rules).response["violations"]
    return [f"{v['id']}: {node['html'][:150]}" for v in found for node in v["nodes"][:3]]


def test_every_page_is_for_everybody(open_context, live_server):
    room = Room()
    owner = next(v for v in room.visitors() if v.name == "owner, signed in")
    found = [*pages(room, owner), *seldom_pages(room)]
    wide = tab_of(open_context, live_server, owner, viewport={"width": 1280, "height": 900})
    narrow = tab_of(
        open_context, live_server, owner, viewport={"width": 390, "height": 800}, locale="ko"
    )
    wrong = []
    for path in found:
        if "/api/" in path:
            continue  # the documentation's own viewer
        wide.emulate_media(color_scheme="light")
        answer = wide.goto(path)
        assert answer.ok, path
        seen = [f"English, light: {fault}" for fault in faults(wide, WCAG)]
        seen += [f"not by keyboard: {html}" for html in wide.evaluate(KEYS)]
        wide.emulate_media(color_scheme="dark")
        seen += [f"dark: {fault}" for fault in faults(wide, COLOURS)]
        narrow.goto(path)
        assert narrow.locator("html").get_attribute("lang") == "ko", path
        seen += [f"Korean, narrow: {fault}" for fault in faults(narrow, WCAG)]
        seen += ["wider than a phone"] if narrow.evaluate(SIDEWAYS) else []
        seen += ["a table wider than its card"] if narrow.evaluate(CARDS) else []
        seen += [f"not as Korean writes it: {p}" for p in SPACED.findall(narrow.inner_text("main"))]
        wrong += [f"{path}: {fault}" for fault in seen]
    assert wrong == [], "\n".join(wrong)
    assert len(found) > 40


def test_the_keyboard_skips_to_the_content_and_shows_where_it_is(open_context, live_server):
    room = Room()
    owner = next(v for v in room.visitors() if v.name == "owner, signed in")
    tab = tab_of(open_context, live_server, owner)
    tab.goto(reverse("study-results", args=[room.study.uuid]))
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        tab.keyboard.press("Tab")
        outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", tab.evaluate("document.activeElement.outerHTML.slice(0, 200)")

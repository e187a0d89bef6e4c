"""Every page in Chromium: no violation of the Content-Security-Policy, no error on the console.

The annotator's own pages are walked under the same watch in tests/annotation.
"""

import pytest
from django.conf import settings

from tests.access.table import TABLE
from tests.access.test_table import Room, Visitor, rights

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
READ = [
    route
    for route, row in TABLE.items()
    if "GET" in rights(row) and not route.startswith(("w/", "api/v1/"))
]


def pages(room: Room, owner: Visitor) -> list[str]:
    """Addresses that answer a study's owner with a page, not with a file or a redirect."""
    answers = {path: owner.client.get(path) for path in (room.address(r, owner) for r in READ)}
    return [
        path
        for path, answer in answers.items()
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
    ]


def test_no_page_breaks_the_policy_or_logs_an_error(open_context, live_server):
    room = Room()
    owner = next(v for v in room.visitors() if v.name == "owner, signed in")
    context = open_context(viewport={"width": 1280, "height": 900})
    session = owner.client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    reports = []
    context.expose_function("broken", lambda report: reports.append(report))
    context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => "
        "window.broken(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI}`))"
    )
    tab = context.new_page()
    found = pages(room, owner)
    for path in found:
        answer = tab.goto(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe-inline" not in policy, path
        assert "unsafe-eval" not in policy, path
        tab.wait_for_load_state("networkidle")
        if "/docs" in path:
            tab.locator(".opblock-summary-control").first.click()
            tab.locator(".try-out__btn").first.click()
    assert reports == []
    assert len(found) > 25, found

"""Every page in Chromium: no violation of the Content-Security-Policy, no error on the console.

The annotator's own pages are walked under the same watch in tests/annotation.
"""

import pytest
from django.conf import settings

from tests.access.table import TABLE
from tests.access.test_table import Room, Visitor, rights

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = [
    route
    for route, row in TABLE.items()
    if "GET" in rights(row) and not route.startswith(("w/", "api/v1/")) and "exports/" not in route
]


def test_no_page_breaks_the_policy_or_logs_an_error(open_context):
    room = Room()
    context = open_context(viewport={"width": 1280, "height": 900})
    owner = next(v for v in room.visitors() if v.name == "owner, signed in")
    session = owner.client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": session,
                "url": context._options["baseURL"],
            }
        ]
    )
    reports = []
    context.expose_function("broken", reports.append)
    context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => "
        "window.broken(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI}`))"
    )
    page = context.new_page()
    seen = 0
    for route in PAGES:
        answer = page.goto(room.address(route, Visitor("owner", owner.client)))
        assert answer.ok, route
        kind = answer.headers.get("content-type", "")
        if kind.startswith("text/html"):
            policy = answer.headers["content-security-policy"]
            assert "unsafe-inline" not in policy
            assert "unsafe-eval" not in policy
            page.wait_for_load_state("networkidle")
            seen += 1
    assert seen > 25
    assert reports == []

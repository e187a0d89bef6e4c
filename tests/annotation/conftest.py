"""A real Chromium on a live server, and the errors that no page may make."""

from pathlib import Path

import pytest
from django.conf import settings
from jeoul.workers.actions import get_vendor, make_invite, token_of

from tests import factories
from tests.lacking import lacking
from tests.waiting import PATIENCE

CHROMIUM = "/usr/bin/chromium"
# Whitenoise warns of a missing folder, and a warning is an error here.
Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="session")
def chromium(request):
    if not Path(CHROMIUM).exists():
        lacking(f"{CHROMIUM} is missing; install it with: apt-get install chromium")
    # The plugin's one Playwright of the run: a second one in the same thread is refused.
    playwright = request.getfixturevalue("playwright")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGS)
    yield browser
    browser.close()


@pytest.fixture
def open_context(chromium, live_server):
    """Makes browser contexts; a script error or a policy violation in one fails the test."""
    contexts, errors = [], []

    def make(**options):
        context = chromium.new_context(**{"base_url": live_server.url, "locale": "en-GB"} | options)
        context.set_default_timeout(PATIENCE * 1000)
        context.on("weberror", lambda error: errors.append(f"script: {error.error}"))
        context.on("console", lambda message: _note(errors, message))
        contexts.append(context)
        return context

    make.errors = errors
    yield make
    for context in contexts:
        context.close()
    assert errors == []


def _note(errors, message):
    # A refused or lost request is what some tests are about; the page must cope with it.
    if message.type == "error" and "Failed to load resource" not in message.text:
        errors.append(f"console: {message.text}")


@pytest.fixture
def tab(open_context):
    return open_context(viewport={"width": 1280, "height": 900}).new_page()


@pytest.fixture
def invite_url():
    """The address an annotator is given for a study."""

    def make(study):
        vendor = get_vendor(owner=factories.owner_of(study), name="Team")
        return f"/join/{make_invite(study=study, vendor=vendor).token}/"

    return make


@pytest.fixture
def at_work():
    """A worker's enrolment past consent, and the address of the comparison page."""

    def make(study, **kwargs):
        enrolment = factories.worker_for(study, **kwargs)
        return enrolment, f"/w/{token_of(enrolment)}/compare/"

    return make

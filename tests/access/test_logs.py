"""No log keeps the key that stands in a worker's address."""

import io
import logging
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from jeoul.serving import ACCESS_LOG
from jeoul.workers.actions import token_of

from tests import factories

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db
def test_a_refused_and_a_broken_request_are_logged_without_the_key(monkeypatch):
    study = factories.make_study()
    worker = factories.worker_for(study)
    key, invite = token_of(worker), worker.invite.token
    (handler,) = logging.getLogger("django").handlers
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    client = Client(raise_request_exception=False)
    assert client.put(f"/w/{key}/compare/").status_code == 405
    assert client.get(f"/w/{key}x/compare/").status_code == 404
    monkeypatch.setattr("annotation.views.claim_comparison", None)
    assert client.get(f"/w/{key}/compare/").status_code == 500
    assert client.delete(f"/join/{invite}/").status_code == 405
    log = written.getvalue()
    assert "Method Not Allowed (PUT): /w/…/" in log
    assert "Internal Server Error: /w/…/compare/" in log
    assert "Traceback" in log
    assert key not in log
    assert invite not in log


def test_the_access_log_holds_no_address():
    assert not {"%(r)s", "%(U)s", "%(q)s", "%(f)s"} & set(ACCESS_LOG.split())
    command = (ROOT / "Dockerfile").read_text().rsplit("CMD [", 1)[1]
    assert ACCESS_LOG in command
    assert "console" in settings.LOGGING["handlers"]

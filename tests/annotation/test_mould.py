"""The filled mould is the template's own page, byte for byte."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone, translation
from django_htmx.middleware import HtmxDetails
from jeoul.comparisons.actions import claim_comparison
from jeoul.comparisons.models import Assignment
from jeoul.studies.models import Prompt
from jeoul.workers.models import Enrolment

from annotation import views
from tests import factories
from tests.annotation import pages

pytestmark = pytest.mark.django_db
TOKEN = "WyJhYmMiLDBd:1tGk3x:3eJ-Zr_4"
ANSWERS = [
    ("Plain words.", "A <b>tag</b> & “quotes” 'both' \\ and {{ braces }} {% tag %}"),
    ("대답은 *이렇습니다*.", "الجواب هنا \u202e‮ \ue000token\ue001"),
]
TURNS = [
    [{"role": "user", "content": "Which <one>?"}],
    [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Word " * 400},
        {"role": "assistant", "content": "An *answer*."},
        {"role": "user", "content": "And now?"},
    ],
]


def card(held: Assignment, extra: dict) -> bytes:
    request = RequestFactory().get("/", headers={"HX-Request": "true"})
    request.htmx = HtmxDetails(request)
    enrolment = held.enrolment
    answer = views._comparison(request, enrolment, TOKEN, held, dict(extra))
    if hasattr(answer, "render"):
        answer.render()
    assert "no-store" in answer["Cache-Control"]
    return answer.content


@pytest.mark.parametrize("answers", ANSWERS, ids=["latin", "other scripts"])
@pytest.mark.parametrize("messages", TURNS, ids=["one turn", "many turns"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_filled_card_is_what_its_template_renders(monkeypatch, answers, messages, language):
    study = factories.make_study(prompts=2, pay_per_judgement=1)
    Prompt.objects.update(messages=messages, language="en")
    for comparison in study.comparisons.all():
        pages.set_texts(comparison, *answers)
    worker = factories.worker_for(study)
    filled = views.filled_card
    for submitted in (0, 7):
        Enrolment.objects.filter(pk=worker.pk).update(submitted=submitted)
        for extra in ({}, {"saved": True}, {"saved": True, "min_read_nudge": True}):
            held = claim_comparison(enrolment_id=worker.pk)
            # In the middle of a step, so that both pages tell the same time that is left.
            held.expires_at = timezone.now() + timedelta(seconds=905)
            with translation.override(language):
                used = []
                monkeypatch.setattr(
                    views, "filled_card", lambda *a, used=used: used.append(filled(*a)) or used[-1]
                )
                by_mould = card(held, extra)
                monkeypatch.setattr(views, "filled_card", lambda *a: None)
                assert by_mould == card(held, extra)
            assert used[0] is not None


def test_what_is_rarer_is_rendered_by_the_template(monkeypatch):
    study = factories.make_study(prompts=2, content_warning="Speaks of violence.")
    Prompt.objects.update(risk="high")
    held = claim_comparison(enrolment_id=factories.worker_for(study).pk)
    assert b"Speaks of violence." in card(held, {"saved": True})

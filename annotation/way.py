"""The way in and out: arriving, consent, instructions, breaks and the end."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect
from jeoul.comparisons.actions import nothing_to_come
from jeoul.comparisons.first_steps import practice_items, trial_items
from jeoul.comparisons.holding import release_assignment
from jeoul.comparisons.models import Assignment, AssignmentState
from jeoul.crowd import get_provider
from jeoul.workers.actions import (
    arrive,
    decline_consent,
    finish,
    give_consent,
    leave_out_high_risk,
    token_of,
)
from jeoul.workers.completion import NOT_FROM_PLATFORM, exit_of
from jeoul.workers.models import Enrolment, Stage

from annotation.access import get_invite
from annotation.item import criteria_of, rendered
from annotation.page import enter, form_only, own_link, page, see_other, urls_for, worker_form
from annotation.standing import standing_of
from annotation.texts import consent_digest, consent_for, facts_of


@require_http_methods(["GET", "HEAD", "POST"])
@worker_form
def join(request: HttpRequest, invite: str) -> HttpResponse:
    """Enter by an invitation: a platform's ids lead straight in, others press a button."""
    found = get_invite(invite)
    provider = get_provider(found.provider)
    entry = provider.parse_entry(request.GET)
    context = {"study_title": found.study.title, "contact": found.study.contact}
    if provider.needs_ids and not entry.worker:
        context["message"] = _(NOT_FROM_PLATFORM)
        return page(request, "annotation/error.html", context, status=400)
    # A HEAD is a link checker, never a person.
    if request.method == "POST" or (entry.worker and request.method == "GET"):
        enrolment = arrive(invite=found, external_id=entry.worker, session_id=entry.session)
        return redirect("worker-home", token=token_of(enrolment))
    return page(request, "annotation/welcome.html", context)


@require_safe
def home(request: HttpRequest, token: str) -> HttpResponse:
    """Where the worker stands."""
    enrolment = enter(request, token)
    if enrolment.stage == Stage.ARRIVED and nothing_to_come(enrolment=enrolment):
        # Told before anything is read or agreed to.
        finish(enrolment=enrolment, stage=Stage.NO_MORE_ITEMS)
    if enrolment.finished_at:
        return done(request, enrolment)
    if enrolment.stage == Stage.ARRIVED:
        return _consent(request, enrolment, token)
    if enrolment.stage == Stage.CONSENTED:
        return redirect("worker-instructions", token=token)
    return redirect("worker-compare", token=token)


def _consent(
    request: HttpRequest, enrolment: Enrolment, token: str, *, changed: bool = False
) -> HttpResponse:
    study = enrolment.study
    text = consent_for(study)
    context = {
        "consent_html": rendered(text),
        "consent_version": consent_digest(text),
        "changed": changed,
        "facts": facts_of(study),
        "ethics_reference": study.ethics_reference,
        "urls": urls_for(token),
    }
    return page(request, "annotation/consent.html", context, enrolment=enrolment)


@worker_form
@form_only
def consent(request: HttpRequest, token: str) -> HttpResponse:
    enrolment = enter(request, token)
    if request.POST.get("decision") == "agree":
        text = consent_for(enrolment.study)
        if request.POST.get("version", consent_digest(text)) != consent_digest(text):
            # Nobody agrees to words that they have not seen.
            return _consent(request, enrolment, token, changed=True)
        give_consent(enrolment=enrolment, text=text)
    elif request.POST.get("decision") == "decline":
        decline_consent(enrolment=enrolment)
    return redirect("worker-home", token=token)


@require_http_methods(["GET", "HEAD", "POST"])
@worker_form
def instructions(request: HttpRequest, token: str) -> HttpResponse:
    """How it works; the form on it keeps announced texts away, or lets them come again."""
    enrolment = enter(request, token)
    if enrolment.finished_at or enrolment.stage == Stage.ARRIVED:
        return redirect("worker-home", token=token)
    if request.method == "POST":
        leave_out_high_risk(enrolment=enrolment, leave_out=request.POST.get("high_risk") == "no")
        return see_other(urls_for(token)["instructions"])
    study = enrolment.study
    context = {
        "instructions_html": rendered(study.instructions) if study.instructions else "",
        "criteria": [
            {
                "name": c.name,
                "question": c.question,
                "definition_html": rendered(c.definition) if c.definition else "",
            }
            for c in criteria_of(study)
        ],
        "content_warning": study.content_warning,
        "help_text": study.help_text,
        "leaves_out": enrolment.no_high_risk,
        "started": enrolment.stage == Stage.WORKING,
        "urls": urls_for(token),
        "own_link": own_link(request, enrolment),
    }
    if enrolment.prepared_at is None:
        context["training_total"] = practice_items(study)
        context["qualification_total"] = trial_items(study)
    return page(request, "annotation/instructions.html", context, enrolment=enrolment)


@require_http_methods(["GET", "HEAD", "POST"])
@worker_form
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Take a break: hand back what is held, and show a page that can be opened again."""
    enrolment = enter(request, token)
    if request.method == "POST":
        for held in Assignment.objects.filter(enrolment=enrolment, state=AssignmentState.RESERVED):
            release_assignment(assignment=held)
        return see_other(urls_for(token)["leave"])
    context = {
        "by_study": False,
        "urls": urls_for(token),
        "own_link": own_link(request, enrolment),
    } | standing_of(enrolment, token)
    return page(request, "annotation/paused.html", context, enrolment=enrolment)


def done(request: HttpRequest, enrolment: Enrolment) -> HttpResponse:
    """How a worker's way has ended, and how they leave."""
    if request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware's
        return HttpResponseClientRedirect(urls_for(token_of(enrolment))["home"])
    left, study, token = exit_of(enrolment), enrolment.study, token_of(enrolment)
    ended_well = enrolment.stage in {Stage.COMPLETED, Stage.NO_MORE_ITEMS}
    context = {
        "outcome": enrolment.stage,
        "judged": enrolment.submitted + enrolment.practised,
        "code": left.code,
        "return_url": left.url,
        "can_undo": ended_well and enrolment.submitted > 0 and study.is_open,
    } | standing_of(enrolment, token)
    return page(request, "annotation/done.html", context, enrolment=enrolment)

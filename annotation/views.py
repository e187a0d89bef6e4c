"""Comparing: the next item, answers, and all that may be done with an item instead."""

import uuid
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from jeoul.base import InvalidInput
from jeoul.comparisons.actions import (
    AlreadyJudged,
    AssignmentExpired,
    NothingLeft,
    StudyNotOpen,
    claim_comparison,
    revise_judgement,
    submit_and_claim,
    submit_judgement,
)
from jeoul.comparisons.first_steps import trial_of
from jeoul.comparisons.holding import (
    CONTENT_DECLINED,
    REPORTED,
    extend_assignment,
    leave_assignment,
    save_draft,
    skip_assignment,
)
from jeoul.comparisons.models import Assignment, AssignmentState, Kind
from jeoul.refusals import in_words
from jeoul.risk.actions import report_item
from jeoul.studies.models import StudyState
from jeoul.workers.actions import (
    begin_work,
    finish,
)
from jeoul.workers.models import Enrolment, Stage, WorkerState

from annotation.access import last_judgement
from annotation.feedback import Feedback, feedback_on, racing
from annotation.item import build_item, criteria_of, draft_of
from annotation.mould import filled_card
from annotation.page import (
    break_due,
    enter,
    enter_item,
    form_only,
    is_paid,
    keep_nowhere,
    own_link,
    page,
    progress_of,
    see_other,
    step_of,
    urls_for,
    worker_form,
)
from annotation.scales import read_answers
from annotation.standing import ended
from annotation.texts import telemetry_from
from annotation.way import done
from tasks.analyses import judgement_came

NOTICES: Final = frozenset({"reported", "skipped"})
SKIP_REASONS: Final = frozenset({"unfamiliar", "language", "unclear", "discomfort", "other"})
# What an answer may change in an enrolment.
COUNTED: Final = ["submitted", "practised", "stage", "prepared_at", "tries_failed", "finished_at"]


@require_safe
def compare(request: HttpRequest, token: str) -> HttpResponse:
    enrolment = enter(request, token)
    if enrolment.finished_at or enrolment.stage == Stage.ARRIVED:
        return redirect("worker-home", token=token)
    if enrolment.worker.state != WorkerState.ACTIVE:
        # What is held already may still be sent, but is not shown again.
        return ended(request, enrolment, token)
    begin_work(enrolment=enrolment)
    notice = request.GET.get("said", "")
    given = _claim(enrolment)
    if isinstance(given, Assignment):
        # Held since before, perhaps left: an opened page has its whole time.
        extend_assignment(assignment=given)
    return _next(request, enrolment, token, given, notice=notice if notice in NOTICES else "")


def _claim(enrolment: Enrolment) -> Assignment | NothingLeft | StudyNotOpen:
    try:
        return claim_comparison(enrolment_id=enrolment.pk)
    except (NothingLeft, StudyNotOpen) as nothing:
        return nothing


def _next(
    request: HttpRequest,
    enrolment: Enrolment,
    token: str,
    given: Assignment | NothingLeft | StudyNotOpen | None = None,
    **extra: Any,
) -> HttpResponse:
    """The next comparison, claimed already or now, or the page that says why there is none."""
    given = given or _claim(enrolment)
    if isinstance(given, Assignment):
        # As the claim left it: one more judgement than this request found.
        enrolment = given.enrolment
        extra["min_read_nudge"] = extra.get("saved", False) and racing(enrolment)
        return _comparison(request, enrolment, token, given, extra)
    enrolment.refresh_from_db(fields=["submitted", "stage", "finished_at"])
    if enrolment.finished_at:
        return done(request, enrolment)
    if isinstance(given, StudyNotOpen):
        return _closed(request, enrolment, token, given)
    if not given.final:
        context = {"urls": urls_for(token), "own_link": own_link(request, enrolment)}
        return page(request, "annotation/wait.html", context, enrolment=enrolment)
    cap = enrolment.study.worker_cap
    reached = cap is not None and enrolment.submitted >= cap
    finish(enrolment=enrolment, stage=Stage.COMPLETED if reached else Stage.NO_MORE_ITEMS)
    return done(request, enrolment)


def _closed(
    request: HttpRequest, enrolment: Enrolment, token: str, error: StudyNotOpen
) -> HttpResponse:
    """Why there is no work: the study has ended, is paused, or this worker was taken out."""
    if enrolment.worker.state != WorkerState.ACTIVE:
        return ended(request, enrolment, token)
    if enrolment.study.state in {StudyState.CLOSED, StudyState.ARCHIVED}:
        finish(enrolment=enrolment, stage=Stage.NO_MORE_ITEMS)
        return done(request, enrolment)
    context = {"by_study": True, "message": in_words(error.message), "urls": urls_for(token)}
    return page(request, "annotation/paused.html", context, enrolment=enrolment)


def _comparison(
    request: HttpRequest,
    enrolment: Enrolment,
    token: str,
    assignment: Assignment,
    extra: dict[str, Any],
    **item: Any,
) -> HttpResponse:
    study, revising = enrolment.study, extra.get("revising", False)
    status = extra.pop("status", 200)
    built = build_item(assignment=assignment, study=study, criteria=criteria_of(study), **item)
    step = step_of(enrolment, assignment)
    context = {
        "item": built,
        "errors": built.errors,
        "step": step,
        "progress": progress_of(enrolment),
        "can_undo": not revising and (enrolment.submitted > 0 or step.can_undo),
        "break_due": not revising and break_due(enrolment),
        "blur": study.blur and bool(built.content_warning),
    }
    part = "#card" if request.htmx else ""  # type: ignore[attr-defined]  # HtmxMiddleware's
    if part:
        card = filled_card(token, context | {"study": study, "paid": is_paid(enrolment)}, extra)
        if card is not None:
            return keep_nowhere(HttpResponse(card))
    context["urls"] = urls_for(token, assignment.uuid)
    template = f"annotation/compare.html{part}"
    return page(request, template, context | extra, enrolment=enrolment, status=status)


def _key(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("client_key", ""))
    except ValueError:
        raise InvalidInput(_("The form is incomplete; please reload the page.")) from None


@worker_form
@form_only
def submit(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    """Store the answer and give the next comparison in the same round trip."""
    held = enter_item(request, token, assignment)
    enrolment = held.enrolment
    criteria, tries = criteria_of(enrolment.study), enrolment.tries_failed
    said, errors = read_answers(criteria, request.POST, a_on_left=held.a_on_left)
    if errors:
        return _again(request, enrolment, token, held, errors)
    telemetry = telemetry_from(request.POST)
    given: Any = {"client_key": _key(request), "answers": said, "telemetry": telemetry}
    lesson = feedback_on(held, criteria, said)
    following = None
    try:
        if request.POST.get("revise"):
            revise_judgement(assignment=held, **given)
        elif lesson is not None or not request.htmx:  # type: ignore[attr-defined]
            submit_judgement(assignment=held, **given)
        else:
            following = submit_and_claim(assignment=held, **given)
    except AssignmentExpired as error:
        context = {"message": in_words(error.message), "urls": urls_for(token)}
        return page(request, "annotation/expired.html", context, enrolment=enrolment, status=410)
    except AlreadyJudged:
        return redirect("worker-compare", token=token)
    judgement_came(enrolment.study_id)
    if lesson is not None:
        return _lesson(request, enrolment, token, lesson)
    if held.comparison.kind != Kind.REAL:
        enrolment.refresh_from_db(fields=COUNTED)
    if enrolment.finished_at:
        return done(request, enrolment)
    if enrolment.tries_failed > tries:
        return _once_more(request, enrolment, token)
    if not request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware's
        return see_other(urls_for(token)["next"])
    return _next(request, enrolment, token, following, saved=True)


def _lesson(
    request: HttpRequest, enrolment: Enrolment, token: str, lesson: Feedback
) -> HttpResponse:
    context = {"feedback": lesson, "saved": True, "urls": urls_for(token)}
    return page(request, "annotation/feedback.html", context, enrolment=enrolment)


def _once_more(request: HttpRequest, enrolment: Enrolment, token: str) -> HttpResponse:
    """A try of the trial that did not pass, while there is another."""
    context = {"tries_left": trial_of(enrolment).tries_left, "saved": True, "urls": urls_for(token)}
    return page(request, "annotation/once_more.html", context, enrolment=enrolment)


def _again(
    request: HttpRequest,
    enrolment: Enrolment,
    token: str,
    held: Assignment,
    errors: dict[str, str],
) -> HttpResponse:
    """The same comparison with what was typed and what is missing."""
    return _comparison(
        request,
        enrolment,
        token,
        held,
        {"status": 422, "revising": bool(request.POST.get("revise"))},
        draft=_draft_from(request),
        errors=errors,
        # A changed answer has a key of its own; the reservation's would be taken for a repeat.
        client_key=_key(request),
    )


def _draft_from(request: HttpRequest) -> dict[str, Any]:
    """The answer's fields as they were posted."""
    return {
        name: request.POST.getlist(name) if name.startswith("chips_") else request.POST[name][:4000]
        for name in list(request.POST)[:100]
        if name.startswith(("choice_", "chips_", "text_"))
    }


@require_safe
def undo(request: HttpRequest, token: str) -> HttpResponse:
    """The last judgement again, to change it."""
    enrolment = enter(request, token)
    last = last_judgement(enrolment)
    return _comparison(
        request,
        enrolment,
        token,
        last.assignment,
        {"revising": True},
        draft=draft_of(last),
        client_key=uuid.uuid4(),
    )


@worker_form
@form_only
def skip(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    held = enter_item(request, token, assignment)
    reason = request.POST.get("reason", "")
    skip_assignment(assignment=held, reason=reason if reason in SKIP_REASONS else "other")
    return see_other(urls_for(token)["next"] + "?said=skipped")


@worker_form
@form_only
def decline(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    """Leave out what a content warning announced; it is paid like a judged one."""
    held = enter_item(request, token, assignment)
    enrolment = held.enrolment
    high = enrolment.study.content_warning and held.comparison.prompt.risk == "high"
    announced = high or held.comparison.warnings
    skip_assignment(assignment=held, reason=CONTENT_DECLINED if announced else "discomfort")
    context = {"urls": urls_for(token), "help_text": enrolment.study.help_text}
    return page(request, "annotation/declined.html", context, enrolment=enrolment)


@worker_form
@form_only
def report(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    """One action: note it, and give another comparison."""
    held = enter_item(request, token, assignment)
    enrolment = held.enrolment
    comparison = held.comparison
    report_item(
        study=enrolment.study,
        prompt=comparison.prompt,
        outputs=(comparison.output_a, comparison.output_b),
        reporter=enrolment.worker.pseudonym,
        reason=request.POST.get("kind", ""),
    )
    skip_assignment(assignment=held, reason=REPORTED)
    return see_other(urls_for(token)["next"] + "?said=reported")


@worker_form
@form_only
def draft(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    held = enter_item(request, token, assignment)
    save_draft(assignment=held, draft=_draft_from(request))
    # "Draft saved" must be true: what was handed on or answered keeps no draft.
    return HttpResponse(status=204 if held.state == AssignmentState.RESERVED else 409)


@worker_form
@form_only
def heartbeat(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    """The page is still open; or, with ``leaving``, it was just closed."""
    held = enter_item(request, token, assignment)
    if request.POST.get("leaving"):
        leave_assignment(assignment=held)
        return HttpResponse(status=204)
    if not extend_assignment(assignment=held):
        return HttpResponse(status=409)
    seconds = 60 * held.enrolment.study.reservation_minutes
    return HttpResponse(status=204, headers={"Held-Seconds": str(seconds)})

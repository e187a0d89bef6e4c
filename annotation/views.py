"""The annotator's way: arrive, consent, instructions, comparisons, completion."""

import uuid
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect
from jeoul.base import InvalidInput
from jeoul.comparisons.actions import (
    AlreadyJudged,
    AssignmentExpired,
    NothingLeft,
    StudyNotOpen,
    claim_comparison,
    extend_assignment,
    release_assignment,
    revise_judgement,
    save_draft,
    skip_assignment,
    submit_and_claim,
    submit_judgement,
)
from jeoul.comparisons.models import Assignment, AssignmentState
from jeoul.risk.actions import report_item
from jeoul.workers.actions import (
    arrive,
    begin_work,
    decline_consent,
    finish,
    give_consent,
    token_of,
)
from jeoul.workers.models import Enrolment, Stage

from annotation.access import get_assignment, get_invite, last_judgement
from annotation.feedback import Feedback, feedback_on, racing
from annotation.item import build_item, criteria_of, draft_of, rendered
from annotation.page import enter, page, progress_of, urls_for
from annotation.scales import read_answers
from annotation.texts import consent_for, telemetry_from

# The address is the key and no cookie is read, so a forged form has nothing to ride on.
worker_form = csrf_exempt
CONTENT_DECLINED: Final = "content_declined"


@require_http_methods(["GET", "HEAD", "POST"])
@worker_form
def join(request: HttpRequest, invite: str) -> HttpResponse:
    """Enter by an invitation: a platform's ids lead straight in, others press a button."""
    found = get_invite(invite)
    external = request.GET.get("worker", "")[:200]
    # A HEAD is a link checker, never a person.
    if request.method == "POST" or (external and request.method == "GET"):
        enrolment = arrive(invite=found, external_id=external)
        return redirect("worker-home", token=token_of(enrolment))
    return page(request, "annotation/welcome.html", {"study_title": found.study.title})


@require_safe
def home(request: HttpRequest, token: str) -> HttpResponse:
    """Where the worker stands."""
    enrolment = enter(request, token)
    if enrolment.stage == Stage.ARRIVED:
        text = consent_for(enrolment.study)
        context = {"consent_html": rendered(text), "urls": urls_for(token)}
        return page(request, "annotation/consent.html", context, enrolment=enrolment)
    if enrolment.finished_at:
        return _done(request, enrolment)
    if enrolment.stage == Stage.CONSENTED:
        return redirect("worker-instructions", token=token)
    return redirect("worker-compare", token=token)


@worker_form
@require_POST
def consent(request: HttpRequest, token: str) -> HttpResponse:
    enrolment = enter(request, token)
    if request.POST.get("decision") == "agree":
        give_consent(enrolment=enrolment, text=consent_for(enrolment.study))
    elif request.POST.get("decision") == "decline":
        decline_consent(enrolment=enrolment)
    return redirect("worker-home", token=token)


@require_safe
def instructions(request: HttpRequest, token: str) -> HttpResponse:
    enrolment = enter(request, token)
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
        "started": enrolment.stage == Stage.WORKING,
        "urls": urls_for(token),
    }
    return page(request, "annotation/instructions.html", context, enrolment=enrolment)


@require_safe
def compare(request: HttpRequest, token: str) -> HttpResponse:
    enrolment = enter(request, token)
    if enrolment.finished_at or enrolment.stage == Stage.ARRIVED:
        return redirect("worker-home", token=token)
    begin_work(enrolment=enrolment)
    return _next(request, enrolment, token)


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
        return _comparison(request, enrolment, token, given, extra)
    enrolment.refresh_from_db(fields=["submitted", "stage", "finished_at"])
    if isinstance(given, StudyNotOpen):
        context = {"by_study": True, "message": _(given.message), "urls": urls_for(token)}
        return page(request, "annotation/paused.html", context, enrolment=enrolment)
    if not given.final:
        context = {"urls": urls_for(token)}
        return page(request, "annotation/wait.html", context, enrolment=enrolment)
    cap = enrolment.study.worker_cap
    reached = cap is not None and enrolment.submitted >= cap
    finish(enrolment=enrolment, stage=Stage.COMPLETED if reached else Stage.NO_MORE_ITEMS)
    return _done(request, enrolment)


def _comparison(
    request: HttpRequest,
    enrolment: Enrolment,
    token: str,
    assignment: Assignment,
    extra: dict[str, Any],
    **item: Any,
) -> HttpResponse:
    study = enrolment.study
    status = extra.pop("status", 200)
    built = build_item(assignment=assignment, study=study, criteria=criteria_of(study), **item)
    context = {
        "item": built,
        "errors": built.errors,
        "progress": progress_of(enrolment),
        "can_undo": enrolment.submitted > 0 and not extra.get("revising"),
        "urls": urls_for(token, assignment.uuid),
    } | extra
    part = "#card" if request.htmx else ""  # type: ignore[attr-defined]  # HtmxMiddleware's
    template = f"annotation/compare.html{part}"
    return page(request, template, context, enrolment=enrolment, status=status)


def _done(request: HttpRequest, enrolment: Enrolment) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware's
        return HttpResponseClientRedirect(urls_for(token_of(enrolment))["home"])
    context = {
        "outcome": enrolment.stage,
        "judged": enrolment.submitted,
        "code": "" if enrolment.stage == Stage.NO_CONSENT else enrolment.completion_code,
    }
    return page(request, "annotation/done.html", context, enrolment=enrolment)


def _key(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("client_key", ""))
    except ValueError:
        raise InvalidInput(_("The form is incomplete; please reload the page.")) from None


@worker_form
@require_POST
def submit(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    """Store the answer and give the next comparison in the same round trip."""
    enrolment = enter(request, token)
    held = get_assignment(enrolment, assignment)
    criteria = criteria_of(enrolment.study)
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
        context = {"message": _(error.message), "urls": urls_for(token)}
        return page(request, "annotation/expired.html", context, enrolment=enrolment, status=410)
    except AlreadyJudged:
        return redirect("worker-compare", token=token)
    if lesson is not None:
        return _lesson(request, enrolment, token, lesson)
    if not request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware's
        return _see_other(urls_for(token)["next"])
    nudge = racing(held, telemetry)
    return _next(request, enrolment, token, following, saved=True, min_read_nudge=nudge)


def _lesson(
    request: HttpRequest, enrolment: Enrolment, token: str, lesson: Feedback
) -> HttpResponse:
    context = {"feedback": lesson, "saved": True, "urls": urls_for(token)}
    return page(request, "annotation/feedback.html", context, enrolment=enrolment)


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


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
@require_POST
def skip(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    enrolment = enter(request, token)
    held = get_assignment(enrolment, assignment)
    skip_assignment(assignment=held, reason=request.POST.get("reason", "other"))
    return _see_other(urls_for(token)["next"])


@worker_form
@require_POST
def decline(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    """Leave out what a content warning announced; payments count this reason as work."""
    enrolment = enter(request, token)
    skip_assignment(assignment=get_assignment(enrolment, assignment), reason=CONTENT_DECLINED)
    context = {"urls": urls_for(token)}
    return page(request, "annotation/declined.html", context, enrolment=enrolment)


@worker_form
@require_POST
def report(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    """One action: note it, and give another comparison."""
    enrolment = enter(request, token)
    held = get_assignment(enrolment, assignment)
    comparison = held.comparison
    report_item(
        study=enrolment.study,
        prompt=comparison.prompt,
        outputs=(comparison.output_a, comparison.output_b),
        reporter=enrolment.worker.pseudonym,
        reason=request.POST.get("kind", ""),
    )
    skip_assignment(assignment=held, reason="reported")
    return _see_other(urls_for(token)["next"])


@worker_form
@require_POST
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Take a break: hand back what is held."""
    enrolment = enter(request, token)
    for held in Assignment.objects.filter(enrolment=enrolment, state=AssignmentState.RESERVED):
        release_assignment(assignment=held)
    context = {"by_study": False, "urls": urls_for(token)}
    return page(request, "annotation/paused.html", context, enrolment=enrolment)


@worker_form
@require_POST
def draft(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    enrolment = enter(request, token)
    held = get_assignment(enrolment, assignment)
    save_draft(assignment=held, draft=_draft_from(request))
    # "Draft saved" must be true: what was handed on or answered keeps no draft.
    return HttpResponse(status=204 if held.state == AssignmentState.RESERVED else 409)


@worker_form
@require_POST
def heartbeat(request: HttpRequest, token: str, assignment: uuid.UUID) -> HttpResponse:
    enrolment = enter(request, token)
    extend_assignment(assignment=get_assignment(enrolment, assignment))
    return HttpResponse(status=204)

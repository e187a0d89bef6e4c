"""What a worker is told about their standing in a study, and what they may say to it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods
from jeoul.base import DomainError
from jeoul.quality.standing import contest, left_out_because, said_with
from jeoul.refusals import in_words
from jeoul.workers.models import Enrolment, Stage, WorkerState

from annotation.page import enter, page, see_other, urls_for, worker_form

_CONTESTABLE = {Stage.SCREENED_OUT, Stage.FAILED_CHECKS}


def standing_of(enrolment: Enrolment, token: str) -> dict[str, Any]:
    """Why answers are left out or work has ended, the exchange so far, and where to write."""
    worker, left_out = enrolment.worker, left_out_because(enrolment)
    rests = worker.state != WorkerState.ACTIVE
    said = said_with(enrolment)
    return {
        "rests": rests,
        "removed": worker.state == WorkerState.REMOVED,
        "reason": worker.state_reason,
        "left_out": left_out,
        "said": said,
        "may_contest": rests or bool(left_out or said) or enrolment.stage in _CONTESTABLE,
        "urls": urls_for(token),
    }


def ended(
    request: HttpRequest, enrolment: Enrolment, token: str, status: int = 200, **extra: Any
) -> HttpResponse:
    """The page of a worker whose part rests or has ended by somebody's decision."""
    context = standing_of(enrolment, token) | {"may_contest": True} | extra
    return page(request, "annotation/ended.html", context, enrolment=enrolment, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@worker_form
def standing(request: HttpRequest, token: str) -> HttpResponse:
    """The exchange so far; what the worker says and can't be kept comes back as it was typed."""
    enrolment = enter(request, token)
    if request.method != "POST":
        return ended(request, enrolment, token)
    text = request.POST.get("text", "")
    try:
        contest(enrolment=enrolment, text=text)
    except DomainError as error:
        return ended(
            request, enrolment, token, error.status, problem=in_words(error.message), text=text
        )
    return see_other(urls_for(token)["standing"])

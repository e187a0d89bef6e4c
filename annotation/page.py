"""What every page of the annotator shares: addresses, language, progress."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from jeoul.comparisons.first_steps import practice_items, trial_of
from jeoul.comparisons.models import Assignment, Kind
from jeoul.crowd import get_provider
from jeoul.workers.actions import choose_language, enrolment_of, token_of
from jeoul.workers.models import Enrolment

from annotation.access import get_assignment
from annotation.item import comparisons_in

View = Callable[..., HttpResponse]
# The address is the key and no cookie is read, so a forged form has nothing to ride on.
worker_form = csrf_exempt


def form_only(view: View) -> View:
    """A form's address; who reloads it or keeps it as a bookmark is led back to the work."""

    @wraps(view)
    def answer(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            return view(request, token, **kwargs)
        if request.method in {"GET", "HEAD"}:
            return redirect("worker-home", token=token)
        return HttpResponseNotAllowed(["POST"])

    return answer


def see_other(url: str) -> HttpResponse:
    """After a form: the page to be shown, by an address of its own."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def enter(request: HttpRequest, token: str) -> Enrolment:
    """The enrolment of this address, with its language switched on."""
    return _speak(request, enrolment_of(token))


def enter_item(request: HttpRequest, token: str, assignment: uuid.UUID) -> Assignment:
    """One of the worker's own assignments with their enrolment, by one question to the database."""
    held = get_assignment(token, assignment)
    _speak(request, held.enrolment)
    return held


def _speak(request: HttpRequest, enrolment: Enrolment) -> Enrolment:
    asked = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES) and asked != enrolment.language:
        choose_language(enrolment=enrolment, language=asked)
    if enrolment.language:
        translation.activate(enrolment.language)
        request.LANGUAGE_CODE = enrolment.language
    return enrolment


def languages(request: HttpRequest, enrolment: Enrolment | None) -> list[dict[str, object]]:
    """Links to this page in each language; a page that came by a form leads to the start."""
    current = translation.get_language()
    here = ""
    if request.method == "POST" and enrolment is not None:
        here = reverse("worker-home", args=[token_of(enrolment)])
    return [
        {"code": code, "name": name, "url": f"{here}?lang={code}", "current": code == current}
        for code, name in settings.LANGUAGES
    ]


@dataclass(frozen=True)
class Step:
    """Where a comparison stands on the way: practice and trial are told, checks never."""

    kind: str = ""
    number: int = 0
    total: int = 0
    can_undo: bool = False


def step_of(enrolment: Enrolment, assignment: Assignment) -> Step:
    """Practice and trial have a count of their own; all else is "a comparison"."""
    kind = assignment.comparison.kind
    if kind == Kind.TRAINING:
        total = practice_items(enrolment.study)
        return Step("practice", min(enrolment.practised + 1, total), total)
    if kind == Kind.QUALIFICATION:
        trial = trial_of(enrolment)
        return Step("trial", trial.done + 1, trial.items, can_undo=trial.done > 0)
    return Step()


def break_due(enrolment: Enrolment) -> bool:
    """Whether this is the moment at which the study proposes a break."""
    every = enrolment.study.break_every
    return bool(every and enrolment.submitted and enrolment.submitted % every == 0)


def own_link(request: HttpRequest, enrolment: Enrolment) -> str:
    """The link to come back by, where the one they came by would not lead here again."""
    invite = enrolment.invite
    if get_provider(invite.provider).needs_ids or invite.cap == 1:
        return ""
    return request.build_absolute_uri(reverse("worker-home", args=[token_of(enrolment)]))


def progress_of(enrolment: Enrolment) -> dict[str, int]:
    total = comparisons_in(enrolment.study)
    if enrolment.study.worker_cap is not None:
        total = min(total, enrolment.study.worker_cap)
    done = enrolment.submitted
    # Checks and repeats come on top of the plan, so "done" may pass the total.
    total = max(total, done + 1)
    percent = round(100 * done / total)
    return {"done": done, "number": done + 1, "total": total, "percent": percent}


def is_paid(enrolment: Enrolment) -> bool:
    """Pay is promised only where the study pays per judgement, not in a room of volunteers."""
    return enrolment.study.pay_per_judgement > 0 and not enrolment.worker.simulated


_MARK: Final = "JEOUL"
_NOBODY: Final = uuid.UUID(int=0)


@cache
def _shapes() -> tuple[dict[str, str], dict[str, str]]:
    """The addresses of a worker, and of an assignment, with marks where the ids go."""
    of_worker = {
        name: reverse(f"worker-{name}", args=[_MARK])
        for name in ("home", "consent", "instructions", "leave", "undo", "standing")
    }
    of_worker["next"] = reverse("worker-compare", args=[_MARK])
    of_item = {
        name: reverse(f"worker-{name}", args=[_MARK, _NOBODY])
        for name in ("submit", "skip", "report", "draft", "heartbeat", "decline")
    }
    return of_worker, of_item


def urls_for(token: str, assignment: object = None) -> dict[str, str]:
    """The addresses that a page leads to; looked up once, since each page has a dozen."""
    of_worker, of_item = _shapes()
    urls = {name: url.replace(_MARK, token) for name, url in of_worker.items()}
    if assignment is not None:
        for name, url in of_item.items():
            urls[name] = url.replace(_MARK, token).replace(str(_NOBODY), str(assignment))
    return urls


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    enrolment: Enrolment | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page that no cache keeps: the address is a person's key."""
    base: dict[str, Any] = {"languages": languages(request, enrolment)}
    if enrolment is not None:
        base["study_title"] = enrolment.study.title
        base["contact"] = enrolment.study.contact
        base["simulated"] = enrolment.worker.simulated
        base["paid"] = is_paid(enrolment)
    return keep_nowhere(TemplateResponse(request, template, base | context, status=status))


_NOWHERE: Final = "max-age=0, no-cache, no-store, must-revalidate, private"


def keep_nowhere(response: HttpResponse) -> HttpResponse:
    """No cache keeps it: the address is a person's key."""
    response.headers["Cache-Control"] = _NOWHERE
    return response

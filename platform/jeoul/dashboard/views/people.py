"""Workers with their signals, exclusions, vendors, annotators' reports."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.roles import May
from jeoul.comparisons.models import Judgement
from jeoul.dashboard.forms_people import NoteForm, ReasonForm, StandingForm
from jeoul.dashboard.page import (
    open_study,
    page,
    paged,
    researcher,
    signed_in,
    study_context,
    taken,
)
from jeoul.quality.actions import decide_flag, exclude_worker, include_worker, note_on_worker
from jeoul.quality.models import FlagState
from jeoul.quality.standing import contests_waiting, set_standing
from jeoul.results.access import get_flag, get_worker, judgements_in_force, worker_trail
from jeoul.results.actions import latest_analysis
from jeoul.results.effects import known_effect
from jeoul.results.models import Analysis
from jeoul.results.words import answer_words
from jeoul.studies.models import Study
from jeoul.studies.version_reading import labels_of
from jeoul.workers.models import Worker
from tasks.analyses import request_analysis, request_effect

# What a row of a worker's judgements shows; the systems are few and read once.
_SHOWN = (
    "seconds", "judged_at", "telemetry__visible_ms", "comparison__uuid",
    "comparison__system_a_id", "comparison__system_b_id", "comparison__prompt__key",
)  # fmt: skip
Pair = tuple[str, str]
_SORTS = ("n", "median_seconds", "agreement", "left_share", "gold_share")


@require_safe
@signed_in
def worker_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """All workers with facts, intervals and flags, from the stored analysis."""
    found = open_study(request, study)
    analysis = latest_analysis(found)
    rows = list(analysis.results["workers"]) if analysis else []
    sort = request.GET.get("sort", "")
    if sort in _SORTS:
        rows.sort(key=lambda r: (r[sort] is None, r[sort] if r[sort] is not None else 0))
    if request.GET.get("flagged"):
        rows = [r for r in rows if r["flags"]]
    context = study_context(request, found, "workers") | {
        "workers": paged(request, rows),
        "methods": _methods(analysis),
        "contests": contests_waiting(found),
        "flagged": bool(request.GET.get("flagged")),
        "sort": sort,
    }
    return page(request, "dashboard/worker_list.html", "studies", context)


def _methods(analysis: Analysis | None) -> Any:
    """How each interval of a worker was made."""
    return analysis.results["settings"].get("worker_intervals") if analysis else None


@require_safe
@signed_in
def worker_detail(request: HttpRequest, study: UUID, worker: str) -> HttpResponse:
    """One worker's signals and judgements in order."""
    found = open_study(request, study)
    return _worker_page(request, found, get_worker(found, worker))


def _worker_page(
    request: HttpRequest, found: Study, person: Worker, **refused: Any
) -> HttpResponse:
    """With ``refused`` forms as they were typed, each with what was wrong beside it."""
    analysis = latest_analysis(found)
    facts = next(
        (w for w in (analysis.results["workers"] if analysis else [])
         if w["worker"] == person.pseudonym),
        None,
    )  # fmt: skip
    mine = judgements_in_force(found).filter(worker=person).select_related(None)
    mine = mine.select_related("comparison__prompt", "telemetry").only(*_SHOWN)
    judged = paged(request, mine.order_by("judged_at"))
    context = study_context(request, found, "workers") | {
        "worker": person,
        "facts": facts,
        "methods": _methods(analysis),
        "flags": found.flags.filter(worker=person).select_related("study", "decided_by"),
        "exclusion": found.exclusions.filter(worker=person, lifted_at=None)
        .select_related("by")
        .first(),
        "trail": worker_trail(found, person)[:100],
        "judged": judged,
        "rows": _told(found, judged),
        "note_form": NoteForm(),
        "standing_form": StandingForm(),
        "listed": reverse("worker-detail", args=[found.uuid, person.pseudonym]),
    }
    status = 422 if refused else 200
    template = "dashboard/worker_detail.html"
    return page(request, template, "studies", context | refused, status=status)


def _told(study: Study, judged: Iterable[Judgement]) -> list[tuple[Judgement, Pair, list[Pair]]]:
    """Each judgement with the labels of its pair, and each criterion with the answer in words."""
    labels, rows = labels_of(study), []
    for judgement in judged:
        c = judgement.comparison
        pair = labels[c.system_a_id], labels[c.system_b_id]
        answers = judgement.answers.all()
        rows.append(
            (judgement, pair, [(a.criterion.name, answer_words(a, *pair)) for a in answers])
        )
    return rows


@require_safe
@signed_in
def worker_effect(request: HttpRequest, study: UUID, worker: str) -> HttpResponse:
    """What leaving this worker out would change, with the form that confirms it."""
    found = open_study(request, study, May.RUN)
    return _effect_page(request, found, get_worker(found, worker), ReasonForm())


def _effect_page(
    request: HttpRequest, found: Study, person: Worker, form: ReasonForm
) -> HttpResponse:
    effect = known_effect(found, person)
    if effect is None:
        request_effect(found.pk, person.pk)
    context = study_context(request, found, "workers") | {
        "worker": person,
        "effect": effect,
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return page(request, "dashboard/worker_effect.html", "studies", context, status=status)


@require_POST
@signed_in
def worker_note(request: HttpRequest, study: UUID, worker: str) -> HttpResponse:
    """Add what the worker or the organisers said to the trail."""
    found = open_study(request, study, May.ADJUDICATE)
    person = get_worker(found, worker)
    form = NoteForm(request.POST)
    if not taken(form, note_on_worker, study=found, worker=person, actor=researcher(request)):
        return _worker_page(request, found, person, note_form=form)
    return redirect("worker-detail", study=found.uuid, worker=person.pseudonym)


@require_POST
@signed_in
def worker_standing(request: HttpRequest, study: UUID, worker: str) -> HttpResponse:
    """Pause or end this worker's work, or let them work again."""
    found = open_study(request, study, May.RUN)
    person = get_worker(found, worker)
    form, state = StandingForm(request.POST), request.POST.get("state", "")
    said = {"study": found, "worker": person, "actor": researcher(request), "state": state}
    if not taken(form, set_standing, **said):
        return _worker_page(request, found, person, standing_form=form)
    return redirect("worker-detail", study=found.uuid, worker=person.pseudonym)


@require_POST
@signed_in
def worker_exclude(request: HttpRequest, study: UUID, worker: str) -> HttpResponse:
    found = open_study(request, study, May.RUN)
    person = get_worker(found, worker)
    form = ReasonForm(request.POST)
    if not taken(form, exclude_worker, study=found, worker=person, actor=researcher(request)):
        return _effect_page(request, found, person, form)
    request_analysis(found.pk)
    messages.success(request, _("%s is left out of the results.") % person.pseudonym)
    return redirect("worker-detail", study=found.uuid, worker=person.pseudonym)


@require_POST
@signed_in
def worker_include(request: HttpRequest, study: UUID, worker: str) -> HttpResponse:
    found = open_study(request, study, May.RUN)
    person = get_worker(found, worker)
    if include_worker(study=found, worker=person, actor=researcher(request)):
        request_analysis(found.pk)
        messages.success(request, _("%s counts again.") % person.pseudonym)
    return redirect("worker-detail", study=found.uuid, worker=person.pseudonym)


@require_POST
@signed_in
def flag_decide(request: HttpRequest, study: UUID, flag: UUID) -> HttpResponse:
    found = open_study(request, study, May.ADJUDICATE)
    row = get_flag(found, flag)
    state = request.POST.get("state", "")
    if state in {FlagState.UPHELD, FlagState.DISMISSED}:
        decide_flag(flag=row, state=FlagState(state), actor=researcher(request))
    return redirect("worker-detail", study=found.uuid, worker=row.worker.pseudonym)


@require_safe
@signed_in
def report_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """What annotators reported as harmful, personal or broken."""
    found = open_study(request, study)
    rows = found.reports.select_related(
        "prompt", "output_a__system_version__system", "output_b__system_version__system"
    )
    context = study_context(request, found, "reports") | {"reports": paged(request, rows)}
    return page(request, "dashboard/report_list.html", "studies", context)

"""A study's outputs: how their making stands, each of them, and the hand on it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.roles import May
from jeoul.base import DomainError
from jeoul.dashboard.page import open_study, page, paged, researcher, signed_in, study_context
from jeoul.dashboard.system_forms import RerunForm
from jeoul.dashboard.views.studies import prepare
from jeoul.studies.generation.control import (
    pause_generation,
    rerun_outputs,
    resume_generation,
    retry_failed,
    use_generation,
)
from jeoul.studies.generation.estimating import estimate_study
from jeoul.studies.generation.progress import generation_outputs, generation_progress
from jeoul.studies.models import Output, OutputState, Study
from jeoul.studies.prompt_sets import may_read, study_may_read

_MARKS: dict[str, dict[str, Any]] = {
    "truncated": {"finish_reason": "length"},
    "differs": {"model_differs": True},
}


@require_safe
@signed_in
def output_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """Progress, then outputs by state, kind of failure and system, in the provider's words."""
    found = open_study(request, study)
    generation = request.GET.get("generation", "")
    number = int(generation) if generation.isdecimal() and len(generation) < 10 else None
    outputs = generation_outputs(found, number)
    progress = generation_progress(found, number)
    if request.GET.get("part") == "generation" and request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware's
        context = study_context(request, found, "outputs") | {"progress": progress}
        return page(request, "dashboard/output_list.html", "studies", context)
    chosen = {name: request.GET.get(name, "") for name in ("state", "code", "system", "mark", "q")}
    rows = _chosen(outputs, chosen).select_related("prompt", "system_version__system")
    counts = dict(outputs.order_by().values_list("state").annotate(n=Count("state")))
    context = study_context(request, found, "outputs") | {
        "outputs": paged(request, rows.order_by("pk").defer("html", "prompt__messages")),
        "states": [(s.value, s.label, counts.get(s.value, 0)) for s in OutputState],
        "hidden": not study_may_read(study=found, actor=researcher(request), what="outputs"),
        "progress": progress,
        "estimate": estimate_study(found) if progress.due or found.frozen_at is None else None,
        "generation": number,
        "generations": sorted(_generations(found)),
        "systems": found.systems.select_related("system"),
        "total": progress.total,
        "rerun_form": RerunForm(),
        **chosen,
    }
    return page(request, "dashboard/output_list.html", "studies", context)


def _generations(study: Study) -> set[int]:
    return set(study.ordered_outputs.order_by().values_list("generation", flat=True).distinct())


def _chosen(outputs: QuerySet[Output], chosen: dict[str, str]) -> QuerySet[Output]:
    if chosen["state"] in OutputState.values:
        outputs = outputs.filter(state=chosen["state"])
    if chosen["code"]:
        outputs = outputs.filter(error_code=chosen["code"])
    if chosen["mark"] in _MARKS:
        outputs = outputs.filter(**_MARKS[chosen["mark"]])
    if chosen["q"]:
        outputs = outputs.filter(prompt__key__icontains=chosen["q"])
    try:
        system = UUID(chosen["system"])
    except ValueError:
        return outputs
    return outputs.filter(system_version__uuid=system)


@require_safe
@signed_in
def output_detail(request: HttpRequest, study: UUID, output: UUID) -> HttpResponse:
    """One output: its text as it is, what the provider said, and every try."""
    found = open_study(request, study)
    row = (
        Output.objects.filter(
            system_version__in=found.systems.all(), prompt__versions=found.prompt_set_version
        )
        .select_related("prompt__prompt_set", "system_version__system")
        .filter(uuid=output)
        .first()
    )
    if row is None:
        raise Http404("No such output.")
    beside = Output.objects.filter(
        system_version=row.system_version_id, prompt=row.prompt_id, sample=row.sample
    ).exclude(pk=row.pk)
    context = study_context(request, found, "outputs") | {
        "output": row,
        "hidden": not may_read(
            prompt_set=row.prompt.prompt_set, actor=researcher(request), what="output"
        ),
        "tries": row.tries.select_related("connection"),
        "beside": beside.order_by("generation"),
    }
    return page(request, "dashboard/output_detail.html", "studies", context)


@require_POST
@signed_in
def study_generate(request: HttpRequest, study: UUID) -> HttpResponse:
    """Make what is missing and try again what failed, all or of one kind."""
    found = open_study(request, study, May.RUN)
    again = retry_failed(study=found, code=request.POST.get("code", ""))
    prepare(found)
    messages.success(request, _("Missing outputs are being made; %d are tried again.") % again)
    return redirect("output-list", study=found.uuid)


@require_POST
@signed_in
def generation_move(request: HttpRequest, study: UUID) -> HttpResponse:
    """Pause, resume, make anew beside, or use a generation."""
    found = open_study(request, study, May.RUN)
    try:
        said = _moved(request, found, request.POST.get("to", ""))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, said)
    return redirect("output-list", study=found.uuid)


def _moved(request: HttpRequest, study: Study, to: str) -> str:
    actor = researcher(request)
    if to == "pause":
        pause_generation(study=study, actor=actor)
        return _("Paused; what is under way is still stored.")
    if to == "rerun":
        n = rerun_outputs(study=study, actor=actor, reason=request.POST.get("reason", ""))
        prepare(study)
        return ngettext(
            "%d output is made anew beside what is there.",
            "%d outputs are made anew beside what is there.",
            n,
        ) % n  # fmt: skip
    if to == "use":
        number = request.POST.get("generation", "")
        n = use_generation(
            study=study, actor=actor, generation=int(number) if number.isdecimal() else -1
        )
        return ngettext("%d output is in use now.", "%d outputs are in use now.", n) % n
    resume_generation(study=study, actor=actor)
    prepare(study)
    return _("Outputs are being made again.")

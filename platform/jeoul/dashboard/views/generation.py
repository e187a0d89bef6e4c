"""A study's outputs: how their making stands, each of them, and the hand on it."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.cache import cache
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.roles import May
from jeoul.base import DomainError
from jeoul.dashboard.page import (
    asks_later,
    open_study,
    page,
    researcher,
    signed_in,
    study_context,
    taken,
)
from jeoul.dashboard.stretches import Stretch, stretch
from jeoul.dashboard.system_forms import RerunForm
from jeoul.dashboard.views.studies import prepare
from jeoul.lately import lately, takes_long
from jeoul.refusals import in_words
from jeoul.studies.generation.control import (
    pause_generation,
    rerun_outputs,
    resume_generation,
    retry_failed,
    use_generation,
)
from jeoul.studies.generation.estimating import estimate_study
from jeoul.studies.generation.progress import (
    GenerationProgress,
    generation_outputs,
    generation_progress,
)
from jeoul.studies.models import Output, OutputState, Study
from jeoul.studies.prompt_sets import may_read, study_may_read

# So many outputs are counted at every look.
_FEW: Final = 2000
_LOOK: Final = 5000
_SHOWN: Final = (
    "uuid", "sample", "state", "error_code", "error_message", "text_missing", "text",
    "finish_reason", "model_differs", "reported_model", "completion_tokens", "prompt__key",
    "system_version__number", "system_version__system__name",
)  # fmt: skip
_MARKS: dict[str, dict[str, Any]] = {
    "truncated": {"finish_reason": "length"},
    "differs": {"model_differs": True},
}


@require_safe
@signed_in
def output_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """Progress, then outputs by state, kind of failure and system, in the provider's words."""
    found = open_study(request, study)
    return _outputs_page(request, found, RerunForm())


def _outputs_page(request: HttpRequest, found: Study, rerun_form: RerunForm) -> HttpResponse:
    generation = request.GET.get("generation", "")
    number = int(generation) if generation.isdecimal() and len(generation) < 10 else None
    key = _key(found, number)
    later = asks_later(request) and takes_long(key, found.comparisons.all(), _FEW)
    progress = None if later else _progress_lately(found, number)
    context = study_context(request, found, "outputs")
    context |= {"progress": progress, "generation": number}
    part = request.GET.get("part") if request.htmx else None  # type: ignore[attr-defined]  # HtmxMiddleware's
    if part != "generation" and progress and (progress.due or found.frozen_at is None):
        context["estimate"] = estimate_study(found)
    if part in {"generation", "estimate"}:
        return page(request, "dashboard/output_list.html", "studies", context)
    chosen = {name: request.GET.get(name, "") for name in ("state", "code", "system", "mark", "q")}
    context |= {
        "outputs": _stretch(request, found, number, chosen),
        "states": [(s.value, s.label, getattr(progress, s.value, None)) for s in OutputState],
        "hidden": not study_may_read(study=found, actor=researcher(request), what="outputs"),
        "generations": sorted(_generations(found)),
        "systems": found.systems.select_related("system"),
        "total": progress and progress.total,
        "rerun_form": rerun_form,
        "listed": reverse("output-list", args=[found.uuid]),
        **chosen,
    }
    status = 422 if rerun_form.is_bound else 200
    return page(request, "dashboard/output_list.html", "studies", context, status=status)


def _progress_lately(study: Study, number: int | None) -> GenerationProgress:
    """As it was a few seconds ago at most: who watches a long run shares one count of many."""
    return lately(
        _key(study, number),
        lambda: generation_progress(study, number),
        worth=lambda progress: progress.total > _FEW,
    )


def _key(study: Study, number: int | None = None) -> str:
    return f"generation:{study.uuid}:{number}:{study.generation_cap}"


def _stretch(
    request: HttpRequest, study: Study, number: int | None, chosen: dict[str, str]
) -> Stretch:
    """Outputs in the order of the prompts, each of them with its systems side by side."""
    whole = (
        generation_outputs(study, number)
        .filter(prompt__entries__version=study.prompt_set_version)
        .annotate(place=F("prompt__entries__position"))
        .select_related("prompt", "system_version__system")
        .only(*_SHOWN)
    )
    rare = any(chosen[name] for name in ("code", "mark", "q"))
    return stretch(
        request, _chosen(whole, chosen), place="place", within=whole if rare else None, look=_LOOK
    )


def _generations(study: Study) -> set[int]:
    """The first, and those that were made anew; an index holds the latter."""
    again = study.ordered_outputs.filter(generation__gt=0).order_by()
    return {0} | set(again.values_list("generation", flat=True).distinct())


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
    cache.delete(_key(found))
    messages.success(request, _("Missing outputs are being made; %d are tried again.") % again)
    return redirect("output-list", study=found.uuid)


@require_POST
@signed_in
def generation_move(request: HttpRequest, study: UUID) -> HttpResponse:
    """Pause, resume, make anew beside, or use a generation."""
    found = open_study(request, study, May.RUN)
    if request.POST.get("to") == "rerun":
        return _rerun(request, found)
    try:
        said = _moved(request, found, request.POST.get("to", ""))
    except DomainError as error:
        messages.error(request, in_words(error.message))
    else:
        cache.delete(_key(found))
        messages.success(request, said)
    return redirect("output-list", study=found.uuid)


def _rerun(request: HttpRequest, study: Study) -> HttpResponse:
    form = RerunForm(request.POST)
    if not taken(form, rerun_outputs, study=study, actor=researcher(request)):
        return _outputs_page(request, study, form)
    prepare(study)
    cache.delete(_key(study))
    messages.success(request, _("The answers are made anew beside what is there."))
    return redirect("output-list", study=study.uuid)


def _moved(request: HttpRequest, study: Study, to: str) -> str:
    actor = researcher(request)
    if to == "pause":
        pause_generation(study=study, actor=actor)
        return _("Paused; what is under way is still stored.")
    if to == "use":
        number = request.POST.get("generation", "")
        n = use_generation(
            study=study, actor=actor, generation=int(number) if number.isdecimal() else -1
        )
        return ngettext("%d output is in use now.", "%d outputs are in use now.", n) % n
    resume_generation(study=study, actor=actor)
    prepare(study)
    return _("Outputs are being made again.")

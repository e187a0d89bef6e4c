"""Contamination: what was found in training data, and new looks through it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jeoul.base import DomainError
from jeoul.dashboard.forms_material import CorpusForm
from jeoul.dashboard.page import page, paged, refuse, researcher, signed_in
from jeoul.dashboard.views.prompts import crumbs, version_asked
from jeoul.risk.contamination.jobs import request_check
from jeoul.risk.models import CleanState, PromptOverlap
from jeoul.studies.access import get_own_prompt_set, get_prompt_set
from jeoul.studies.models import PromptSet
from jeoul.studies.prompt_sets import may_read
from tasks.risk import check_corpus


@require_safe
@signed_in
def contamination_list(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    """Per prompt the share of its tokens in a corpus, with the matching passages.

    ``?part=jobs`` is what htmx asks for while a corpus is being read.
    """
    found = get_prompt_set(researcher(request), prompt_set)
    return _page(request, found, CorpusForm(), 200)


def _page(request: HttpRequest, found: PromptSet, form: CorpusForm, status: int) -> HttpResponse:
    version = version_asked(request, found)
    jobs = version.corpus_jobs.select_related("check_row")[:5]
    context: dict[str, Any] = {
        "prompt_set": found, "version": version, "jobs": jobs, "form": form,
        "reading": any(job.finished_at is None for job in jobs),
        "mine": found.owner_id == researcher(request).pk, "folders": settings.CORPUS_FOLDERS,
    }  # fmt: skip
    if not (request.htmx and request.GET.get("part") == "jobs"):  # type: ignore[attr-defined]
        context |= _rows(request, found, version)
    return page(request, "dashboard/contamination_list.html", "prompt_sets", context, status=status)


def _rows(request: HttpRequest, found: PromptSet, version: Any) -> dict[str, Any]:
    rows = PromptOverlap.objects.filter(check_row__version=version).select_related(
        "prompt", "check_row"
    )
    state = request.GET.get("state", "")
    if state in CleanState.values:
        rows = rows.filter(state=state)
    read = may_read(prompt_set=found, actor=researcher(request), what="contamination")
    return {
        "states": CleanState.choices, "state": state, "hidden": not read,
        "checks": version.contamination_checks.select_related("by"),
        "overlaps": paged(request, rows.order_by("-llama2", "-palm", "pk")),
        "breadcrumbs": crumbs(found, _("Contamination")),
    }  # fmt: skip


@require_POST
@signed_in
def contamination_check(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    """Have a corpus looked through by a job."""
    found = get_own_prompt_set(researcher(request), prompt_set)
    form = CorpusForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, found, form, 422)
    version = version_asked(request, found)
    files = form.cleaned_data["file"]
    try:
        job = request_check(
            version=version, actor=researcher(request), paths=form.cleaned_data["paths"],
            uploads=[(file.name or "", file.chunks(1 << 20)) for file in files],
            field=form.cleaned_data["field"],
        )  # fmt: skip
    except DomainError as error:
        refuse(form, error)
        return _page(request, found, form, 422)
    transaction.on_commit(lambda: check_corpus.delay(job.pk))
    place = reverse("contamination-list", args=[found.uuid])
    return redirect(f"{place}?version={version.number}")

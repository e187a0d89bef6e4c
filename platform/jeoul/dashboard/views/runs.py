"""Versions over time: new runs of a study, old and new side by side."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.roles import May
from jeoul.dashboard.page import open_study, page, researcher, signed_in, study_context, taken
from jeoul.dashboard.system_forms import RunForm
from jeoul.dashboard.views.studies import prepare
from jeoul.results.actions import latest_analysis
from jeoul.results.side_by_side import side_by_side
from jeoul.studies.models import Run, Study
from jeoul.studies.runs import new_run


@require_safe
@signed_in
def run_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """All runs, the chosen one (else the newest) with old and new per slice."""
    found = open_study(request, study)
    return _runs_page(request, found, RunForm(user=researcher(request), study=found))


def _runs_page(request: HttpRequest, found: Study, form: RunForm) -> HttpResponse:
    runs = list(
        found.runs.select_related(
            "system_version__system", "previous__system", "amendment__by"
        ).order_by("-number")
    )
    number = request.GET.get("run", "")
    chosen = next((r for r in runs if str(r.number) == number), runs[0] if runs else None)
    analysis = latest_analysis(found)
    context = study_context(request, found, "runs") | {
        "runs": runs,
        "chosen": chosen,
        "rows": _rows(chosen, analysis.results) if chosen and analysis else [],
        "analysis": analysis,
        "form": form,
        "listed": reverse("run-list", args=[found.uuid]),
    }
    status = 422 if form.is_bound else 200
    return page(request, "dashboard/run_list.html", "studies", context, status=status)


def _rows(run: Run, results: dict[str, object]) -> list[object]:
    return list(side_by_side(results, old=run.previous.label, new=run.system_version.label))


@require_POST
@signed_in
def run_create(request: HttpRequest, study: UUID) -> HttpResponse:
    """Add the version, make its outputs, plan only its comparisons."""
    found = open_study(request, study, May.RUN)
    form = RunForm(request.POST, user=researcher(request), study=found)
    if not taken(form, new_run, study=found, actor=researcher(request)):
        return _runs_page(request, found, form)
    prepare(found)
    messages.success(request, _("The version is added; its comparisons open one by one."))
    return redirect("run-list", study=found.uuid)

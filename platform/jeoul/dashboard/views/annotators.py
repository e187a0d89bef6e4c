"""How annotators are led through a study: practice, trial, checks, care, and the ways out."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from jeoul.accounts.roles import May
from jeoul.base import DomainError
from jeoul.comparisons.known_items import KINDS, import_known_items
from jeoul.comparisons.models import Comparison
from jeoul.dashboard.forms_annotators import CompletionForm, KnownItemsForm, WayForm
from jeoul.dashboard.page import open_study, page, refuse, researcher, signed_in, study_context
from jeoul.studies.actions import update_draft
from jeoul.studies.models import Study, StudyState
from jeoul.workers.completion import set_completion


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def study_way(request: HttpRequest, study: UUID) -> HttpResponse:
    """The page, and the form of a draft's settings on it."""
    found = open_study(request, study, May.RUN)
    form = WayForm(request.POST or None, initial=WayForm.initial_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            update_draft(study=found, actor=researcher(request), settings=form.cleaned_data)
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("study-way", study=found.uuid)
    return _page(request, found, {"form": form}, status=422 if form.is_bound else 200)


def _page(
    request: HttpRequest, study: Study, forms: dict[str, Any], status: int = 200
) -> HttpResponse:
    counts = dict(
        Comparison.objects.filter(study=study, kind__in=KINDS)
        .values_list("kind")
        .annotate(n=Count("pk"))
    )
    context = study_context(request, study, "annotators") | {
        "draft": study.state == StudyState.DRAFT,
        "known": [(kind.label, counts.get(kind, 0)) for kind in KINDS],
        "form": WayForm(initial=WayForm.initial_of(study)),
        "items_form": KnownItemsForm(),
        "completion_form": CompletionForm(initial=CompletionForm.initial_of(study)),
    }
    return page(request, "dashboard/study_way.html", "studies", context | forms, status=status)


@require_POST
@signed_in
def known_items_import(request: HttpRequest, study: UUID) -> HttpResponse:
    """Add practice, trial and check items from a file."""
    found = open_study(request, study, May.RUN)
    form = KnownItemsForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            done = import_known_items(
                owner=researcher(request),
                study=found,
                **form.source(),
                kind=form.cleaned_data["kind"],
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("%d items added.") % done.added)
            return redirect("study-way", study=found.uuid)
    return _page(request, found, {"items_form": form}, status=422)


@require_POST
@signed_in
def completion_set(request: HttpRequest, study: UUID) -> HttpResponse:
    """Say how workers leave; it may change while the study runs."""
    found = open_study(request, study, May.RUN)
    form = CompletionForm(request.POST)
    if form.is_valid():
        try:
            set_completion(home=found, value=form.value(), actor=researcher(request))
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("study-way", study=found.uuid)
    return _page(request, found, {"completion_form": form}, status=422)

"""Vendors with their terms, and the links by which their workers come."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jeoul.accounts.roles import May
from jeoul.base import DomainError
from jeoul.conduct.vendors import work_of
from jeoul.dashboard.forms_annotators import CompletionForm, VendorForm
from jeoul.dashboard.page import open_study, page, paged, refuse, researcher, signed_in
from jeoul.workers.access import get_link, get_own_vendor
from jeoul.workers.models import Vendor
from jeoul.workers.vendors import close_invite, update_vendor


@require_safe
@signed_in
def vendor_list(request: HttpRequest) -> HttpResponse:
    rows = (
        researcher(request)
        .vendors.annotate(
            workers_n=Count("workers", distinct=True), invites_n=Count("invites", distinct=True)
        )
        .order_by("name")
    )
    return page(request, "dashboard/vendor_list.html", "vendors", {"vendors": paged(request, rows)})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def vendor_detail(request: HttpRequest, vendor: UUID) -> HttpResponse:
    """A vendor's terms and ways out; both forms are of this page."""
    found = get_own_vendor(researcher(request), vendor)
    forms = {
        "form": VendorForm(initial=VendorForm.initial_of(found)),
        "completion_form": CompletionForm(initial=CompletionForm.initial_of(found)),
    }
    if request.method == "POST" and _saved(request, found, forms):
        messages.success(request, _("Saved."))
        return redirect("vendor-detail", vendor=found.uuid)
    context = forms | {
        "vendor": found,
        "work": work_of(found),
        "breadcrumbs": [
            {"label": _("Vendors"), "url": reverse("vendor-list")},
            {"label": found.name, "url": ""},
        ],
    }
    status = 422 if request.method == "POST" else 200
    return page(request, "dashboard/vendor_detail.html", "vendors", context, status=status)


def _saved(request: HttpRequest, vendor: Vendor, forms: dict[str, Any]) -> bool:
    """Whether the form that was sent is kept; if not, it stands in ``forms`` as typed."""
    name = "completion_form" if "completion" in request.POST else "form"
    form = forms[name] = type(forms[name])(request.POST)
    if not form.is_valid():
        return False
    terms = {"completion": form.value()} if name == "completion_form" else form.cleaned_data
    try:
        update_vendor(vendor=vendor, actor=researcher(request), terms=terms)
    except DomainError as error:
        refuse(form, error)
        return False
    return True


@require_POST
@signed_in
def invite_close(request: HttpRequest, study: UUID, link: UUID) -> HttpResponse:
    """Close a link to newcomers, or open it again."""
    found = open_study(request, study, May.RUN)
    closed = request.POST.get("open") is None
    close_invite(invite=get_link(found, link), actor=researcher(request), closed=closed)
    messages.success(
        request, _("Nobody new comes by this link.") if closed else _("The link is open again.")
    )
    return redirect("study-detail", study=found.uuid)

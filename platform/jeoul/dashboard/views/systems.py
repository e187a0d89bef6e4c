"""Systems, their versions, and the connections they speak through."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jeoul.base import DomainError
from jeoul.dashboard.page import page, paged, refuse, researcher, signed_in
from jeoul.dashboard.system_forms import (
    ConnectionForm,
    SystemForm,
    TryForm,
    WatchForm,
    initial_of,
    initial_version,
)
from jeoul.studies.access import get_connection, get_system, systems_for
from jeoul.studies.connection_actions import create_connection, update_connection
from jeoul.studies.generation.probing import start_test
from jeoul.studies.models import Connection, Output, System, SystemVersion, Watch
from jeoul.studies.systems_actions import create_system_version
from jeoul.studies.version_reading import differences, warnings_of
from tasks.watches import test_connection

_BOTH = ["GET", "HEAD", "POST"]


def _crumbs(*rest: tuple[str, str]) -> list[dict[str, str]]:
    pairs = [(_("Systems"), reverse("system-list")), *rest]
    return [{"label": label, "url": url} for label, url in pairs]


def _form(request: HttpRequest, form: object, title: str) -> HttpResponse:
    context = {"form": form, "title": title, "breadcrumbs": _crumbs((title, ""))}
    status = 422 if request.method == "POST" else 200
    return page(request, "dashboard/form.html", "systems", context, status=status)


@require_safe
@signed_in
def system_list(request: HttpRequest) -> HttpResponse:
    """Systems and connections, by a part of their names."""
    user = researcher(request)
    wanted = request.GET.get("q", "").strip()
    systems = systems_for(user).prefetch_related("versions__connection").order_by("name")
    connections = Connection.objects.filter(owner=user)
    if wanted:
        systems = systems.filter(name__icontains=wanted)
        connections = connections.filter(name__icontains=wanted)
    context = {
        "systems": paged(request, systems), "connections": connections, "q": wanted,
        "now": timezone.now(),
    }  # fmt: skip
    return page(request, "dashboard/system_list.html", "systems", context)


@require_http_methods(_BOTH)
@signed_in
def system_create(request: HttpRequest) -> HttpResponse:
    """A new system, or the next version of one, which starts from its newest."""
    user = researcher(request)
    form = SystemForm(request.POST or None, user=user, initial=_started(request))
    if request.method == "POST" and form.is_valid():
        names = ("name", "connection", "model", "system_prompt", "prompt_template", "examples",
                 "note")  # fmt: skip
        try:
            version = create_system_version(
                owner=user, sampling=form.sampling(), **{n: form.cleaned_data[n] for n in names}
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect("system-detail", system=version.system.uuid)
    return _form(request, form, _("New system or version"))


def _started(request: HttpRequest) -> dict[str, Any]:
    """The newest version of the system that ``?from=`` names."""
    try:
        found = get_system(researcher(request), UUID(request.GET.get("from", "")))
    except (ValueError, Http404):
        return {}
    newest = found.versions.select_related("system", "connection").order_by("-number").first()
    return initial_version(newest) if newest else {}


@require_safe
@signed_in
def system_detail(request: HttpRequest, system: UUID) -> HttpResponse:
    """Every version with its warnings, newest first."""
    found = get_system(researcher(request), system)
    return system_page(request, found, WatchForm(user=researcher(request)))


def system_page(request: HttpRequest, found: System, watch_form: WatchForm) -> HttpResponse:
    # Counted apart: a join would group by every column of the version, prompts and all.
    mine = Output.objects.filter(system_version=OuterRef("pk")).order_by()
    counted = mine.values("system_version").annotate(n=Count("pk")).values("n")
    versions = list(
        found.versions.select_related("connection")
        .annotate(outputs_n=Coalesce(Subquery(counted), 0))
        .order_by("-number")
    )
    before = [*versions[1:], None]
    context = {
        "system": found,
        "versions": [(v, warnings_of(v, p), p) for v, p in zip(versions, before, strict=True)],
        "watches": Watch.objects.filter(system_version__system=found).select_related(
            "system_version__system", "prompts__prompt_set"
        ),
        "watch_form": watch_form,
        "is_mine": found.owner_id == researcher(request).pk,
        "breadcrumbs": _crumbs((found.name, "")),
    }
    status = 422 if watch_form.is_bound else 200
    return page(request, "dashboard/system_detail.html", "systems", context, status=status)


@require_safe
@signed_in
def system_differences(request: HttpRequest, system: UUID) -> HttpResponse:
    """Two versions beside each other; the two newest unless ?before= and ?after= say others."""
    found = get_system(researcher(request), system)
    versions = list(found.versions.select_related("connection", "system").order_by("number"))
    if len(versions) < 2:
        raise Http404("There is only one version.")
    after = _numbered(versions, request.GET.get("after"), versions[-1])
    before = _numbered(versions, request.GET.get("before"), versions[-2])
    title = _("Differences")
    context = {
        "system": found, "versions": versions, "before": before, "after": after,
        "differences": differences(before, after), "warnings": warnings_of(after, before),
        "breadcrumbs": _crumbs((found.name, reverse("system-detail", args=[found.uuid])),
                               (title, "")),
    }  # fmt: skip
    return page(request, "dashboard/system_differences.html", "systems", context)


def _numbered(
    versions: list[SystemVersion], number: str | None, otherwise: SystemVersion
) -> SystemVersion:
    return next((v for v in versions if str(v.number) == number), otherwise)


@require_http_methods(_BOTH)
@signed_in
def connection_create(request: HttpRequest) -> HttpResponse:
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_connection(owner=researcher(request), **form.cleaned_data)
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The connection is stored."))
            return redirect("connection-detail", connection=made.uuid)
    return _form(request, form, _("New connection"))


@require_http_methods(_BOTH)
@signed_in
def connection_edit(request: HttpRequest, connection: UUID) -> HttpResponse:
    """Change a connection; an empty key keeps the stored one."""
    found = get_connection(researcher(request), connection)
    form = ConnectionForm(request.POST or None, initial=initial_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            update_connection(connection=found, actor=researcher(request), **form.cleaned_data)
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The connection is stored."))
            return redirect("connection-detail", connection=found.uuid)
    return _form(request, form, _("Edit the connection"))


@require_safe
@signed_in
def connection_detail(request: HttpRequest, connection: UUID) -> HttpResponse:
    """Its limits, its state, what the last test found; never its key."""
    found = get_connection(researcher(request), connection)
    newest = found.versions.exclude(model="").order_by("-id").first()
    context = {
        "connection": found,
        "report": found.test_report,
        "held": found.hold_until
        if found.hold_until and found.hold_until > timezone.now()
        else None,
        "form": TryForm(initial={"model": newest.model if newest else ""}),
        "versions": found.versions.select_related("system")[:50],
        "breadcrumbs": _crumbs((found.name, "")),
    }
    return page(request, "dashboard/connection_detail.html", "systems", context)


@require_POST
@signed_in
def connection_test(request: HttpRequest, connection: UUID) -> HttpResponse:
    """Have a job try the connection; the page waits for its report."""
    found = get_connection(researcher(request), connection)
    form = TryForm(request.POST)
    if form.is_valid():
        model, pk = form.cleaned_data["model"], found.pk
        start_test(connection=found, model=model)
        transaction.on_commit(lambda: test_connection.delay(pk, model))
    else:
        messages.error(request, _("Name the model to try."))
    return redirect("connection-detail", connection=found.uuid)

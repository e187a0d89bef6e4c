"""Prompt sets: import, picture, versions and their differences, what is alike, contamination."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jeoul.base import DomainError
from jeoul.dashboard.forms_material import OutputFileForm, PromptFileForm
from jeoul.dashboard.page import PER_PAGE, page, paged, refuse, researcher, signed_in
from jeoul.dashboard.views.material import form_page
from jeoul.refusals import in_words
from jeoul.studies.access import (
    get_own_prompt_set,
    get_prompt_set,
    get_prompt_version,
    prompt_sets_for,
)
from jeoul.studies.models import PromptSet, PromptSetVersion, PromptUpload
from jeoul.studies.prompt_import import import_prompts
from jeoul.studies.prompt_sets import difference, may_read, picture, seal, tag_version
from jeoul.studies.reading_files import kind_of
from jeoul.studies.uploads import rows_so_far, store_upload
from tasks.risk import read_prompts

_BOTH = ["GET", "HEAD", "POST"]
# Larger files are read by a job, so that no request waits for them.
_AT_ONCE = 2 << 20
_FILTERS = ("category", "language", "difficulty", "risk", "hazard")


@require_safe
@signed_in
def prompt_set_list(request: HttpRequest) -> HttpResponse:
    latest = PromptSetVersion.objects.filter(prompt_set=OuterRef("pk")).order_by("-number")
    rows = prompt_sets_for(researcher(request)).annotate(
        latest_number=Subquery(latest.values("number")[:1]),
        prompts_n=Subquery(latest.annotate(n=Count("entries")).values("n")[:1]),
    )
    name = request.GET.get("name", "")
    if name:
        rows = rows.filter(name__icontains=name)
    context = {
        "prompt_sets": paged(request, rows.prefetch_related("tags__version").order_by("name")),
        "name": name,
        "uploads": PromptUpload.objects.filter(owner=researcher(request), finished_at=None),
    }
    return page(request, "dashboard/prompt_set_list.html", "prompt_sets", context)


@require_http_methods(_BOTH)
@signed_in
def prompt_set_import(request: HttpRequest) -> HttpResponse:
    form = PromptFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _take(request, dict(form.cleaned_data))
        except DomainError as error:
            refuse(form, error)
    return form_page(request, form, "prompt_sets", _("Import prompts"), "prompt-set-list")


def _take(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    """Import a small file now; keep a large one for a job."""
    file: Any = data.pop("file")  # UploadedFile, whose stub holds its stream for optional
    user, kind = researcher(request), kind_of(file.name or "")
    if (file.size or 0) > _AT_ONCE:
        upload = store_upload(
            owner=user, kind=kind, file_name=file.name or "", chunks=file.chunks(1 << 20), **data
        )
        transaction.on_commit(lambda: read_prompts.delay(upload.pk))
        return redirect("prompt-upload-detail", upload=upload.uuid)
    version, done = import_prompts(owner=user, source=file.file, kind=kind, **data)
    note = _("%(added)d prompts added, %(bad)d rows left out.")
    messages.success(request, note % {"added": done.added, "bad": len(done.bad)})
    return redirect("prompt-set-detail", prompt_set=version.prompt_set.uuid)


@require_safe
@signed_in
def upload_detail(request: HttpRequest, upload: UUID) -> HttpResponse:
    """How far a large file is; asks again by itself until it is read."""
    found = PromptUpload.objects.filter(uuid=upload, owner=researcher(request)).first()
    if found is None:
        raise Http404("No such upload.")
    context = {
        "upload": found,
        "so_far": rows_so_far(found),
        "breadcrumbs": crumbs(None, found.name),
    }
    return page(request, "dashboard/upload_detail.html", "prompt_sets", context)


def crumbs(found: PromptSet | None, last: str) -> list[dict[str, str]]:
    crumbs = [{"label": _("Prompt sets"), "url": reverse("prompt-set-list")}]
    if found is not None:
        crumbs.append({"label": found.name, "url": reverse("prompt-set-detail", args=[found.uuid])})
    return [*crumbs, {"label": last, "url": ""}]


def version_asked(
    request: HttpRequest, found: PromptSet, name: str = "version"
) -> PromptSetVersion:
    return get_prompt_version(found, request.GET.get(name, ""))


def _may_read(request: HttpRequest, found: PromptSet, what: str) -> bool:
    return may_read(prompt_set=found, actor=researcher(request), what=what)


@require_safe
@signed_in
def prompt_set_detail(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    """A version: its picture, what is thin, alike or contaminated, its prompts by slice."""
    found = get_prompt_set(researcher(request), prompt_set)
    version = version_asked(request, found)
    chosen = {name: request.GET.get(name, "") for name in _FILTERS}
    shown = version.entries.select_related("prompt").order_by("position")
    shown = shown.filter(**{f"prompt__{k}": value for k, value in chosen.items() if value})
    context = {
        "prompt_set": found, "version": version, "picture": picture(version), "chosen": chosen,
        "hidden": not _may_read(request, found, "prompts"),
        "prompts": paged(request, shown),
        "versions": found.versions.prefetch_related("tags").order_by("-number"),
        "alike": version.like_pairs.count(), "checks": version.contamination_checks.all(),
        "mine": found.owner_id == researcher(request).pk, "form": OutputFileForm(),
        "breadcrumbs": crumbs(None, found.name),
    }  # fmt: skip
    return page(request, "dashboard/prompt_set_detail.html", "prompt_sets", context)


@require_safe
@signed_in
def version_difference(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    """What happened between two versions, word by word where texts may be read."""
    found = get_prompt_set(researcher(request), prompt_set)
    old, new = version_asked(request, found, "old"), version_asked(request, found, "new")
    made = difference(old, new)
    rows = Paginator(made.changed, PER_PAGE).get_page(request.GET.get("page"))
    read = _may_read(request, found, "difference")
    context = {
        "prompt_set": found, "old": old, "new": new, "made": made, "rows": rows,
        "changes": made.changes(list(rows)) if read else [], "hidden": not read,
        "versions": found.versions.order_by("-number"),
        "breadcrumbs": crumbs(found, _("Difference")),
    }  # fmt: skip
    return page(request, "dashboard/version_difference.html", "prompt_sets", context)


@require_safe
@signed_in
def alike_list(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    """Prompts that are the same or nearly so."""
    found = get_prompt_set(researcher(request), prompt_set)
    version = version_asked(request, found)
    context = {
        "prompt_set": found, "version": version,
        "pairs": paged(request, version.like_pairs.select_related("a", "b")),
        "hidden": not _may_read(request, found, "alike"),
        "breadcrumbs": crumbs(found, _("Alike")),
    }  # fmt: skip
    return page(request, "dashboard/alike_list.html", "prompt_sets", context)


@require_POST
@signed_in
def tag_set(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    found = get_own_prompt_set(researcher(request), prompt_set)
    version = get_prompt_version(found, request.POST.get("version", ""))
    try:
        tag_version(version=version, name=request.POST.get("tag", ""), actor=researcher(request))
    except DomainError as error:
        messages.error(request, in_words(error.message))
    return redirect("prompt-set-detail", prompt_set=found.uuid)


@require_POST
@signed_in
def set_seal(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    found = get_own_prompt_set(researcher(request), prompt_set)
    seal(prompt_set=found, actor=researcher(request))
    return redirect("prompt-set-detail", prompt_set=found.uuid)

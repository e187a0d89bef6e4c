"""Prompt sets and what comes in with them."""

from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from jeoul.accounts.actions import record
from jeoul.base import DomainError, InvalidInput
from jeoul.comparisons.building import mark_ready
from jeoul.dashboard.forms import OutputFileForm, PromptFileForm
from jeoul.dashboard.page import page, paged, refuse, researcher, signed_in
from jeoul.studies.access import (
    get_prompt_set,
    prompt_sets_for,
    prompt_texts_hidden,
)
from jeoul.studies.models import PromptSetVersion
from jeoul.studies.prompt_actions import import_outputs, import_prompts

_BOTH = ["GET", "HEAD", "POST"]


def _text_of(upload: "UploadedFile[bytes]") -> tuple[str, str]:
    """An uploaded file's text and kind; raises InvalidInput at the field ``file``."""
    name = (upload.name or "").lower()
    kind = "csv" if name.endswith(".csv") else "jsonl"
    if not name.endswith((".csv", ".jsonl", ".ndjson", ".json")):
        raise InvalidInput(_("The file's name must end with .jsonl or .csv."), field="file")
    try:
        return upload.read().decode("utf-8"), kind
    except UnicodeDecodeError:
        raise InvalidInput(_("The file is not UTF-8; save it as UTF-8."), field="file") from None


@require_safe
@signed_in
def prompt_set_list(request: HttpRequest) -> HttpResponse:
    latest = PromptSetVersion.objects.filter(prompt_set=OuterRef("pk")).order_by("-number")
    rows = prompt_sets_for(researcher(request)).annotate(
        latest_number=Subquery(latest.values("number")[:1]),
        prompts_n=Subquery(latest.annotate(n=Count("entries")).values("n")[:1]),
    )
    context = {"prompt_sets": paged(request, rows.order_by("name"))}
    return page(request, "dashboard/prompt_set_list.html", "prompt_sets", context)


@require_http_methods(_BOTH)
@signed_in
def prompt_set_import(request: HttpRequest) -> HttpResponse:
    form = PromptFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            text, kind = _text_of(data.pop("file"))
            version, done = import_prompts(owner=researcher(request), text=text, kind=kind, **data)
        except DomainError as error:
            refuse(form, error)
        else:
            note = _("%(added)d prompts added, %(bad)d rows left out.")
            messages.success(request, note % {"added": done.added, "bad": len(done.bad)})
            return redirect("prompt-set-detail", prompt_set=version.prompt_set.uuid)
    return _form(request, form, "prompt_sets", _("Import prompts"), "prompt-set-list")


def _form(request: HttpRequest, form: object, section: str, title: str, back: str) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "breadcrumbs": [
            {"label": _("Prompt sets") if section == "prompt_sets" else _("Systems"),
             "url": reverse(back)},
            {"label": title, "url": ""},
        ],
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return page(request, "dashboard/form.html", section, context, status=status)


@require_safe
@signed_in
def prompt_set_detail(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    """The latest version, counted by slice."""
    found = get_prompt_set(researcher(request), prompt_set)
    version = found.latest()
    assert version is not None  # a set is made with its first version
    hidden = prompt_texts_hidden(found)
    if found.sealed and not hidden:
        record(actor=researcher(request), verb="prompts.read", target=found)
    prompts = version.prompts.order_by("entries__position")
    risk = request.GET.get("risk", "")
    shown = prompts.filter(risk=risk) if risk in {"realistic", "high"} else prompts
    counts = {
        name: list(
            version.prompts.order_by().values_list(name).annotate(n=Count("pk")).order_by("-n")[:12]
        )
        for name in ("category", "language", "difficulty", "hazard")
    }
    high = version.prompts.filter(risk="high").count()
    context = {
        "prompt_set": found, "version": version, "hidden": hidden, "risk": risk,
        "prompts": paged(request, shown.filter(entries__version=version)),
        "counts": counts, "high": high, "total": version.entries.count(),
        "form": OutputFileForm(),
        "breadcrumbs": [
            {"label": _("Prompt sets"), "url": reverse("prompt-set-list")},
            {"label": found.name, "url": ""},
        ],
    }  # fmt: skip
    return page(request, "dashboard/prompt_set_detail.html", "prompt_sets", context)


@require_http_methods(_BOTH)
@signed_in
def outputs_import(request: HttpRequest, prompt_set: UUID) -> HttpResponse:
    found = get_prompt_set(researcher(request), prompt_set)
    form = OutputFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        version = found.latest()
        assert version is not None  # a set is made with its first version
        try:
            text, kind = _text_of(form.cleaned_data["file"])
            done = import_outputs(
                owner=researcher(request), prompts=version, text=text, kind=kind,
                take_good=form.cleaned_data["take_good"],
            )  # fmt: skip
        except DomainError as error:
            refuse(form, error)
        else:
            mark_ready()
            messages.success(request, _("%d outputs added.") % done.added)
            return redirect("prompt-set-detail", prompt_set=found.uuid)
    return _form(request, form, "prompt_sets", _("Import outputs"), "prompt-set-list")

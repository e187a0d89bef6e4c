"""Imported outputs, and the form page that they share."""

from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from jeoul.base import DomainError, InvalidInput
from jeoul.comparisons.building import mark_ready
from jeoul.dashboard.forms_material import OutputFileForm
from jeoul.dashboard.page import page, refuse, researcher, signed_in
from jeoul.studies.access import get_prompt_set
from jeoul.studies.prompt_actions import import_outputs

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


def form_page(
    request: HttpRequest, form: object, section: str, title: str, back: str
) -> HttpResponse:
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
    return form_page(request, form, "prompt_sets", _("Import outputs"), "prompt-set-list")

"""What the dashboard's views share."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from jeoul.accounts.models import User
from jeoul.accounts.roles import May
from jeoul.base import DomainError
from jeoul.refusals import in_words
from jeoul.studies.access import get_study, rights_on
from jeoul.studies.models import Study

View = Callable[..., Any]
PER_PAGE = 50


def researcher(request: HttpRequest) -> User:
    """The signed-in user; login_required lets nobody else come here."""
    return cast(User, request.user)


def signed_in(view: View) -> View:
    return login_required(view)


def page(
    request: HttpRequest, template: str, section: str, context: dict[str, Any], **more: Any
) -> TemplateResponse:
    """A whole page, or its part where htmx asks for one by ``?part=name``."""
    part = request.GET.get("part", "")
    if part and request.htmx and part.isidentifier():  # type: ignore[attr-defined]  # HtmxMiddleware's
        template = f"{template}#{part}"
    return TemplateResponse(request, template, {"section": section} | context, **more)


def study_context(request: HttpRequest, study: Study, tab: str) -> dict[str, Any]:
    """What every page of one study shows: its tabs, what this person may do."""
    rights = rights_on(researcher(request), study)
    way = [("annotators", _("Annotators' way"), "study-way")] if May.RUN in rights else []
    tabs = [
        ("overview", _("Overview"), "study-detail"),
        *way,
        ("results", _("Results"), "study-results"),
        ("comparisons", _("Comparisons"), "comparison-list"),
        ("workers", _("Workers"), "worker-list"),
        ("outputs", _("Outputs"), "output-list"),
        ("runs", _("Versions over time"), "run-list"),
        ("reports", _("Review"), "review-list"),
        ("money", _("Money"), "study-money"),
    ]
    return {
        "study": study,
        "tab": tab,
        "tabs": [
            {"key": key, "name": name, "url": reverse(view, args=[study.uuid])}
            for key, name, view in tabs
        ],
        "may_run": May.RUN in rights,
        "may_export": May.EXPORT in rights,
        "may_adjudicate": May.ADJUDICATE in rights,
        "may_own": May.OWN in rights,
        "breadcrumbs": [
            {"label": _("Studies"), "url": reverse("study-list")},
            {"label": study.title, "url": ""},
        ],
    }


def open_study(request: HttpRequest, study: Any, right: May = May.READ) -> Study:
    return get_study(researcher(request), study, right)


def paged(request: HttpRequest, rows: QuerySet[Any] | list[Any]) -> Page[Any]:
    """The asked page of a list; a number out of range gives the nearest."""
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def asks_later(request: HttpRequest) -> bool:
    """Whether what takes long to count may come after the page: it asks for its parts itself."""
    return not {"part", "now"} & set(request.GET)


def taken(form: forms.Form, action: Callable[..., object], **given: Any) -> bool:
    """Whether the form holds and the action takes what it says; a refusal stands in the form."""
    if not form.is_valid():
        return False
    try:
        action(**given, **form.cleaned_data)
    except DomainError as error:
        refuse(form, error)
        return False
    return True


def refuse(form: forms.Form, error: DomainError) -> None:
    """Show a refusal at the field it names, keeping what was typed."""
    rows = error.detail.get("rows")
    if isinstance(rows, list):
        said = _("%d bad rows; nothing was imported. Mend them, or take only the good rows.")
        form.add_error(None, said % len(rows))
        for row in rows[:20]:
            reason = in_words(row["reason"])
            form.add_error(None, f"{_('Row')} {row['number']}, {row['field']}: {reason}")
        return
    field = str(error.detail.get("field", ""))
    form.add_error(field if field in form.fields else None, in_words(error.message))

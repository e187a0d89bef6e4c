"""Alerts of a study: where they go, and that they were seen."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jeoul.accounts.roles import May
from jeoul.conduct.access import get_alert
from jeoul.conduct.alerts import mark_seen, set_route, words
from jeoul.conduct.figures import count_lately, figures
from jeoul.conduct.models import AlertRoute
from jeoul.dashboard.forms import AlertRouteForm
from jeoul.dashboard.page import open_study, researcher, signed_in
from jeoul.results.models import Analysis
from jeoul.studies.models import Study


def live_context(study: Study, analysis: Analysis | None) -> dict[str, Any]:
    """What the overview asks for again and again while people judge."""
    counts = count_lately(study)
    found = figures(study, counts, analysis)
    return alerts_context(study) | {
        "progress": counts.progress,
        "figures": found,
        "under_floor": found.under(study.pay_floor_per_hour),
        "spent_percent": round(100 * found.spent / study.budget) if study.budget else None,
    }


def alerts_context(study: Study) -> dict[str, Any]:
    alerts = study.alerts.filter(seen_at=None)[:20]
    return {"alerts": [(alert, words(alert.kind, alert.facts)) for alert in alerts]}


def route_context(study: Study) -> dict[str, Any]:
    route = AlertRoute.objects.filter(study=study).first()
    initial = {"emails": "\n".join(route.emails), "webhook_url": route.webhook_url} if route else {}
    return {"route": route, "route_form": AlertRouteForm(initial=initial)}


@require_POST
@signed_in
def alert_route(request: HttpRequest, study: UUID) -> HttpResponse:
    found = open_study(request, study, May.RUN)
    form = AlertRouteForm(request.POST)
    if not form.is_valid():
        # The overview is made of this module's parts.
        from jeoul.dashboard.views.studies import overview_page

        return overview_page(request, found, route_form=form)
    set_route(study=found, actor=researcher(request), **form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("study-detail", study=found.uuid)


@require_POST
@signed_in
def alert_seen(request: HttpRequest, study: UUID, alert: UUID) -> HttpResponse:
    found = open_study(request, study, May.RUN)
    mark_seen(alert=get_alert(found, alert), actor=researcher(request))
    return redirect("study-detail", study=found.uuid)

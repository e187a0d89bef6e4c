"""What a study has cost, what it owes, and what was paid."""

import csv
import io
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.actions import record
from jeoul.accounts.roles import May
from jeoul.dashboard.page import open_study, page, researcher, signed_in, study_context
from jeoul.payments.actions import SecondPersonNeeded, take_step
from jeoul.payments.models import Step
from jeoul.payments.reading import Balance, balances, get_vendor_of, to_pay
from jeoul.results.actions import latest_analysis
from jeoul.results.costs import study_costs
from jeoul.results.exports.encoders import defused


@require_safe
@signed_in
def study_money(request: HttpRequest, study: UUID) -> HttpResponse:
    found = open_study(request, study)
    analysis, stand = latest_analysis(found), balances(found)
    costs = study_costs(found, analysis.results if analysis else None)
    context = study_context(request, found, "money") | {
        "costs": costs,
        "vendors": [(v, stand.get(v.vendor.pk, Balance())) for v in costs.vendors],
    }
    return page(request, "dashboard/study_money.html", "studies", context)


@require_POST
@signed_in
def money_step(request: HttpRequest, study: UUID, vendor: UUID) -> HttpResponse:
    """Approve what is owed, or say what became of what was approved."""
    found = open_study(request, study, May.OWN)
    row = get_vendor_of(found, vendor)
    user, step = researcher(request), request.POST.get("step", "")
    if step not in Step.values:
        messages.error(request, _("There is no such step."))
        return redirect("study-money", study=found.uuid)
    note = request.POST.get("note", "")
    try:
        total = take_step(study=found, vendor=row, actor=user, step=Step(step), note=note)
    except SecondPersonNeeded:
        messages.error(request, _("Another owner than the one who approved it must say so."))
        return redirect("study-money", study=found.uuid)
    said = _("%(total)s %(currency)s: %(step)s.")
    words = {"total": f"{total:.2f}", "currency": found.currency, "step": Step(step).label}
    messages.success(request, said % words)
    return redirect("study-money", study=found.uuid)


@require_safe
@signed_in
def money_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """Whom to pay how much, with the vendor's own ids: for the owner, and noted."""
    found = open_study(request, study, May.OWN)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["vendor", "worker", "external_id", "amount", "currency"])
    writer.writerows([defused(str(cell)) for cell in row] for row in to_pay(found))
    record(actor=researcher(request), verb="money.list", target=found, study_uuid=found.uuid)
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.uuid}-to-pay.csv"'
    return response

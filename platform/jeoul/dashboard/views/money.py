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
from jeoul.base import DomainError
from jeoul.dashboard.forms_people import StepForm
from jeoul.dashboard.page import open_study, page, refuse, researcher, signed_in, study_context
from jeoul.payments.actions import take_step
from jeoul.payments.models import Step
from jeoul.payments.reading import Balance, balances, get_vendor_of, to_pay
from jeoul.results.actions import latest_analysis
from jeoul.results.costs import study_costs
from jeoul.results.exports.encoders import defused
from jeoul.studies.models import Study
from jeoul.workers.models import Vendor


@require_safe
@signed_in
def study_money(request: HttpRequest, study: UUID) -> HttpResponse:
    return _money_page(request, open_study(request, study))


def _money_page(
    request: HttpRequest, found: Study, at: Vendor | None = None, refused: StepForm | None = None
) -> HttpResponse:
    """With ``refused``, one vendor's form as it was typed, and what was wrong beside it."""
    analysis, stand = latest_analysis(found), balances(found)
    costs = study_costs(found, analysis.results if analysis else None)
    context = study_context(request, found, "money") | {
        "costs": costs,
        "vendors": [
            (v, stand.get(v.vendor.pk, Balance()),
             refused if refused and v.vendor == at else StepForm(auto_id=f"{v.vendor.uuid}-%s"))
            for v in costs.vendors
        ],
    }  # fmt: skip
    status = 422 if refused else 200
    return page(request, "dashboard/study_money.html", "studies", context, status=status)


@require_POST
@signed_in
def money_step(request: HttpRequest, study: UUID, vendor: UUID) -> HttpResponse:
    """Approve what is owed, or say what became of what was approved."""
    found = open_study(request, study, May.OWN)
    row = get_vendor_of(found, vendor)
    form, step = StepForm(request.POST, auto_id=f"{row.uuid}-%s"), request.POST.get("step", "")
    if not form.is_valid():
        return _money_page(request, found, row, form)
    user = researcher(request)
    try:
        total = take_step(study=found, vendor=row, actor=user, step=step, **form.cleaned_data)
    except DomainError as error:
        refuse(form, error)
        return _money_page(request, found, row, form)
    words = {"total": f"{total:.2f}", "currency": found.currency, "step": Step(step).label}
    messages.success(request, _("%(total)s %(currency)s: %(step)s.") % words)
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

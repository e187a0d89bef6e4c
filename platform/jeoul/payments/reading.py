"""What a study owes and has paid, by vendor and by worker."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, Sum
from django.http import Http404

from jeoul.payments.models import LedgerEntry, Step
from jeoul.studies.models import Study
from jeoul.workers.models import Vendor


@dataclass(frozen=True)
class Balance:
    """Money of one vendor's workers: each sum is what stands at this step now."""

    owed: Decimal = Decimal(0)
    approved: Decimal = Decimal(0)
    sent: Decimal = Decimal(0)
    confirmed: Decimal = Decimal(0)
    unknown: Decimal = Decimal(0)


def _at(step: Step) -> Sum:
    """Rows of a step that nothing has followed."""
    return Sum("amount", filter=Q(step=step, followed_by=None), default=Decimal(0))


def balances(study: Study) -> dict[int, Balance]:
    """By vendor's id; owed is what is not approved yet."""
    rows = (
        LedgerEntry.objects.filter(study=study)
        .order_by()
        .values("worker__vendor")
        .annotate(
            owed=Sum("amount", filter=Q(step=Step.OWED), default=Decimal(0)),
            ever=Sum("amount", filter=Q(step=Step.APPROVED), default=Decimal(0)),
            approved=_at(Step.APPROVED),
            sent=_at(Step.SENT),
            confirmed=_at(Step.CONFIRMED),
            unknown=_at(Step.UNKNOWN),
        )
    )
    return {
        row["worker__vendor"]: Balance(
            owed=row["owed"] - row["ever"],
            approved=row["approved"],
            sent=row["sent"],
            confirmed=row["confirmed"],
            unknown=row["unknown"],
        )
        for row in rows
    }


def to_pay(study: Study) -> Iterator[tuple[str, str, str, Decimal, str]]:
    """Vendor, pseudonym, the vendor's own id, amount and currency of what is approved."""
    rows = (
        LedgerEntry.objects.filter(study=study, step=Step.APPROVED, followed_by=None)
        .order_by("worker__vendor__name", "worker__pseudonym")
        .values_list(
            "worker__vendor__name", "worker__pseudonym", "worker__identity__external_id", "currency"
        )
        .annotate(total=Sum("amount"))
    )
    for vendor, pseudonym, external, currency, total in rows.iterator():
        yield vendor, pseudonym, external or "", total, currency


def get_vendor_of(study: Study, uuid: UUID) -> Vendor:
    """A vendor whose workers take part in the study, or 404."""
    found = Vendor.objects.filter(uuid=uuid, workers__enrolments__study=study).distinct().first()
    if found is None:
        raise Http404("No such vendor in this study.")
    return found

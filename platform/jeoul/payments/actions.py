"""Writing the ledger: what is owed by machine, everything after it by a person."""

from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Q, Sum

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import DomainError, InvalidInput
from jeoul.comparisons.models import Assignment, AssignmentState
from jeoul.payments.models import LedgerEntry, Step
from jeoul.studies.models import Study
from jeoul.workers.models import Vendor, VendorKind

_BATCH: Final = 5000
# Leaving out announced content is paid like an answer.
_PAID_SKIP: Final = "content_declined"
_UNPAID: Final = (VendorKind.SIMULATED, VendorKind.IMPORTED, VendorKind.MACHINE)
# What may follow what: an approval is sent, a sending ends well or unknown, and what was unknown
# is settled by a person who looked.
_AFTER: Final = {
    Step.SENT: {Step.APPROVED},
    Step.CONFIRMED: {Step.SENT, Step.UNKNOWN},
    Step.UNKNOWN: {Step.SENT},
}


def note_owed(*, study: Study) -> int:
    """Write down every answered or declined item that is not in the ledger yet.

    The pay is frozen with the plan, so it does not matter when this runs; run twice at once, the
    unique assignment keeps one row. Simulated people, machines and imports are owed nothing.
    """
    if study.pay_per_judgement <= 0:
        return 0
    paid = Q(state=AssignmentState.SUBMITTED) | Q(
        state=AssignmentState.SKIPPED, skip_reason=_PAID_SKIP
    )
    rows = (
        Assignment.objects.filter(paid, enrolment__study=study, owed=None)
        .filter(enrolment__worker__simulated=False)
        .exclude(enrolment__worker__vendor__kind__in=_UNPAID)
        .values_list("pk", "enrolment__worker_id")[:_BATCH]
    )
    made = LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                study=study, worker_id=worker, assignment_id=pk, step=Step.OWED,
                amount=study.pay_per_judgement, currency=study.currency,
            )
            for pk, worker in rows
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return len(made)


def take_step(*, study: Study, vendor: Vendor, actor: User, step: str, note: str = "") -> Decimal:
    """One step of a vendor's money, whichever it is; returns the sum that moved."""
    if step == Step.APPROVED:
        return approve_owed(study=study, vendor=vendor, actor=actor)
    if step not in Step.values:
        raise InvalidInput("There is no such step.", field="step")
    return settle(study=study, vendor=vendor, actor=actor, step=Step(step), note=note)


@transaction.atomic
def approve_owed(*, study: Study, vendor: Vendor, actor: User) -> Decimal:
    """Approve all that a vendor's workers are owed; returns the sum. Locks the study's row.

    A second call finds nothing left: what is approved is subtracted from what is owed.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    mine = LedgerEntry.objects.filter(study=study, worker__vendor=vendor).order_by()
    sums = mine.values("worker").annotate(
        owed=Sum("amount", filter=Q(step=Step.OWED), default=Decimal(0)),
        approved=Sum("amount", filter=Q(step=Step.APPROVED), default=Decimal(0)),
    )
    rows = [
        LedgerEntry(
            study=study, worker_id=row["worker"], step=Step.APPROVED, by=actor,
            amount=row["owed"] - row["approved"], currency=study.currency,
        )
        for row in sums
        if row["owed"] > row["approved"]
    ]  # fmt: skip
    LedgerEntry.objects.bulk_create(rows)
    total = sum((row.amount for row in rows), Decimal(0))
    if rows:
        _record(study, actor, vendor, Step.APPROVED, total)
    return total


class SecondPersonNeeded(DomainError):
    """The study wants two people behind every payment."""

    code = "second_person_needed"


@transaction.atomic
def settle(*, study: Study, vendor: Vendor, actor: User, step: Step, note: str = "") -> Decimal:
    """Say what became of a vendor's approved money; returns the sum. Locks the study's row.

    Each row is followed once, so a repeat moves nothing twice. Raises InvalidInput for a step
    that nothing can come to, SecondPersonNeeded where the study wants another than who approved.
    """
    if step not in _AFTER:
        raise InvalidInput("Money is sent, confirmed or unknown.", field="step")
    Study.objects.select_for_update().get(pk=study.pk)
    ready = LedgerEntry.objects.filter(
        study=study, worker__vendor=vendor, step__in=_AFTER[step], followed_by=None
    )
    if study.two_people and step == Step.SENT and ready.filter(by=actor).exists():
        raise SecondPersonNeeded("Another owner than the one who approved it must send it.")
    rows = [
        LedgerEntry(
            study=study, worker_id=e.worker_id, step=step, amount=e.amount, currency=e.currency,
            follows=e, by=actor, note=note[:300],
        )
        for e in ready
    ]  # fmt: skip
    LedgerEntry.objects.bulk_create(rows)
    total = sum((row.amount for row in rows), Decimal(0))
    if rows:
        _record(study, actor, vendor, step, total)
    return total


def _record(study: Study, actor: User, vendor: Vendor, step: Step, total: Decimal) -> None:
    record(
        actor=actor, verb=f"money.{step}", target=study, study_uuid=study.uuid,
        data={"vendor": vendor.name, "amount": str(total), "currency": study.currency},
    )  # fmt: skip

"""What a study has cost: per judgement, per valid judgement, per decision; by vendor, by system."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, F, Q, Sum

from jeoul.results.words import decided
from jeoul.studies.models import Study
from jeoul.workers.models import Vendor, VendorKind

# Nobody is paid for these in a study; a simulated crowd costs what the same people would.
_UNPAID: Final = (VendorKind.IMPORTED, VendorKind.MACHINE)


@dataclass(frozen=True)
class VendorCost:
    """One vendor's part; ``valid`` leaves out workers whom a decision leaves out.

    ``cost`` is in the vendor's own ``currency`` where it has a rate, else in the study's.
    """

    vendor: Vendor
    workers: int
    judgements: int
    valid: int
    each: Decimal
    cost: Decimal
    currency: str

    @property
    def per_judgement(self) -> Decimal | None:
        return self.cost / self.judgements if self.judgements else None

    @property
    def per_valid(self) -> Decimal | None:
        return self.cost / self.valid if self.valid else None


@dataclass(frozen=True)
class GenerationCost:
    """What one system's outputs cost, in the currency of its connection."""

    system: str
    connection: str
    outputs: int
    cost: Decimal
    currency: str


@dataclass(frozen=True)
class Costs:
    """Sums are of what is in the study's currency; ``other`` holds the rest, by currency.

    Decisions are pairs of the overall criterion whose interval leaves out one half.
    """

    currency: str
    vendors: list[VendorCost]
    systems: list[GenerationCost]
    judgements: int
    valid: int
    decisions: int

    @property
    def people(self) -> Decimal:
        return _in(self.currency, self.vendors)

    @property
    def generation(self) -> Decimal:
        return _in(self.currency, self.systems)

    @property
    def other(self) -> dict[str, Decimal]:
        """What cannot be added to the sums, by its currency."""
        rows: list[VendorCost | GenerationCost] = [*self.vendors, *self.systems]
        sums = by_currency((row.currency, row.cost) for row in rows)
        return {currency: cost for currency, cost in sums.items() if currency != self.currency}

    @property
    def total(self) -> Decimal:
        return self.people + self.generation

    @property
    def per_judgement(self) -> Decimal | None:
        return self.total / self.judgements if self.judgements else None

    @property
    def per_valid(self) -> Decimal | None:
        return self.total / self.valid if self.valid else None

    @property
    def per_decision(self) -> Decimal | None:
        return self.total / self.decisions if self.decisions else None


def by_currency(rows: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Sums that may be added, each under its currency; without those of nothing."""
    sums: dict[str, Decimal] = {}
    for currency, cost in rows:
        if cost:
            sums[currency] = sums.get(currency, Decimal(0)) + cost
    return dict(sorted(sums.items()))


def _in(currency: str, rows: Any) -> Decimal:
    return sum((row.cost for row in rows if row.currency == currency), Decimal(0))


def study_costs(study: Study, results: dict[str, Any] | None) -> Costs:
    """Four queries over workers and outputs, whatever the number of judgements."""
    vendors = vendor_costs(study)
    overall = next((c for c in (results or {}).get("criteria", []) if c["is_overall"]), None)
    return Costs(
        currency=study.currency,
        vendors=vendors,
        systems=generation_costs(study),
        judgements=sum(v.judgements for v in vendors),
        valid=sum(v.valid for v in vendors),
        decisions=sum(decided(p) for p in overall["pairs"]) if overall else 0,
    )


def vendor_costs(study: Study) -> list[VendorCost]:
    """Every item that is paid: answered, practised, or declined as announced. Two queries."""
    out = study.exclusions.filter(lifted_at=None).values("worker_id")
    rows = list(
        study.enrolments.order_by("worker__vendor__name")
        .values("worker__vendor")
        .annotate(
            workers=Count("pk", filter=Q(submitted__gt=0)),
            said=Sum("submitted"),
            valid=Sum("submitted", filter=~Q(worker__in=out), default=0),
            paid=Sum(F("submitted") + F("practised") + F("excused")),
        )
    )
    vendors = Vendor.objects.in_bulk([row["worker__vendor"] for row in rows])
    return [_vendor_cost(study, vendors[row["worker__vendor"]], row) for row in rows]


def _vendor_cost(study: Study, vendor: Vendor, row: Any) -> VendorCost:
    own = vendor.rate > 0
    each = vendor.rate if own else study.pay_per_judgement
    if vendor.kind in _UNPAID:
        each = Decimal(0)
    return VendorCost(
        vendor=vendor,
        workers=row["workers"],
        judgements=row["said"],
        valid=row["valid"],
        each=each,
        cost=row["paid"] * each,
        currency=vendor.currency if own else study.currency,
    )


def generation_costs(study: Study) -> list[GenerationCost]:
    """What the outputs of each system cost; systems whose outputs came from elsewhere are out."""
    from jeoul.results.progress import study_outputs  # which needs the costs of people

    made = study_outputs(study).exclude(system_version__connection=None).order_by()
    sums = {
        row["system_version"]: row
        for row in made.values("system_version").annotate(
            n=Count("pk"), cost=Sum("cost", default=Decimal(0))
        )
    }
    entries = study.entries.select_related("system_version__system", "system_version__connection")
    return [
        GenerationCost(
            system=version.label,
            connection=version.connection.name,
            outputs=sums[version.pk]["n"],
            cost=sums[version.pk]["cost"],
            currency=version.connection.currency,
        )
        for version in (e.system_version for e in entries.order_by("position"))
        if version.connection and version.pk in sums
    ]

"""What a study has cost: per judgement, per valid judgement, per decision; by vendor, by system."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from jeoul.results.progress import study_outputs
from jeoul.results.words import decided
from jeoul.studies.models import Study


@dataclass(frozen=True)
class VendorCost:
    """One vendor's part; ``valid`` leaves out workers whom a decision leaves out."""

    vendor: str
    workers: int
    judgements: int
    valid: int
    cost: Decimal

    @property
    def per_valid(self) -> Decimal | None:
        return self.cost / self.valid if self.valid else None


@dataclass(frozen=True)
class Costs:
    """Money in the study's currency; decisions are pairs of the overall criterion whose interval
    leaves out one half."""

    currency: str
    people: Decimal
    generation: Decimal
    vendors: list[VendorCost]
    systems: list[tuple[str, Decimal]]
    judgements: int
    valid: int
    decisions: int

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


def study_costs(study: Study, results: dict[str, Any] | None) -> Costs:
    """Three queries over workers and outputs, whatever the number of judgements."""
    vendors = _vendors(study)
    made = study_outputs(study).exclude(cost=None).values_list("system_version")
    spent: dict[int, Decimal] = dict(made.annotate(sum=Sum("cost")).values_list(
        "system_version", "sum"))  # fmt: skip
    entries = study.entries.select_related("system_version__system")
    systems = [
        (e.system_version.label, spent[e.system_version_id])
        for e in entries
        if e.system_version_id in spent
    ]
    overall = next((c for c in (results or {}).get("criteria", []) if c["is_overall"]), None)
    return Costs(
        currency=study.currency,
        people=sum((v.cost for v in vendors), Decimal(0)),
        generation=sum(spent.values(), Decimal(0)),
        vendors=vendors,
        systems=systems,
        judgements=sum(v.judgements for v in vendors),
        valid=sum(v.valid for v in vendors),
        decisions=sum(decided(p) for p in overall["pairs"]) if overall else 0,
    )


def _vendors(study: Study) -> list[VendorCost]:
    out = study.exclusions.filter(lifted_at=None).values("worker_id")
    rows = (
        study.enrolments.filter(submitted__gt=0)
        .values("worker__vendor__name")
        .annotate(
            workers=Count("pk"),
            said=Sum("submitted"),
            valid=Sum("submitted", filter=~Q(worker__in=out)),
        )
        .order_by("worker__vendor__name")
    )
    return [
        VendorCost(
            vendor=row["worker__vendor__name"],
            workers=row["workers"],
            judgements=row["said"],
            valid=row["valid"] or 0,
            cost=row["said"] * study.pay_per_judgement,
        )
        for row in rows
    ]

"""What knowing it cost: per judgement, per valid judgement, per decision, by vendor."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from jeoul.payments.reading import Balance, balances
from jeoul.results.models import Analysis
from jeoul.results.progress import study_outputs
from jeoul.results.words import decided
from jeoul.studies.models import Study
from jeoul.workers.models import Vendor, VendorKind


@dataclass(frozen=True)
class VendorCost:
    """One vendor's part in a study; valid are the judgements that no exclusion leaves out."""

    vendor: Vendor
    workers: int
    judgements: int
    valid: int
    cost: Decimal
    balance: Balance

    @property
    def per_judgement(self) -> Decimal | None:
        return self.cost / self.judgements if self.judgements else None

    @property
    def per_valid(self) -> Decimal | None:
        return self.cost / self.valid if self.valid else None


@dataclass(frozen=True)
class Costs:
    """A study's money: people and generation apart and together."""

    vendors: list[VendorCost]
    connections: list[dict[str, Any]]
    people: Decimal
    generation: Decimal
    judgements: int
    valid: int
    decisions: int

    @property
    def total(self) -> Decimal:
        return self.people + self.generation

    def per(self, n: int) -> Decimal | None:
        return self.total / n if n else None

    @property
    def per_judgement(self) -> Decimal | None:
        return self.per(self.judgements)

    @property
    def per_valid(self) -> Decimal | None:
        return self.per(self.valid)

    @property
    def per_decision(self) -> Decimal | None:
        """Decisions: pairs whose interval leaves out one half, on the overall criterion."""
        return self.per(self.decisions)


def costs_of(study: Study, analysis: Analysis | None) -> Costs:
    """Four queries, whatever the study's size."""
    found = balances(study)
    vendors = [_vendor(study, row, found.get(row.pk, Balance())) for row in _vendors(study)]
    connections = list(
        study_outputs(study)
        .exclude(system_version__connection=None)
        .order_by()
        .values("system_version__connection__name", "system_version__connection__currency")
        .annotate(n=Count("pk"), cost=Sum("cost", default=Decimal(0)))
        .order_by("-cost")
    )
    return Costs(
        vendors=vendors,
        connections=[
            {
                "name": row["system_version__connection__name"],
                "currency": row["system_version__connection__currency"],
                "n": row["n"],
                "cost": row["cost"],
            }
            for row in connections
        ],
        people=sum((v.cost for v in vendors), Decimal(0)),
        generation=sum((row["cost"] for row in connections), Decimal(0)),
        judgements=sum(v.judgements for v in vendors),
        valid=sum(v.valid for v in vendors),
        decisions=_decisions(analysis),
    )


def _vendors(study: Study) -> list[Any]:
    here = Q(workers__enrolments__study=study)
    left = study.exclusions.filter(lifted_at=None).values("worker")
    submitted = "workers__enrolments__submitted"
    return list(
        Vendor.objects.filter(here)
        .annotate(
            workers_n=Count("workers", filter=here, distinct=True),
            judgements=Sum(submitted, filter=here, default=0),
            excluded=Sum(submitted, filter=here & Q(workers__in=left), default=0),
        )
        .order_by("name")
    )


def _vendor(study: Study, row: Any, balance: Balance) -> VendorCost:
    unpaid = row.kind in {VendorKind.SIMULATED, VendorKind.IMPORTED, VendorKind.MACHINE}
    return VendorCost(
        vendor=row,
        workers=row.workers_n,
        judgements=row.judgements,
        valid=row.judgements - row.excluded,
        cost=Decimal(0) if unpaid else row.judgements * study.pay_per_judgement,
        balance=balance,
    )


def _decisions(analysis: Analysis | None) -> int:
    if analysis is None:
        return 0
    overall = [c for c in analysis.results["criteria"] if c["is_overall"]]
    return sum(decided(pair) for c in overall for pair in c["pairs"])

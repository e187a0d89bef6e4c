"""How far a study is, what it has cost, and when it will be finished."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.utils import timezone

from jeoul.comparisons.models import Judgement, Kind
from jeoul.results.costs import by_currency, vendor_costs
from jeoul.studies.models import Output, OutputState, Study, VersionEntry

_RATE_HOURS = 24
# The rate is that of the last judgements: counting a whole day's would take as long as there are.
_RATE_ROWS = 1000


@dataclass(frozen=True)
class Sums:
    """Of some comparisons."""

    comparisons: int = 0
    ready: int = 0
    planned: int = 0
    judged: int = 0
    held: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class StudyProgress:
    """Counts of one study; money in the study's currency, people apart from generation."""

    outputs: int
    outputs_done: int
    outputs_failed: int
    outputs_running: int
    comparisons: int
    ready: int
    planned: int
    judged: int
    held: int
    workers: int
    judgements_per_hour: float | None
    finished_at: datetime | None
    people_cost: Decimal
    generation_cost: Decimal
    # What is owed or was charged in other currencies, by each: no sum may hold it.
    other_costs: dict[str, Decimal]

    @property
    def percent(self) -> int:
        return round(100 * self.judged / self.planned) if self.planned else 0

    @property
    def outputs_percent(self) -> int:
        return round(100 * self.outputs_done / self.outputs) if self.outputs else 0

    @property
    def cost_per_judgement(self) -> Decimal | None:
        return (self.people_cost + self.generation_cost) / self.judged if self.judged else None


def study_outputs(study: Study) -> QuerySet[Output]:
    """The outputs that a study's comparisons are made of."""
    entries = VersionEntry.objects.filter(version=study.prompt_set_version_id)
    return Output.objects.current().filter(
        # Named, not asked for within: so the index output_counted is read in one go.
        system_version__in=[entry.system_version_id for entry in study.entries.all()],
        # A subquery, not a join through the prompts, which would read each of them.
        prompt__in=entries.values("prompt_id"),
        sample__lt=study.samples,
    )


def sum_comparisons(study: Study, *by: str) -> Iterator[tuple[tuple[Any, ...], Sums]]:
    """What the comparisons are counted to, over all or by each value of ``by``; one query."""
    rows = study.comparisons.filter(kind=Kind.REAL).values_list(*by)
    sums = rows.annotate(
        n=Count("pk"),
        open=Count("pk", filter=Q(ready=True)),
        planned=Sum("target"),
        said=Sum("judged"),
        held=Sum(F("taken") - F("judged")),
    )
    for row in sums.order_by():
        yield row[: len(by)], Sums(*row[len(by) :])


def study_progress(study: Study) -> StudyProgress:
    """Seven queries, whatever the study's size."""
    outputs = _outputs(study)
    rows = sum((sums for _, sums in sum_comparisons(study, "study")), Sums())
    planned, judged = rows.planned, rows.judged
    now = timezone.now()
    recent = _recent(study, now)
    left = timedelta(hours=(planned - judged) / recent) if recent and planned > judged else None
    vendors = vendor_costs(study)
    people = by_currency((v.currency, v.cost) for v in vendors)
    made = by_currency((row["currency"], row["cost"]) for row in outputs)
    return StudyProgress(
        outputs=sum(row["n"] for row in outputs),
        outputs_done=sum(row["done"] for row in outputs),
        outputs_failed=sum(row["failed"] for row in outputs),
        outputs_running=sum(row["running"] for row in outputs),
        comparisons=rows.comparisons,
        ready=rows.ready,
        planned=planned,
        judged=judged,
        held=rows.held,
        workers=sum(v.workers for v in vendors),
        judgements_per_hour=recent,
        finished_at=now + left if left and study.is_open else None,
        people_cost=people.pop(study.currency, Decimal(0)),
        generation_cost=made.pop(study.currency, Decimal(0)),
        other_costs=by_currency([*people.items(), *made.items()]),
    )


def _outputs(study: Study) -> list[dict[str, Any]]:
    """Counts and cost of each system's outputs, with the currency that its connection charges."""
    currencies = dict(study.systems.values_list("pk", "connection__currency"))
    # Counting states, not ids: so the index output_counted answers without reading any text.
    rows = (
        study_outputs(study)
        .order_by()
        .values("system_version")
        .annotate(
            n=Count("state"),
            done=Count("state", filter=Q(state__in=[OutputState.DONE, OutputState.REFUSED])),
            failed=Count("state", filter=Q(state=OutputState.FAILED)),
            running=Count("state", filter=Q(state=OutputState.RUNNING)),
            cost=Sum("cost", default=Decimal(0)),
        )
    )
    return [r | {"currency": currencies[r["system_version"]] or study.currency} for r in rows]


def _recent(study: Study, now: datetime) -> float | None:
    """Judgements per hour over the last day's newest, None without two of them."""
    newest = Judgement.objects.filter(study=study).order_by("-id")[:_RATE_ROWS]
    recent = Judgement.objects.filter(
        pk__in=newest.values("pk"), judged_at__gt=now - timedelta(hours=_RATE_HOURS)
    )
    n, first = recent.aggregate(n=Count("pk"), first=Min("judged_at")).values()
    if n < 2:
        return None
    return float(n / max((now - first).total_seconds() / 3600, 1 / 60))

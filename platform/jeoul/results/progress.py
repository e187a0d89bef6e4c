"""How far a study is, what it has cost, and when it will be finished."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from jeoul.comparisons.models import Comparison, Judgement, Kind
from jeoul.results.costs import vendor_costs
from jeoul.studies.models import Output, OutputState, Study, VersionEntry

_RATE_HOURS = 24
# The rate is that of the last judgements: counting a whole day's would take as long as there are.
_RATE_ROWS = 1000


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
        system_version__in=study.entries.values("system_version_id"),
        # A subquery, not a join through the prompts, which would read each of them.
        prompt__in=entries.values("prompt_id"),
        sample__lt=study.samples,
    )


def study_progress(study: Study) -> StudyProgress:
    """Five queries, whatever the study's size."""
    # Counting states, not ids: so the index output_counted answers without reading any text.
    outputs = study_outputs(study).aggregate(
        n=Count("state"),
        done=Count("state", filter=Q(state__in=[OutputState.DONE, OutputState.REFUSED])),
        failed=Count("state", filter=Q(state=OutputState.FAILED)),
        running=Count("state", filter=Q(state=OutputState.RUNNING)),
        cost=Sum("cost"),
    )
    rows = Comparison.objects.filter(study=study, kind=Kind.REAL).aggregate(
        n=Count("pk"),
        open=Count("pk", filter=Q(ready=True)),
        planned=Sum("target"),
        said=Sum("judged"),
        held=Sum(F("taken") - F("judged")),
    )
    planned, judged = rows["planned"] or 0, rows["said"] or 0
    now = timezone.now()
    recent = _recent(study, now)
    left = timedelta(hours=(planned - judged) / recent) if recent and planned > judged else None
    vendors = vendor_costs(study)
    return StudyProgress(
        outputs=outputs["n"],
        outputs_done=outputs["done"],
        outputs_failed=outputs["failed"],
        outputs_running=outputs["running"],
        comparisons=rows["n"],
        ready=rows["open"],
        planned=planned,
        judged=judged,
        held=rows["held"] or 0,
        workers=sum(v.workers for v in vendors),
        judgements_per_hour=recent,
        finished_at=now + left if left and study.is_open else None,
        people_cost=sum((v.cost for v in vendors if v.currency == study.currency), Decimal(0)),
        generation_cost=outputs["cost"] or Decimal(0),
    )


def _recent(study: Study, now: datetime) -> float | None:
    """Judgements per hour over the last day's newest, None without two of them."""
    newest = Judgement.objects.filter(study=study).order_by("-id")
    times = [
        at
        for at in newest.values_list("judged_at", flat=True)[:_RATE_ROWS]
        if at > now - timedelta(hours=_RATE_HOURS)
    ]
    if len(times) < 2:
        return None
    hours = max((now - min(times)).total_seconds() / 3600, 1 / 60)
    return len(times) / hours

"""How a study's generation stands: counts, failures by kind, money, speed, what holds it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone

from jeoul.studies.generation.base import ProviderError
from jeoul.studies.generation.estimating import chat_for, reserve
from jeoul.studies.generation.limits import spent_on
from jeoul.studies.models import Connection, Output, OutputState, Study

_RATE_OVER: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class Hold:
    """A connection whose circuit breaker is open, in the provider's own words."""

    connection: str
    until: datetime
    reason: str


@dataclass(frozen=True)
class GenerationProgress:
    """Counts of one study's outputs; cost in the connections' currency."""

    total: int
    done: int
    running: int
    due: int
    failed: int
    refused: int
    truncated: int
    model_differs: int
    failures: list[tuple[str, int]]
    retrying: list[tuple[str, int]]
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal
    spent: Decimal
    cap: Decimal | None
    at_cap: bool
    currency: str
    per_minute: float
    seconds_left: float | None
    paused_at: datetime | None
    holds: list[Hold]

    @property
    def ended(self) -> int:
        return self.done + self.refused + self.failed

    @property
    def percent(self) -> int:
        return round(100 * self.ended / self.total) if self.total else 0


def generation_outputs(study: Study, generation: int | None = None) -> QuerySet[Output]:
    """A study's outputs in use, or those of one generation."""
    outputs = Output.objects.filter(
        system_version__in=study.systems.all(),
        prompt__versions=study.prompt_set_version,
        sample__lt=study.samples,
    )
    if generation is None:
        return outputs.filter(is_current=True)
    return outputs.filter(generation=generation)


def generation_progress(study: Study, generation: int | None = None) -> GenerationProgress:
    """Six queries, whatever the study's size."""
    outputs = generation_outputs(study, generation)
    now = timezone.now()
    sums = outputs.aggregate(
        total=Count("pk"),
        **{s.value: Count("pk", filter=Q(state=s)) for s in OutputState},
        truncated=Count("pk", filter=Q(finish_reason="length")),
        model_differs=Count("pk", filter=Q(model_differs=True)),
        prompt_tokens=Sum("prompt_tokens"),
        completion_tokens=Sum("completion_tokens"),
        cost=Sum("cost"),
        recent=Count("pk", filter=Q(finished_at__gt=now - _RATE_OVER)),
        first=Min("finished_at", filter=Q(finished_at__gt=now - _RATE_OVER)),
    )
    kinds = (
        outputs.exclude(error_code="")
        .order_by()
        .values_list("state", "error_code")
        .annotate(n=Count("pk"))
        .order_by("-n")
    )
    rate = _per_minute(sums["recent"], sums["first"], now)
    left = sums["due"] + sums["running"]
    spent, cap = spent_on(study), study.generation_cap
    connections = Connection.objects.filter(versions__studies=study).distinct()
    held = connections.filter(hold_until__gt=now)
    return GenerationProgress(
        total=sums["total"],
        done=sums["done"],
        running=sums["running"],
        due=sums["due"],
        failed=sums["failed"],
        refused=sums["refused"],
        truncated=sums["truncated"],
        model_differs=sums["model_differs"],
        failures=[(code, n) for state, code, n in kinds if state == OutputState.FAILED],
        retrying=[(code, n) for state, code, n in kinds if state != OutputState.FAILED],
        prompt_tokens=sums["prompt_tokens"] or 0,
        completion_tokens=sums["completion_tokens"] or 0,
        cost=sums["cost"] or Decimal(0),
        spent=spent,
        cap=cap,
        at_cap=_at_cap(study, spent, outputs) and not sums["running"],
        currency=connections.values_list("currency", flat=True).first() or study.currency,
        per_minute=rate,
        seconds_left=60 * left / rate if rate and left else None,
        paused_at=study.generation_paused_at,
        holds=[Hold(c.name, c.hold_until, c.hold_reason) for c in held if c.hold_until],
    )


def _per_minute(recent: int, first: datetime | None, now: datetime) -> float:
    """Outputs finished per minute since the first of the last two minutes."""
    if not recent or first is None:
        return 0.0
    seconds = max((now - first).total_seconds(), 1.0)
    return 60 * recent / seconds


def _at_cap(study: Study, spent: Decimal, outputs: QuerySet[Output]) -> bool:
    """Whether the next output may cost more than the cap leaves."""
    if study.generation_cap is None:
        return False
    due = outputs.filter(state=OutputState.DUE, system_version__connection__isnull=False)
    following = due.select_related("system_version__connection", "prompt").first()
    if following is None:
        return False
    try:
        messages = chat_for(following.system_version, following.prompt)
    except ProviderError:
        return False  # it fails by name and costs nothing
    return spent + reserve(following.system_version, messages).cost > study.generation_cap

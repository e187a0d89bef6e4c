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
from jeoul.studies.models import Connection, Output, OutputState, Study, VersionEntry

_RATE_OVER: Final = timedelta(minutes=2)
_SUMMED: Final = (
    "total", "truncated", "model_differs", "prompt_tokens", "completion_tokens", "spent", "recent",
)  # fmt: skip


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
    entries = VersionEntry.objects.filter(version=study.prompt_set_version_id)
    outputs = Output.objects.filter(
        system_version__in=study.entries.values("system_version_id"),
        # A subquery, not a join through the prompts, which would read each of them.
        prompt__in=entries.values("prompt_id"),
        sample__lt=study.samples,
    )
    if generation is None:
        return outputs.filter(is_current=True)
    return outputs.filter(generation=generation)


def generation_progress(study: Study, generation: int | None = None) -> GenerationProgress:
    """Five queries, whatever the study's size, and one of them reads the outputs."""
    outputs = generation_outputs(study, generation)
    now = timezone.now()
    parts = list(
        outputs.order_by()
        .values("state", "error_code")
        .annotate(
            total=Count("state"),
            truncated=Count("state", filter=Q(finish_reason="length")),
            model_differs=Count("state", filter=Q(model_differs=True)),
            prompt_tokens=Sum("prompt_tokens", default=0),
            completion_tokens=Sum("completion_tokens", default=0),
            spent=Sum("cost", default=Decimal(0)),
            recent=Count("state", filter=Q(finished_at__gt=now - _RATE_OVER)),
            first=Min("finished_at", filter=Q(finished_at__gt=now - _RATE_OVER)),
        )
    )
    state = {s: sum(p["total"] for p in parts if p["state"] == s) for s in OutputState}
    sums = {name: sum(p[name] for p in parts) for name in _SUMMED}
    kinds = sorted(
        ((p["state"], p["error_code"], p["total"]) for p in parts if p["error_code"]),
        key=lambda kind: -kind[2],
    )
    first = min((p["first"] for p in parts if p["first"]), default=None)
    rate = _per_minute(sums["recent"], first, now)
    left = state[OutputState.DUE] + state[OutputState.RUNNING]
    spent, cap = spent_on(study), study.generation_cap
    at_cap = _at_cap(study, spent, outputs) and not state[OutputState.RUNNING]
    connections = Connection.objects.filter(versions__studies=study).distinct()
    held = list(connections.filter(hold_until__gt=now))
    stands = at_cap or study.generation_paused_at or (held and not state[OutputState.RUNNING])
    return GenerationProgress(
        total=sums["total"],
        done=state[OutputState.DONE],
        running=state[OutputState.RUNNING],
        due=state[OutputState.DUE],
        failed=state[OutputState.FAILED],
        refused=state[OutputState.REFUSED],
        truncated=sums["truncated"],
        model_differs=sums["model_differs"],
        failures=[(code, n) for at, code, n in kinds if at == OutputState.FAILED],
        retrying=[(code, n) for at, code, n in kinds if at != OutputState.FAILED],
        prompt_tokens=sums["prompt_tokens"],
        completion_tokens=sums["completion_tokens"],
        cost=Decimal(sums["spent"]),
        spent=spent,
        cap=cap,
        at_cap=at_cap,
        currency=connections.values_list("currency", flat=True).first() or study.currency,
        per_minute=rate,
        seconds_left=60 * left / rate if rate and left and not stands else None,
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

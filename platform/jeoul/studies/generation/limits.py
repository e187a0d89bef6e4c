"""How much a connection may be asked now: concurrency, rates, the circuit breaker, the caps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import F, Sum

from jeoul.studies.generation.base import ProviderError
from jeoul.studies.models import Attempt, Connection, OutputState, Study

MINUTE: Final = timedelta(minutes=1)
# So many failures without an answer between them open the circuit.
BREAKS_AT: Final = 5
_PAUSE_SECONDS: Final = 30.0
_LIMITED_SECONDS: Final = 5.0
_LONGEST_PAUSE: Final = 600.0
# Faults of one request, which say nothing about the connection.
_OWN_FAULTS: Final = frozenset(
    {"http_400", "http_404", "http_413", "http_422", "bad_answer", "template_variable",
     "unsupported_setting", "internal", "lost"}
)  # fmt: skip


@dataclass
class Room:
    """What may still be taken in this turn."""

    requests: int
    tokens: int | None = None
    # Nothing was asked in the last minute: one request may be larger than the rate.
    fresh: bool = False

    def take(self, tokens: int) -> bool:
        """Count one request of so many tokens; False if it must wait."""
        if self.requests < 1:
            return False
        if self.tokens is not None:
            if tokens > self.tokens and not self.fresh:
                return False
            self.tokens -= tokens
        self.requests, self.fresh = self.requests - 1, False
        return True


def room_of(connection: Connection, now: datetime) -> Room:
    """Room for more requests; the caller holds the connection's row lock."""
    if connection.hold_until and connection.hold_until > now:
        return Room(0)
    tries = Attempt.objects.filter(connection=connection)
    held = tries.filter(
        finished_at=None,
        asked=True,
        output__state=OutputState.RUNNING,
        output__lease_until__gt=now,
        output__lease_key=F("lease_key"),
    ).count()
    free = connection.concurrency - held
    if connection.hold_until is not None:
        # Half open: one request finds out whether the provider is back.
        free = min(free, 1 - held)
    last = tries.filter(started_at__gt=now - MINUTE)
    if connection.requests_per_minute:
        free = min(free, connection.requests_per_minute - last.count())
    if not connection.tokens_per_minute:
        return Room(max(free, 0))
    used = last.aggregate(n=Sum("tokens"))["n"] or 0
    return Room(max(free, 0), connection.tokens_per_minute - used, fresh=used == 0)


def may_wait(connection: Connection) -> bool:
    """Whether a job may hold requests until it has a place for them.

    With a rate they would be counted in another minute than they are asked in.
    """
    rates = connection.requests_per_minute or connection.tokens_per_minute
    return not rates and connection.hold_until is None


def note_replies(connection: Connection, replies: Iterable[object], now: datetime) -> None:
    """Count what came for the circuit breaker; the caller holds the row lock and saves nothing."""
    before = (connection.failures, connection.hold_until, connection.hold_reason)
    for reply in replies:
        if not isinstance(reply, ProviderError):
            connection.failures, connection.hold_until, connection.hold_reason = 0, None, ""
        elif reply.code not in _OWN_FAULTS:
            _note_failure(connection, reply, now)
    if before != (connection.failures, connection.hold_until, connection.hold_reason):
        connection.save(update_fields=["failures", "hold_until", "hold_reason"])


def _note_failure(connection: Connection, error: ProviderError, now: datetime) -> None:
    if connection.hold_until and connection.hold_until > now:
        return  # it was under way when the circuit opened
    connection.failures += 1
    # A refusal comes at once and an answer after a while: with many under way, some passing
    # failures in a row say little, while a wrong key is wrong for all of them.
    enough = BREAKS_AT if error.permanent else max(BREAKS_AT, connection.concurrency)
    if connection.failures < enough and connection.hold_until is None:
        return
    first = _LIMITED_SECONDS if error.code == "http_429" else _PAUSE_SECONDS
    holds = min(max(connection.failures - enough, 0), 10)
    pause = min(first * 2.0**holds, _LONGEST_PAUSE)
    connection.hold_until = now + timedelta(seconds=max(pause, error.wait or 0.0))
    connection.hold_reason = f"{error.code}: {error.message}"[:1000]


def release(connection: Connection) -> None:
    """Close the circuit by hand: what was wrong has been mended."""
    Connection.objects.filter(pk=connection.pk).update(failures=0, hold_until=None, hold_reason="")


class Purse:
    """What the studies with a cap may still spend; locks their rows until the transaction ends.

    Counted from the attempts: paid ones with their cost, open ones with what they may cost.
    """

    def __init__(self, study_ids: set[int]) -> None:
        capped = (
            Study.objects.filter(pk__in=study_ids, generation_cap__isnull=False)
            .select_for_update(no_key=True)
            .order_by("pk")
        )
        self._left = {
            study.pk: study.generation_cap - spent_on(study)
            for study in capped
            if study.generation_cap is not None
        }

    def take(self, study_id: int | None, cost: Decimal) -> bool:
        """Reserve the cost; False if it would go over the study's cap."""
        if study_id is None or study_id not in self._left:
            return True
        if cost > self._left[study_id]:
            return False
        self._left[study_id] -= cost
        return True


def spent_on(study: Study) -> Decimal:
    """Spent and reserved on the study's generation, in the connections' currency."""
    kept = Attempt.objects.filter(study=study).aggregate(n=Sum("cost"))["n"] or Decimal(0)
    return kept + Decimal(study.spent_before)

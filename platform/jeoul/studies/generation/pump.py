"""Keeping a connection busy: many requests wait at once, one thread holds the database.

An answer costs the machine a few milliseconds and the provider seconds, so a job is not one
output but a connection for a while: it leases in batches, asks all at once, and holds half as
many more, which are sent at the moment an answer frees a place; so no place waits for the database.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from jeoul.studies.generation.actions import store_replies
from jeoul.studies.generation.asking import Asking, Reply
from jeoul.studies.generation.taking import Lease, give_back, next_due, renew, turn
from jeoul.studies.models import Connection, Study

log = structlog.get_logger()

# Answers are gathered for so long before they are stored together.
_MOMENT_SECONDS: Final = 0.02
_GATHER_SECONDS: Final = 0.25
_RENEW_SECONDS: Final = 10.0
# An output that is due again so soon is waited for; a later one is another job's.
_LINGER_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 0.25
_END_SECONDS: Final = 4.0

Stored = Callable[[list[int]], None]


class Pump:
    """One connection's requests until nothing is due, the time is over, or ``stop`` is set.

    ``on_stored`` hears after each turn, several times a second, what was stored, be it nothing.
    """

    def __init__(
        self,
        connection_id: int,
        *,
        on_stored: Stored,
        on_alive: Callable[[], object] = lambda: None,
        stop: Event | None = None,
        only: dict[str, Any] | None = None,
    ) -> None:
        self._connection = Connection.objects.get(pk=connection_id)
        self._on_stored, self._on_alive = on_stored, on_alive
        self._stop, self._only = stop or Event(), only or {}
        self._held: dict[Any, Lease] = {}
        self._ahead: dict[Any, Lease] = {}
        self._at_cap = self._told = frozenset[int]()
        self._renewed = time.monotonic()

    def run(self, seconds: float) -> float | None:
        """Work for at most about ``seconds``; in how many there is more to do, None for never."""
        ends = time.monotonic() + seconds
        with Asking() as asking:
            try:
                while not self._stop.is_set():
                    more = time.monotonic() < ends
                    if not self._step(asking, take=more) and not self._held:
                        self._unask(asking)
                        if not more:
                            return 0.0
                        self._tell_caps()
                        wait = self._seconds_to_more()
                        if wait is None or wait > _LINGER_SECONDS:
                            return wait
                        self._stop.wait(_IDLE_SECONDS)
                self._unask(asking)
                self._wind_up(asking)
            finally:
                give_back([*self._held.values(), *self._ahead.values()])
        return 0.0

    def _step(self, asking: Asking, *, take: bool) -> bool:
        """Gather replies, store, refill; False if nothing happened."""
        done, begun = self._gather(asking) if self._held else ([], [])
        free = self._connection.concurrency - len(self._held) if take else 0
        if not done and not free:
            self._on_stored([])
            self._renew()
            return False
        ahead = (self._connection.concurrency + 1) // 2 - len(self._ahead) if take else 0
        with transaction.atomic():
            stored = store_replies(done)
            taken = turn(
                connection_id=self._connection.pk, slots=free, ahead=ahead, begun=begun,
                replies=[reply for _, reply in done], only=self._only,
            )  # fmt: skip
        leases, self._at_cap = taken.leases, taken.at_cap
        for held in leases:
            self._send(asking, held)
        at_once = sum(not held.waits for held in leases)
        if self._ahead and (at_once < free or (len(leases) < ahead and self._paused())):
            self._unask(asking)
        self._on_stored(stored)
        self._renew()
        return bool(done or leases)

    def _send(self, asking: Asking, held: Lease) -> None:
        if held.waits and held.request is not None:
            self._ahead[held.key] = held
            asking.wait(held.key, held.connection, held.request)
            return
        self._held[held.key] = held
        if held.request is None:
            assert held.error is not None  # one of both
            asking.fail(held.key, held.error)
        else:
            asking.ask(held.key, held.connection, held.request)

    def _gather(self, asking: Asking) -> tuple[list[tuple[Lease, Reply]], list[Lease]]:
        """The replies of a moment, and what was sent in their places.

        Waits for one, and for more while each has its follower: a turn costs the same for many.
        """
        came = asking.replies(_IDLE_SECONDS)
        ends = time.monotonic() + _GATHER_SECONDS
        while came and len(self._held) > len(came):
            time.sleep(_MOMENT_SECONDS)
            came += asking.replies(0.0)
            if time.monotonic() > ends or not all(c.begun for c in came):
                break
        begun = [replace(self._ahead.pop(c.begun), waits=False) for c in came if c.begun]
        self._held |= {held.key: held for held in begun}
        return [(self._held.pop(c.token), c.reply) for c in came], begun

    def _unask(self, asking: Asking) -> None:
        """Let others have what waits; it becomes due again."""
        give_back([self._ahead.pop(key) for key in asking.forget_waiting()])

    def _paused(self) -> bool:
        studies = [held.output.study_id or 0 for held in self._ahead.values()]
        return Study.objects.filter(pk__in=studies, generation_paused_at__isnull=False).exists()

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            self._renewed = time.monotonic()
            self._on_alive()
            renew([*self._held.values(), *self._ahead.values()])

    def _tell_caps(self) -> None:
        """Say once which studies have no money left for what is due: this job ends without it."""
        for study in Study.objects.filter(pk__in=self._at_cap - self._told):
            log.warning("generation.at_cap", study=str(study.uuid), cap=str(study.generation_cap))
        self._told |= self._at_cap

    def _seconds_to_more(self) -> float | None:
        """Until something is due and the connection may be asked; None where nothing will be.

        What a study at its cap may not pay for is not due: the next sweep asks again, in case
        somebody raised the cap or another job gave back what it had set aside.
        """
        now = timezone.now()
        self._connection.refresh_from_db()
        due = next_due(self._connection, now, self._only, self._at_cap)
        if due is None:
            return None
        return max(0.0, (max(due, self._connection.hold_until or due) - now).total_seconds())

    def _wind_up(self, asking: Asking) -> None:
        """Store what still comes in the moment that a shutdown grants."""
        ends = time.monotonic() + _END_SECONDS
        while self._held and time.monotonic() < ends:
            self._step(asking, take=False)

"""Keeping a connection busy: many requests wait at once, one thread holds the database.

An answer costs the machine a few milliseconds and the provider seconds, so a job is not one
output but a connection for a while: it leases in batches, asks all at once, and stores while
the next requests are under way already.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any, Final

from django.utils import timezone

from jeoul.studies.generation.actions import store_replies
from jeoul.studies.generation.asking import Asking, Reply
from jeoul.studies.generation.taking import Lease, due_on, give_back, renew, turn
from jeoul.studies.models import Connection

# Answers are gathered for so long before they are stored together.
_GATHER_SECONDS: Final = 0.02
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
        self._renewed = time.monotonic()

    def run(self, seconds: float) -> bool:
        """Work for at most about ``seconds``; True if there is more to do now."""
        ends = time.monotonic() + seconds
        with Asking() as asking:
            try:
                while not self._stop.is_set():
                    more = time.monotonic() < ends
                    if not self._step(asking, take=more) and not self._held:
                        if not more:
                            return True
                        if not self._soon():
                            return False
                        self._stop.wait(_IDLE_SECONDS)
                self._wind_up(asking)
            finally:
                give_back(self._held.values())
        return True

    def _step(self, asking: Asking, *, take: bool) -> bool:
        """Gather replies, refill, store; False if nothing happened."""
        done = self._gather(asking) if self._held else []
        free = self._connection.concurrency - len(self._held) if take else 0
        leases = turn(
            connection_id=self._connection.pk, limit=free, done=done, only=self._only
        ) if done or free else []  # fmt: skip
        for held in leases:
            self._held[held.key] = held
            if held.request is None:
                assert held.error is not None  # one of both
                asking.fail(held.key, held.error)
            else:
                asking.ask(held.key, held.connection, held.request)
        self._on_stored(store_replies(done) if done else [])
        self._renew()
        return bool(done or leases)

    def _gather(self, asking: Asking) -> list[tuple[Lease, Reply]]:
        """The replies of a moment; waits for one, since each turn costs the same for many."""
        replies = asking.replies(_IDLE_SECONDS)
        if replies and len(self._held) > len(replies):
            time.sleep(_GATHER_SECONDS)
            replies += asking.replies(0.0)
        return [(self._held.pop(key), reply) for key, reply in replies if key in self._held]

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            self._renewed = time.monotonic()
            self._on_alive()
            renew(self._held.values())

    def _soon(self) -> bool:
        """Whether something is due within a moment, so that leaving would only cost time."""
        soon = timezone.now() + timedelta(seconds=_LINGER_SECONDS)
        self._connection.refresh_from_db()
        if self._connection.hold_until and self._connection.hold_until > soon:
            return False
        return due_on(self._connection, soon).filter(**self._only).exists()

    def _wind_up(self, asking: Asking) -> None:
        """Store what still comes in the moment that a shutdown grants."""
        ends = time.monotonic() + _END_SECONDS
        while self._held and time.monotonic() < ends:
            self._step(asking, take=False)

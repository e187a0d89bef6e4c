"""Candidate outputs: one job keeps one connection busy for a while."""

import threading
import time
from collections.abc import Callable

from celery.signals import worker_init, worker_shutting_down
from django.conf import settings
from django.core.cache import cache
from jeoul.studies.generation.actions import connections_due

from tasks.celery import app
from tasks.risk import scan_outputs

# A job hands its connection on after this long, so that a slow provider keeps no thread for ever.
_SECONDS = 60.0
# A dead job's or a lost message's mark is gone after this long; losing it costs nothing.
_MARK_SECONDS = 30
_stop = threading.Event()


@worker_init.connect
def _load(**_: object) -> None:
    """The client library at the worker's start, not while the first answers wait for it."""
    from jeoul.studies.generation import openai_chat, pump  # noqa: F401 - for their import alone


@worker_shutting_down.connect
def _end(**_: object) -> None:
    _stop.set()


@app.task(name="tasks.generation.pump")
def pump(connection_id: int) -> None:
    """Make what the connection is due; a second job beside it would keep to the same limits."""
    # Only here, since a web process that enqueues needs no client libraries.
    from jeoul.studies.generation.pump import Pump

    queued, running = _marks(connection_id)
    cache.delete(queued)
    if not cache.add(running, 1, _MARK_SECONDS):
        return
    wait = None
    scans = Gathered(scan_outputs.delay)
    try:
        wait = Pump(
            connection_id,
            on_stored=scans,
            on_alive=lambda: cache.set(running, 1, _MARK_SECONDS),
            stop=_stop,
        ).run(_SECONDS)
    finally:
        scans.send()
        cache.delete(running)
    if wait is not None and not _stop.is_set():
        _go_on(connection_id, wait)


def _go_on(connection_id: int, wait: float) -> None:
    """Another job at the moment when something is due; what comes later is the sweep's."""
    if wait <= 0:
        start(connection_id)
    elif wait < settings.SWEEP_SECONDS:
        # Unmarked: what becomes due before it must not wait for it.
        pump.apply_async((connection_id,), countdown=wait)


def _marks(connection_id: int) -> tuple[str, str]:
    return f"pump-queued:{connection_id}", f"pump-running:{connection_id}"


class Gathered:
    """Texts to scan, which opens their comparisons, sent on together: no provider's slot waits.

    A scan of a hundred costs each text half of what a scan of eight does.
    """

    _MOST = 100
    _LONGEST_SECONDS = 0.5

    def __init__(self, send: Callable[[list[int]], object]) -> None:
        self._send, self._ids, self._since = send, list[int](), 0.0

    def __call__(self, output_ids: list[int]) -> None:
        """Add some; what is many or has waited long enough goes."""
        if not self._ids:
            self._since = time.monotonic()
        self._ids += output_ids
        waited = time.monotonic() - self._since
        if len(self._ids) >= self._MOST or waited > self._LONGEST_SECONDS:
            self.send()

    def send(self) -> None:
        """Send on what there is."""
        if self._ids:
            ids, self._ids = self._ids, []
            self._send(ids)


def start(connection_id: int) -> None:
    """Queue the connection's job unless it waits or runs already."""
    queued, running = _marks(connection_id)
    if not cache.get(running) and cache.add(queued, 1, _MARK_SECONDS):
        pump.delay(connection_id)


def enqueue(ids: list[int]) -> None:
    """See to it that these outputs are made soon; losing the queue loses nothing."""
    if ids:
        for connection_id in connections_due(output_ids=ids):
            start(connection_id)

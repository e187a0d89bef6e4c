"""Leasing due outputs to a job, within what their connection and their studies allow."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.postgres.functions import RandomUUID
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from jeoul.studies.generation.asking import Reply
from jeoul.studies.generation.base import ProviderError, Request
from jeoul.studies.generation.estimating import Reservation, chat_for, reserve
from jeoul.studies.generation.limits import Purse, Room, note_replies, room_of
from jeoul.studies.models import Attempt, Connection, Output, OutputState, SystemVersion

# A job renews its leases well within this; a dead one's work is free again after it.
LEASE: Final = timedelta(seconds=45)


@dataclass(frozen=True)
class Lease:
    """An output held by this job, and what to ask for it; ``error`` where nothing can be asked."""

    output: Output
    connection: Connection
    request: Request | None
    reservation: Reservation
    error: ProviderError | None = None

    @property
    def key(self) -> uuid.UUID:
        assert self.output.lease_key is not None  # given when it was taken
        return self.output.lease_key


def due_on(connection: Connection, now: datetime) -> QuerySet[Output]:
    """The connection's due outputs whose study is not paused."""
    due = Output.objects.due(now).filter(system_version__connection=connection)
    return due.exclude(study__generation_paused_at__isnull=False)


@transaction.atomic
def turn(
    *,
    connection_id: int,
    limit: int,
    done: Iterable[tuple[Lease, Reply]] = (),
    lease: timedelta = LEASE,
    only: dict[str, Any] | None = None,
) -> list[Lease]:
    """Give back the places of replies that came, take up to ``limit`` due outputs in their place.

    Locks the connection's row, so that its limits hold over all processes, and the rows of
    studies with a cap. The texts are stored afterwards, while the next requests wait.
    """
    now = timezone.now()
    connection = Connection.objects.select_for_update().get(pk=connection_id)
    done = list(done)
    if done:
        keys = [held.key for held, _ in done]
        Attempt.objects.filter(lease_key__in=keys).update(finished_at=now)
        note_replies(connection, [reply for _, reply in done], now)
    room = room_of(connection, now)
    room.requests = min(room.requests, limit)
    if not room.requests:
        return []
    due = due_on(connection, now).filter(**(only or {}))
    return _taken(connection, due, room, now, lease)


def _taken(
    connection: Connection, due: QuerySet[Output], room: Room, now: datetime, lease: timedelta
) -> list[Lease]:
    """Lease what there is room for; outputs of a study at its cap stay due."""
    leases: list[Lease] = []
    at_cap: set[int] = set()
    while room.requests:
        rows = list(
            due.exclude(study__in=at_cap)
            .exclude(pk__in=[held.output.pk for held in leases])
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("system_version", "prompt")
            .order_by("due_at", "pk")[: room.requests]
        )
        purse = Purse({row.study_id for row in rows if row.study_id is not None} - at_cap)
        known = len(at_cap)
        for row in rows:
            held = _prepared(row, connection)
            if row.study_id in at_cap:
                continue
            if not purse.take(row.study_id, held.reservation.cost):
                assert row.study_id is not None  # only a study has a cap
                at_cap.add(row.study_id)
            elif room.take(held.reservation.tokens):
                leases.append(held)
            else:
                room.requests = 0
                break
        if len(at_cap) == known:
            break
    _store_leases(connection, leases, now, lease)
    return leases


def _prepared(output: Output, connection: Connection) -> Lease:
    version = output.system_version
    version.connection = connection
    try:
        messages = chat_for(version, output.prompt)
    except ProviderError as error:
        return Lease(output, connection, None, reserve(version, []), error)
    request = Request(version.model, messages, sampling_of(version, output.sample))
    return Lease(output, connection, request, reserve(version, messages))


def sampling_of(version: SystemVersion, sample: int) -> dict[str, Any]:
    """The version's settings with the sample's own seed: the k-th would else repeat the first."""
    sampling = dict(version.sampling)
    if sample and "seed" in sampling:
        sampling["seed"] = int(sampling["seed"]) + sample
    return sampling


def _store_leases(
    connection: Connection, leases: list[Lease], now: datetime, lease: timedelta
) -> None:
    if not leases:
        return
    rows = {held.output.pk: held for held in leases}
    outputs = Output.objects.filter(pk__in=rows)
    # A lease that ended belongs to a job that died: its try stays, as lost.
    Attempt.objects.filter(output__in=rows, finished_at=None).update(
        finished_at=now, error_code="lost", error_message="The job ended before the answer came."
    )
    outputs.update(
        state=OutputState.RUNNING,
        attempts=F("attempts") + 1,
        lease_key=RandomUUID(),
        lease_until=now + lease,
    )
    for pk, key, attempts in outputs.values_list("pk", "lease_key", "attempts"):
        output = rows[pk].output
        output.state, output.lease_key, output.attempts = OutputState.RUNNING, key, attempts
        output.lease_until = now + lease
    Attempt.objects.bulk_create(
        Attempt(
            output_id=pk,
            connection=connection,
            study_id=held.output.study_id,
            lease_key=held.key,
            started_at=now,
            tokens=held.reservation.tokens,
            cost=held.reservation.cost,
        )
        for pk, held in rows.items()
    )


def renew(leases: Iterable[Lease], lease: timedelta = LEASE) -> None:
    """Hold on to what is under way."""
    keys = [held.key for held in leases]
    Output.objects.filter(lease_key__in=keys, state=OutputState.RUNNING).update(
        lease_until=timezone.now() + lease
    )


@transaction.atomic
def give_back(leases: Iterable[Lease]) -> None:
    """Make what is under way due again at once: this job is ending."""
    keys = [held.key for held in leases]
    now = timezone.now()
    Attempt.objects.filter(lease_key__in=keys, finished_at=None).update(
        finished_at=now, error_code="lost", error_message="The job ended before the answer came."
    )
    Output.objects.filter(lease_key__in=keys, state=OutputState.RUNNING).update(
        state=OutputState.DUE, due_at=now, lease_key=None, lease_until=None
    )

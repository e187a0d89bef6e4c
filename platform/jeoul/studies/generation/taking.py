"""Leasing due outputs to a job, within what their connection and their studies allow."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, QuerySet
from django.utils import timezone

from jeoul.studies.generation.asking import Reply
from jeoul.studies.generation.base import ProviderError, Request
from jeoul.studies.generation.estimating import Reservation, chat_for, reserve
from jeoul.studies.generation.limits import Purse, Room, may_wait, note_replies, room_of
from jeoul.studies.generation.writing import write_leases, write_tries
from jeoul.studies.models import Attempt, Connection, Output, OutputState, SystemVersion

# A job renews its leases well within this; a dead one's work is free again after it.
LEASE: Final = timedelta(seconds=45)
_LOST: Final = "The job ended before the answer came."


@dataclass(frozen=True)
class Lease:
    """An output held by this job, and what to ask for it; ``error`` where nothing can be asked.

    One with ``waits`` has no place yet: it is asked when an answer of this job frees one.
    """

    output: Output
    connection: Connection
    request: Request | None
    reservation: Reservation
    error: ProviderError | None = None
    waits: bool = False

    @property
    def key(self) -> uuid.UUID:
        assert self.output.lease_key is not None  # given when it was taken
        return self.output.lease_key


@dataclass(frozen=True)
class Turn:
    """What a turn took, and the studies whose cap did not let it take more."""

    leases: list[Lease]
    at_cap: frozenset[int] = frozenset()


def next_due(
    connection: Connection, now: datetime, only: dict[str, Any], at_cap: Iterable[int] = ()
) -> datetime | None:
    """When the connection's next output is due, of a study that is not paused nor at its cap."""
    mine = _askable(only).filter(system_version__connection=connection).exclude(study__in=at_cap)
    ending = mine.filter(state=OutputState.RUNNING, lease_until__lte=now)
    first = mine.filter(state=OutputState.DUE).aggregate(at=Min("due_at"))["at"]
    return now if ending.exists() else first


def _askable(only: dict[str, Any]) -> QuerySet[Output]:
    return Output.objects.filter(**only).exclude(study__generation_paused_at__isnull=False)


@transaction.atomic
def turn(
    *,
    connection_id: int,
    slots: int,
    ahead: int = 0,
    replies: Iterable[Reply] = (),
    begun: Iterable[Lease] = (),
    lease: timedelta = LEASE,
    only: dict[str, Any] | None = None,
) -> Turn:
    """Note what became of the places this job holds; take due outputs for free ones and to wait.

    ``replies`` are stored already, ``begun`` were asked in the place of answers among them. Up to
    ``slots`` outputs are taken to be asked at once, ``ahead`` more to wait for a place. Locks the
    connection's row, so that its limits hold over all processes, and studies with a cap.
    """
    now = timezone.now()
    connection = Connection.objects.select_for_update().get(pk=connection_id)
    keys = [held.key for held in begun]
    if keys:
        Attempt.objects.filter(lease_key__in=keys).update(asked=True, started_at=now)
    note_replies(connection, replies, now)
    room = room_of(connection, now)
    room.requests = min(room.requests, slots)
    at_once = room.requests
    if may_wait(connection):
        room.requests += ahead
    if not room.requests:
        return Turn([])
    leases, at_cap = _taken(connection, _askable(only or {}), room, now)
    leases[at_once:] = [replace(held, waits=True) for held in leases[at_once:]]
    _store_leases(connection, leases, now, lease)
    return Turn(leases, frozenset(at_cap))


def _taken(
    connection: Connection, askable: QuerySet[Output], room: Room, now: datetime
) -> tuple[list[Lease], set[int]]:
    """What there is room for, and the studies at their cap, whose outputs stay due."""
    leases: list[Lease] = []
    at_cap: set[int] = set()
    while room.requests:
        others = askable.exclude(study__in=at_cap).exclude(pk__in=[h.output.pk for h in leases])
        rows = _locked(_next(connection, others, now, room.requests), now)
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
    return leases, at_cap


def _next(
    connection: Connection, askable: QuerySet[Output], now: datetime, number: int
) -> list[int]:
    """Ids of what is due first: what was tried before and is due again, then the oldest.

    Each version's first rows stand in an index; to sort all that is due took a second where
    200,000 were. Leases of dead jobs follow when nothing else is due.
    """
    due = {"state": OutputState.DUE, "due_at__lte": now}
    some = Exists(Output.objects.filter(system_version=OuterRef("pk"), **due))
    versions = SystemVersion.objects.filter(some, connection=connection).values_list(
        "pk", flat=True
    )
    order = ("-attempts", "due_at", "pk")
    parts = [
        askable.filter(system_version=version, **due)
        .order_by(*order)
        .values_list("attempts", "due_at", "pk")[:number]
        for version in versions
    ]
    first = parts[0].union(*parts[1:], all=True) if parts else []
    ids = [pk for _, _, pk in sorted(first, key=lambda row: (-row[0], *row[1:]))][:number]
    if len(ids) < number:
        ended = askable.filter(
            system_version__connection=connection, state=OutputState.RUNNING, lease_until__lte=now
        )
        ids += ended.order_by("lease_until").values_list("pk", flat=True)[: number - len(ids)]
    return ids


def _locked(ids: list[int], now: datetime) -> list[Output]:
    """Those of them that are due still and nobody else is taking, in their order."""
    rows = (
        Output.objects.due(now)
        .filter(pk__in=ids)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("system_version", "prompt")
        .order_by()
    )
    place = {pk: at for at, pk in enumerate(ids)}
    return sorted(rows, key=lambda row: place[row.pk])


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
    again = [held.output.pk for held in leases if held.output.attempts]
    if again:
        # A lease that ended belongs to a job that died: its try stays, as lost.
        Attempt.objects.filter(output__in=again, finished_at=None).update(
            finished_at=now, error_code="lost", error_message=_LOST
        )
    for held in leases:
        output = held.output
        output.state, output.lease_key = OutputState.RUNNING, uuid.uuid4()
        output.lease_until, output.attempts = now + lease, output.attempts + 1
    write_leases([(held.output.pk, held.key) for held in leases], now + lease)
    write_tries(
        (
            held.output.pk, connection.pk, held.output.study_id, held.key, now,
            held.reservation.tokens, held.reservation.cost, not held.waits,
        )
        for held in leases
    )  # fmt: skip


def renew(leases: Iterable[Lease], lease: timedelta = LEASE) -> None:
    """Hold on to what is under way."""
    keys = [held.key for held in leases]
    Output.objects.filter(lease_key__in=keys, state=OutputState.RUNNING).update(
        lease_until=timezone.now() + lease
    )


@transaction.atomic
def give_back(leases: Iterable[Lease]) -> None:
    """Make what is held due again at once; what was never asked leaves no try behind."""
    leases = list(leases)
    keys = [held.key for held in leases if not held.waits]
    now = timezone.now()
    Attempt.objects.filter(lease_key__in=keys, finished_at=None).update(
        finished_at=now, error_code="lost", error_message=_LOST
    )
    Output.objects.filter(lease_key__in=keys, state=OutputState.RUNNING).update(
        state=OutputState.DUE, due_at=now, lease_key=None, lease_until=None
    )
    unasked = [held.key for held in leases if held.waits]
    Attempt.objects.filter(lease_key__in=unasked).delete()
    Output.objects.filter(lease_key__in=unasked, state=OutputState.RUNNING).update(
        state=OutputState.DUE, attempts=F("attempts") - 1, lease_key=None, lease_until=None
    )

"""A worker's standing in the work itself, and what is said about it between them and the team."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import AuditEvent, User
from jeoul.base import DomainError, InvalidInput
from jeoul.quality.models import Exclusion
from jeoul.studies.models import Study
from jeoul.workers.models import Enrolment, Worker, WorkerState

# So that a contest can't be a flood: as many words in a row may wait for an answer.
MOST_WAITING: Final = 3
LONGEST: Final = 2000
# What the worker may read of their own trail; decisions on signals are not messages to them.
_TOLD: Final = ("worker.message", "worker.contest", "worker.answer")


class AnswerAwaited(DomainError):
    """The worker has said enough for now: a person has to answer first."""

    code = "answer_awaited"


@dataclass(frozen=True)
class Said:
    """One word of the exchange; ``own`` where the worker said it."""

    text: str
    own: bool
    at: datetime


@transaction.atomic
def set_standing(
    *, study: Study, worker: Worker, state: str, reason: str, actor: User
) -> WorkerState:
    """Pause or end a worker's work in all studies, or let them work again; it lifts no payment.

    What they did stays, counts and is paid: leaving it out is ``exclude_worker``.
    """
    if state not in WorkerState.values:
        raise InvalidInput(_("Choose active, paused or removed."), field="state")
    if not reason.strip() and state != WorkerState.ACTIVE:
        raise InvalidInput(_("The worker is told why: give a reason."), field="reason")
    locked = Worker.objects.select_for_update().get(pk=worker.pk)
    locked.state = WorkerState(state)
    locked.state_reason = reason.strip()[:500] if state != WorkerState.ACTIVE else ""
    locked.save(update_fields=["state", "state_reason"])
    record(
        actor=actor,
        verb=f"worker.{state}",
        target=worker,
        study_uuid=study.uuid,
        data={"reason": reason.strip()},
    )
    return WorkerState(state)


@transaction.atomic
def contest(*, enrolment: Enrolment, text: str) -> None:
    """Keep what a worker says to a decision about them. Locks the enrolment."""
    if not text.strip():
        raise InvalidInput(_("Write what you want to say."), field="text")
    if len(text.strip()) > LONGEST:
        raise InvalidInput(_("That is too long; 2,000 characters fit."), field="text")
    Enrolment.objects.select_for_update().get(pk=enrolment.pk)
    if _waiting(said_with(enrolment)) >= MOST_WAITING:
        raise AnswerAwaited(_("You have written several times; please wait for an answer."))
    record(
        actor=None,
        verb="worker.contest",
        target=enrolment.worker,
        study_uuid=enrolment.study.uuid,
        data={"text": text.strip(), "by": "worker"},
    )


def said_with(enrolment: Enrolment) -> list[Said]:
    """The exchange with a worker about their part in the study, the oldest first."""
    rows = AuditEvent.objects.filter(
        study_uuid=enrolment.study.uuid, object_uuid=enrolment.worker.uuid, verb__in=_TOLD
    ).order_by("pk")
    return [
        Said(event.data.get("text", ""), event.verb == "worker.contest", event.created_at)
        for event in rows
    ]


def left_out_because(enrolment: Enrolment) -> str:
    """Why the worker's answers do not count in this study; empty where they do."""
    found = Exclusion.objects.filter(
        study=enrolment.study_id, worker=enrolment.worker_id, lifted_at=None
    ).first()
    return found.reason if found else ""


def _waiting(said: list[Said]) -> int:
    """How many words of the worker's stand at the end without an answer."""
    return next((n for n, word in enumerate(reversed(said)) if not word.own), len(said))


def contests_waiting(study: Study) -> list[str]:
    """Pseudonyms of those whose last word about their part nobody has answered."""
    rows = (
        AuditEvent.objects.filter(study_uuid=study.uuid, verb__in=_TOLD)
        .order_by("pk")
        .values_list("object_uuid", "verb")
    )
    last: dict[UUID | None, str] = dict(rows)
    waiting = [uuid for uuid, verb in last.items() if uuid and verb == "worker.contest"]
    return list(
        Worker.objects.filter(uuid__in=waiting)
        .order_by("pseudonym")
        .values_list("pseudonym", flat=True)
    )

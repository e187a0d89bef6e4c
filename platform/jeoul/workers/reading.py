"""The enrolment of a worker's address with all that a page of theirs needs, by one statement."""

from collections.abc import Sequence
from typing import Any, Final

from jeoul.prepared import Statement, columns, read, width
from jeoul.studies.models import Study
from jeoul.workers.models import Enrolment, Invite, Worker

# An enrolment with its study, its worker and its invitation, as ``read_enrolment`` takes them.
COLUMNS: Final = ", ".join(
    columns(model, alias)
    for model, alias in ((Enrolment, "e"), (Study, "s"), (Worker, "w"), (Invite, "i"))
)
JOINED: Final = """
    workers_enrolment e
    JOIN studies_study s ON s.id = e.study_id
    JOIN workers_worker w ON w.id = e.worker_id
    JOIN workers_invite i ON i.id = e.invite_id
"""
_DOOR: Final = Statement(
    "jeoul_door",
    f"SELECT {COLUMNS} FROM {JOINED} "  # noqa: S608 - our own columns
    "WHERE e.uuid = $1::uuid AND e.token_round = $2 AND e.revoked_at IS NULL",
)


def read_enrolment(row: Sequence[Any]) -> Enrolment:
    """The enrolment of a row of COLUMNS."""
    enrolment = read(Enrolment, row)
    at = width(Enrolment)
    enrolment.study = read(Study, row, at)
    at += width(Study)
    enrolment.worker = read(Worker, row, at)
    at += width(Worker)
    enrolment.invite = read(Invite, row, at)
    return enrolment


def find_enrolment(uuid: str, token_round: int) -> Enrolment | None:
    """The enrolment that a token names, unless its link was ended."""
    row = _DOOR.row(uuid, token_round)
    return read_enrolment(row) if row else None

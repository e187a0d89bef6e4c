"""The enrolment of a worker's address with all that a page of theirs needs, by one statement."""

from collections.abc import Sequence
from typing import Any, Final

from jeoul.prepared import Columns, Statement, join
from jeoul.studies.models import Study
from jeoul.workers.models import Enrolment, Invite, Worker

ENROLMENTS: Final = Columns(Enrolment, "consent_hash", "consented_at", "created_at", "session_id")
# Without the long texts and the plan: each judgement reads this row twice.
STUDIES: Final = Columns(
    Study, "uuid", "created_at", "slug", "question", "prompt_set_version_id", "design", "samples",
    "risk_policy", "contamination", "languages", "instructions", "consent_text", "help_text",
    "ethics_reference", "completion", "pay_floor_per_hour", "budget", "generation_cap",
    "generation_paused_at", "smallest_difference", "pilot_prompts", "gate", "plan", "plan_hash",
    "imported",
)  # fmt: skip
WORKERS: Final = Columns(Worker, "uuid", "created_at", "state_reason")
INVITES: Final = Columns(Invite, "uuid", "created_at", "token", "closed_at", "completion")
# An enrolment with its study, its worker and its invitation, as ``read_enrolment`` takes them.
COLUMNS: Final = ", ".join((ENROLMENTS.of("e"), STUDIES.of("s"), WORKERS.of("w"), INVITES.of("i")))
WIDTH: Final = sum(part.width for part in (ENROLMENTS, STUDIES, WORKERS, INVITES))
JOINED: Final = """
    workers_enrolment e
    JOIN studies_study s ON s.id = e.study_id
    JOIN workers_worker w ON w.id = e.worker_id
    JOIN workers_invite i ON i.id = e.invite_id
"""
# $1 the enrolment's uuid, $2 its round, as they stand in a token.
NAMED: Final = "e.uuid = $1::uuid AND e.token_round = $2 AND e.revoked_at IS NULL"
_DOOR: Final = Statement(
    "jeoul_door",
    f"SELECT {COLUMNS} FROM {JOINED} WHERE {NAMED}",  # noqa: S608 - our own columns
    first=True,
)


def read_enrolment(row: Sequence[Any]) -> Enrolment:
    """The enrolment of a row of COLUMNS."""
    enrolment, at = ENROLMENTS.read(row), ENROLMENTS.width
    study, at = STUDIES.read(row, at), at + STUDIES.width
    worker, at = WORKERS.read(row, at), at + WORKERS.width
    join(enrolment, study=study, worker=worker, invite=INVITES.read(row, at))
    return enrolment


def find_enrolment(uuid: str, token_round: int) -> Enrolment | None:
    """The enrolment that a token names, unless its link was ended."""
    row = _DOOR.row(uuid, token_round)
    return read_enrolment(row) if row else None

"""Claim, submit and revise: with holding.py the only writers of assignments and judgements."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from jeoul.base import InvalidInput
from jeoul.comparisons import statements
from jeoul.comparisons.choosing import Choice, choose_comparison
from jeoul.comparisons.first_steps import after_known, first_step
from jeoul.comparisons.holding import close_assignment, reserve
from jeoul.comparisons.limits import cap_reached, more_may_come
from jeoul.comparisons.models import (
    Answer,
    Assignment,
    AssignmentState,
    Comparison,
    Judgement,
    Kind,
    Remark,
    Telemetry,
)
from jeoul.comparisons.pace import faster_than
from jeoul.comparisons.reading import read_held
from jeoul.comparisons.refusals import (
    AlreadyJudged,
    AssignmentExpired,
    InFlight,
    KeyReused,
    NothingLeft,
    StudyNotOpen,
)
from jeoul.prepared import join
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Study, StudyState
from jeoul.workers.models import Enrolment, Stage, WorkerState
from jeoul.workers.reading import ENROLMENTS, read_enrolment

__all__ = [
    "AlreadyJudged",
    "AssignmentExpired",
    "InFlight",
    "KeyReused",
    "NothingLeft",
    "Said",
    "StudyNotOpen",
    "claim_comparison",
    "nothing_to_come",
    "revise_judgement",
    "submit_and_claim",
    "submit_judgement",
]


@dataclass(frozen=True)
class Said:
    """One criterion's answer as it came in, already checked against its scale."""

    criterion_id: int
    outcome: int
    grade: int | None
    chips: list[str] = field(default_factory=list)
    text: str = ""


def _must_work(enrolment: Enrolment, study: Study) -> None:
    if enrolment.revoked_at or enrolment.worker.state != WorkerState.ACTIVE:
        raise StudyNotOpen(_("This link has been ended by the organisers."))
    if study.state != StudyState.RUNNING:
        raise StudyNotOpen(_("This study does not take answers at the moment."))
    if enrolment.stage not in {Stage.CONSENTED, Stage.WORKING}:
        raise StudyNotOpen(_("Please agree to take part first."))


@transaction.atomic
def claim_comparison(*, enrolment_id: int, now: datetime | None = None) -> Assignment:
    """Give the worker what they hold, or reserve the next comparison for them.

    Locks the enrolment first, then one comparison with SKIP LOCKED, in this order everywhere.
    Raises StudyNotOpen, NothingLeft or InFlight.
    """
    return _claim_anew(enrolment_id, now or timezone.now())


def _claim_anew(enrolment_id: int, now: datetime) -> Assignment:
    row = statements.ENROLMENT.row(enrolment_id)
    if row is None:
        raise Enrolment.DoesNotExist
    enrolment = read_enrolment(row)
    return _held(enrolment, now) or _claim(enrolment, now)


def _held(enrolment: Enrolment, now: datetime) -> Assignment | None:
    """What the worker holds; what has run out is handed back."""
    row = statements.HELD.row(enrolment.pk)
    if row is None:
        return None
    held = read_held(row, enrolment)
    if held.expires_at > now:
        return held
    # A submit that holds it wants the enrolment next, which is ours: waiting would never end.
    _lock(held)
    close_assignment(assignment=held, state=AssignmentState.EXPIRED, now=now)
    return None


def _claim(enrolment: Enrolment, now: datetime) -> Assignment:
    """Reserve the next comparison for a worker who holds none and whose enrolment is locked."""
    study = enrolment.study
    _must_work(enrolment, study)
    first = first_step(enrolment=enrolment, study=study, now=now)
    if first is not None:
        choice = Choice(first.comparison, "first", showing=first.repeat)
        return reserve(enrolment, study, choice, now)
    if cap_reached(enrolment=enrolment, study=study):
        raise NothingLeft(final=True)
    chosen = choose_comparison(enrolment=enrolment, study=study)
    if chosen is None:
        raise NothingLeft(final=not more_may_come(enrolment=enrolment, study=study))
    return reserve(enrolment, study, chosen, now)


def nothing_to_come(*, enrolment: Enrolment) -> bool:
    """Whether a worker who arrives now would find nothing, now or later."""
    study = enrolment.study
    if study.state in {StudyState.CLOSED, StudyState.ARCHIVED}:
        return True
    built = Comparison.objects.filter(study=study, kind=Kind.REAL).exists()
    return built and not more_may_come(enrolment=enrolment, study=study)


@transaction.atomic
def submit_judgement(
    *,
    assignment: Assignment,
    client_key: uuid.UUID,
    answers: list[Said],
    telemetry: dict[str, int | None] | None = None,
    now: datetime | None = None,
) -> tuple[Judgement, bool]:
    """Store what the worker said, once; returns the judgement and whether it is new.

    Locks the assignment without waiting: a second submit while the first is in work is refused
    with InFlight. The same key with the same answers gives the stored judgement again, with
    other answers KeyReused. A reservation that ran out is renewed if its place is still free,
    else AssignmentExpired; a judgement is stored or refused aloud.
    """
    judgement, mine = _submit(assignment, client_key, answers, telemetry, now or timezone.now())
    return judgement, mine is not None


@transaction.atomic
def submit_and_claim(
    *,
    assignment: Assignment,
    client_key: uuid.UUID,
    answers: list[Said],
    telemetry: dict[str, int | None] | None = None,
) -> Assignment | NothingLeft | StudyNotOpen:
    """Store what the worker said and reserve their next comparison, in one transaction.

    Locks and refusals as in submit_judgement. That nothing comes next is an answer here, not an
    error, since the judgement is stored all the same.
    """
    now = timezone.now()
    _, enrolment = _submit(assignment, client_key, answers, telemetry, now)
    try:
        if enrolment is None:
            return _claim_anew(assignment.enrolment_id, now)
        # A reservation that had ended may have made room for another one.
        held = None if assignment.state == AssignmentState.RESERVED else _held(enrolment, now)
        return held or _claim(enrolment, now)
    except (NothingLeft, StudyNotOpen) as nothing:
        return nothing


def _submit(
    held: Assignment,
    client_key: uuid.UUID,
    answers: list[Said],
    telemetry: dict[str, int | None] | None,
    now: datetime,
) -> tuple[Judgement, Enrolment | None]:
    """The judgement, and if it is new the worker's enrolment, locked and up to date."""
    earlier = _lock(held, client_key)
    payload = _payload_hash(answers)
    if earlier is not None:
        if earlier.payload_hash != payload:
            raise KeyReused(
                _("This answer was already sent with another content; reload the page.")
            )
        return earlier, None
    if held.state == AssignmentState.SUBMITTED:
        raise AlreadyJudged(_("This comparison is already answered; use “change my last answer”."))
    if held.state != AssignmentState.RESERVED or held.expires_at <= now:
        _take_back(held, now)
    judgement, enrolment = _store_first(held, client_key, payload, answers, telemetry, now)
    if held.comparison.kind != Kind.REAL:
        after_known(enrolment=enrolment, kind=held.comparison.kind, now=now)
    return judgement, enrolment


def _lock(held: Assignment, client_key: uuid.UUID | None = None) -> Judgement | None:
    """Lock the assignment without waiting and bring it up to date; its judgement of this key."""
    try:
        row = statements.LOCK_ASSIGNMENT.row(held.pk, client_key)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") == "55P03":
            raise InFlight(
                _("This answer is being saved already; please wait a moment.")
            ) from error
        raise
    assert row
    held.state, held.expires_at, earlier = row
    if earlier is None and held.state == AssignmentState.SUBMITTED and client_key:
        # Stored between this statement's beginning and its lock: look again.
        return Judgement.objects.filter(assignment=held, client_key=client_key).first()
    return Judgement.objects.get(pk=earlier) if earlier else None


def _take_back(held: Assignment, now: datetime) -> None:
    """Give an ended reservation its place again for the answer in hand, if one is free."""
    if held.state == AssignmentState.RESERVED:
        return  # over its time but not yet swept: the place is still ours
    if held.state == AssignmentState.SKIPPED:
        raise AssignmentExpired(_("You skipped this comparison, so it can't be answered any more."))
    _must_have_room(held)
    taken = held.repeat or Comparison.objects.filter(
        pk=held.comparison_id, taken__lt=F("target")
    ).update(taken=F("taken") + 1)
    again = Assignment.objects.filter(
        Q(comparison=held.comparison_id) | Q(state=AssignmentState.RESERVED),
        enrolment=held.enrolment_id,
        state__in=[AssignmentState.RESERVED, AssignmentState.SUBMITTED, AssignmentState.SKIPPED],
    ).exists()
    if not taken or again:
        raise AssignmentExpired(
            _("The time for this comparison was over and someone else has answered it.")
        )


def _must_have_room(held: Assignment) -> None:
    """Its place under the caps went with the reservation; they hold for late answers, too.

    Locks the enrolment before the caps, as a claim does.
    """
    if held.comparison.kind in {Kind.TRAINING, Kind.QUALIFICATION}:
        return
    row = statements.ENROLMENT.row(held.enrolment_id)
    assert row
    worker = read_enrolment(row)
    if cap_reached(enrolment=worker, study=worker.study):
        raise AssignmentExpired(
            _("The time for this comparison was over and all that was planned is answered.")
        )


def _payload_hash(answers: list[Said]) -> str:
    return content_hash(
        sorted((a.criterion_id, a.outcome, a.grade, a.chips, a.text) for a in answers)
    )


def _judgement(
    held: Assignment,
    client_key: uuid.UUID,
    payload: str,
    answers: list[Said],
    now: datetime,
    supersedes: Judgement | None,
) -> Judgement:
    if not answers:
        raise InvalidInput(_("An answer to at least one question is needed."))
    return Judgement(
        study_id=held.enrolment.study_id,
        comparison_id=held.comparison_id,
        assignment=held,
        worker_id=held.enrolment.worker_id,
        supersedes=supersedes,
        client_key=client_key,
        payload_hash=payload,
        judged_at=now,
        seconds=(now - held.reserved_at).total_seconds(),
        a_on_left=held.a_on_left,
        simulated=held.enrolment.worker.simulated,
    )


def _store_first(
    held: Assignment,
    client_key: uuid.UUID,
    payload: str,
    answers: list[Said],
    telemetry: dict[str, int | None] | None,
    now: datetime,
) -> tuple[Judgement, Enrolment]:
    """The first judgement of an assignment and all that it moves, in one statement."""
    judgement = _judgement(held, client_key, payload, answers, now, None)
    row = statements.STORE.row(
        held.pk,
        held.comparison_id,
        held.enrolment_id,
        now,
        not held.repeat,
        [said.criterion_id for said in answers],
        [said.outcome for said in answers],
        [said.grade for said in answers],
        [json.dumps(said.chips) for said in answers],
        bool(telemetry),
        faster_than((telemetry or {}).get("visible_ms"), held.least_ms),
        *((telemetry or {}).get(name) for name in statements.MEASURED),
        *statements.values_of(judgement),
    )
    assert row
    judgement.pk, judgement._state.adding = row[0], False
    _store_remarks(judgement, answers)
    before, enrolment = held.enrolment, ENROLMENTS.read(row, 1)
    join(enrolment, study=before.study, worker=before.worker, invite=before.invite)
    return judgement, enrolment


def _store_remarks(judgement: Judgement, answers: list[Said]) -> None:
    remarks = [
        Remark(judgement=judgement, criterion_id=said.criterion_id, text=said.text)
        for said in answers
        if said.text
    ]
    if remarks:
        Remark.objects.bulk_create(remarks)


@transaction.atomic
def revise_judgement(
    *,
    assignment: Assignment,
    client_key: uuid.UUID,
    answers: list[Said],
    telemetry: dict[str, int | None] | None = None,
) -> Judgement:
    """Change a submitted answer by a new row that supersedes the one in force."""
    held = assignment
    _lock(held)
    payload = _payload_hash(answers)
    current = Judgement.objects.filter(assignment=held, superseded_by=None).order_by("-id").first()
    if current is None:
        raise AssignmentExpired(_("There is no answer to change here."))
    if current.client_key == client_key:
        if current.payload_hash != payload:
            raise KeyReused(
                _("This answer was already sent with another content; reload the page.")
            )
        return current
    if held.enrolment.study.state != StudyState.RUNNING:
        raise StudyNotOpen(_("This study does not take answers at the moment."))
    judgement = _judgement(held, client_key, payload, answers, timezone.now(), current)
    judgement.save(force_insert=True)
    Answer.objects.bulk_create(
        Answer(
            judgement=judgement,
            criterion_id=said.criterion_id,
            outcome=said.outcome,
            grade=said.grade,
            chips=said.chips,
        )
        for said in answers
    )
    _store_remarks(judgement, answers)
    if telemetry:
        Telemetry.objects.create(judgement=judgement, **telemetry)
    return judgement

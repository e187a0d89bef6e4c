"""Claim, submit, skip, release, expire: the only writers of assignments and judgements."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from jeoul.base import DomainError, InvalidInput
from jeoul.comparisons.choosing import choose_comparison
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
from jeoul.comparisons.pairing import a_goes_left
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Study, StudyState
from jeoul.workers.models import Enrolment, Stage, WorkerState


class StudyNotOpen(DomainError):
    code = "study_not_open"


class NothingLeft(DomainError):
    """No comparison is left for this worker, now or for good (``final``)."""

    code = "nothing_left"

    def __init__(self, *, final: bool) -> None:
        super().__init__(_("There is nothing left to compare."), final=final)
        self.final = final


class AssignmentExpired(DomainError):
    code = "assignment_expired"


class AlreadyJudged(DomainError):
    code = "already_judged"


class KeyReused(DomainError):
    code = "key_reused"
    status = 422


class InFlight(DomainError):
    code = "in_flight"


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
    Raises StudyNotOpen or NothingLeft.
    """
    now = now or timezone.now()
    enrolment = (
        Enrolment.objects.select_for_update(of=("self",))
        .select_related("study", "worker")
        .get(pk=enrolment_id)
    )
    study = enrolment.study
    held = (
        Assignment.objects.filter(enrolment=enrolment, state=AssignmentState.RESERVED)
        .select_related("comparison")
        .first()
    )
    if held and held.expires_at > now:
        return held
    if held:
        close_assignment(assignment=held, state=AssignmentState.EXPIRED, now=now)
    _must_work(enrolment, study)
    comparison = choose_comparison(enrolment=enrolment, study=study)
    if comparison is None:
        raise NothingLeft(final=_nothing_comes(study, enrolment))
    return _reserve(enrolment, study, comparison, now)


def _reserve(
    enrolment: Enrolment, study: Study, comparison: Comparison, now: datetime
) -> Assignment:
    left = _sides(enrolment, comparison)
    assignment = Assignment.objects.create(
        comparison=comparison,
        enrolment=enrolment,
        a_on_left=a_goes_left(
            shown_left=left[0],
            shown_right=left[1],
            planned=comparison.a_first,
            turn=comparison.taken,
        ),
        reserved_at=now,
        expires_at=now + timedelta(minutes=study.reservation_minutes),
        client_key=uuid.uuid4(),
    )
    Comparison.objects.filter(pk=comparison.pk).update(taken=F("taken") + 1)
    return assignment


def _sides(enrolment: Enrolment, comparison: Comparison) -> tuple[int, int]:
    counts = Assignment.objects.filter(
        enrolment=enrolment,
        comparison__system_a=comparison.system_a_id,
        comparison__system_b=comparison.system_b_id,
        state__in=[AssignmentState.RESERVED, AssignmentState.SUBMITTED],
    ).aggregate(
        left=Count("pk", filter=Q(a_on_left=True)), right=Count("pk", filter=Q(a_on_left=False))
    )
    return counts["left"], counts["right"]


def _nothing_comes(study: Study, enrolment: Enrolment) -> bool:
    """Whether nothing can come later: the cap is reached, or no place is open or held."""
    if study.worker_cap is not None and enrolment.submitted >= study.worker_cap:
        return True
    seen = Assignment.objects.filter(
        enrolment=enrolment, state__in=[AssignmentState.SUBMITTED, AssignmentState.SKIPPED]
    ).values("comparison_id")
    return (
        not Comparison.objects.filter(study=study, kind=Kind.REAL, judged__lt=F("target"))
        .exclude(pk__in=seen)
        .exclude(output_a__state="failed")
        .exclude(output_b__state="failed")
        .exists()
    )


def close_assignment(
    *, assignment: Assignment, state: AssignmentState, now: datetime, reason: str = ""
) -> bool:
    """End a reservation without a judgement and free its place; False if it was not held."""
    ended = Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.RESERVED).update(
        state=state, closed_at=now, skip_reason=reason
    )
    if ended:
        Comparison.objects.filter(pk=assignment.comparison_id).update(taken=F("taken") - 1)
    return bool(ended)


@transaction.atomic
def skip_assignment(*, assignment: Assignment, reason: str) -> None:
    """Hand a comparison back for good: this worker does not get it again."""
    close_assignment(
        assignment=assignment,
        state=AssignmentState.SKIPPED,
        now=timezone.now(),
        reason=reason[:50],
    )


@transaction.atomic
def release_assignment(*, assignment: Assignment) -> None:
    """Hand a comparison back for now, as on a break."""
    close_assignment(assignment=assignment, state=AssignmentState.RELEASED, now=timezone.now())


def extend_assignment(*, assignment: Assignment, now: datetime | None = None) -> None:
    """Keep a reservation while its page is open."""
    now = now or timezone.now()
    minutes = assignment.enrolment.study.reservation_minutes
    Assignment.objects.filter(
        pk=assignment.pk, state=AssignmentState.RESERVED, expires_at__gt=now
    ).update(expires_at=now + timedelta(minutes=minutes))


def expire_assignments(*, now: datetime | None = None, batch: int = 500) -> int:
    """Free the places of reservations whose time is over; returns how many."""
    now = now or timezone.now()
    with transaction.atomic():
        over = list(
            Assignment.objects.expired(now)
            .select_for_update(skip_locked=True)
            .order_by("pk")[:batch]
        )
        return sum(
            close_assignment(assignment=held, state=AssignmentState.EXPIRED, now=now)
            for held in over
        )


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
    now = now or timezone.now()
    held = _lock_assignment(assignment.pk)
    payload = _payload_hash(answers)
    earlier = Judgement.objects.filter(assignment=held, client_key=client_key).first()
    if earlier:
        if earlier.payload_hash != payload:
            raise KeyReused(
                _("This answer was already sent with another content; reload the page.")
            )
        return earlier, False
    if held.state == AssignmentState.SUBMITTED:
        raise AlreadyJudged(_("This comparison is already answered; use “change my last answer”."))
    if held.state != AssignmentState.RESERVED or held.expires_at <= now:
        _take_back(held, now)
    judgement = _store(held, client_key, payload, answers, telemetry, now, None)
    Assignment.objects.filter(pk=held.pk).update(
        state=AssignmentState.SUBMITTED, closed_at=now, draft={}
    )
    Comparison.objects.filter(pk=held.comparison_id).update(judged=F("judged") + 1)
    Enrolment.objects.filter(pk=held.enrolment_id).update(
        submitted=F("submitted") + 1, stage=Stage.WORKING
    )
    return judgement, True


def _lock_assignment(pk: int) -> Assignment:
    try:
        with transaction.atomic():
            return (
                Assignment.objects.select_for_update(of=("self",), nowait=True)
                .select_related("comparison", "enrolment__study", "enrolment__worker")
                .get(pk=pk)
            )
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", "") == "55P03":
            raise InFlight(
                _("This answer is being saved already; please wait a moment.")
            ) from error
        raise


def _take_back(held: Assignment, now: datetime) -> None:
    """Give an ended reservation its place again for the answer in hand, if one is free."""
    if held.state == AssignmentState.RESERVED:
        return  # over its time but not yet swept: the place is still ours
    if held.state == AssignmentState.SKIPPED:
        raise AssignmentExpired(_("You skipped this comparison, so it can't be answered any more."))
    taken = Comparison.objects.filter(pk=held.comparison_id, taken__lt=F("target")).update(
        taken=F("taken") + 1
    )
    again = Assignment.objects.filter(
        Q(comparison=held.comparison_id) | Q(state=AssignmentState.RESERVED),
        enrolment=held.enrolment_id,
        state__in=[AssignmentState.RESERVED, AssignmentState.SUBMITTED, AssignmentState.SKIPPED],
    ).exists()
    if not taken or again:
        raise AssignmentExpired(
            _("The time for this comparison was over and someone else has answered it.")
        )


def _payload_hash(answers: list[Said]) -> str:
    return content_hash(
        sorted((a.criterion_id, a.outcome, a.grade, a.chips, a.text) for a in answers)
    )


def _store(
    held: Assignment,
    client_key: uuid.UUID,
    payload: str,
    answers: list[Said],
    telemetry: dict[str, int | None] | None,
    now: datetime,
    supersedes: Judgement | None,
) -> Judgement:
    if not answers:
        raise InvalidInput(_("An answer to at least one question is needed."))
    judgement = Judgement.objects.create(
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
    remarks = [
        Remark(judgement=judgement, criterion_id=said.criterion_id, text=said.text)
        for said in answers
        if said.text
    ]
    if remarks:
        Remark.objects.bulk_create(remarks)
    if telemetry:
        Telemetry.objects.create(judgement=judgement, **telemetry)
    return judgement


@transaction.atomic
def revise_judgement(
    *,
    assignment: Assignment,
    client_key: uuid.UUID,
    answers: list[Said],
    telemetry: dict[str, int | None] | None = None,
) -> Judgement:
    """Change a submitted answer by a new row that supersedes the one in force."""
    held = _lock_assignment(assignment.pk)
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
    return _store(held, client_key, payload, answers, telemetry, timezone.now(), current)


def save_draft(*, assignment: Assignment, draft: dict[str, object]) -> None:
    """Keep a half-made answer."""
    Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.RESERVED).update(draft=draft)

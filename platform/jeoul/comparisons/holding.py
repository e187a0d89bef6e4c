"""A reservation: made, kept, skipped, handed back, run out; actions.py is what answers it."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from jeoul.comparisons import statements
from jeoul.comparisons.choosing import Choice
from jeoul.comparisons.models import Assignment, AssignmentState, Comparison
from jeoul.comparisons.pace import least_seconds
from jeoul.comparisons.pairing import a_goes_left
from jeoul.comparisons.reading import comparison_with_texts
from jeoul.studies.models import Study
from jeoul.workers.models import Enrolment

# Reasons for which a skipped comparison is paid like a judged one.
CONTENT_DECLINED: Final = "content_declined"
REPORTED: Final = "reported"
# A reload and a look at the instructions leave the page, too.
KEPT_ON_LEAVING: Final = timedelta(minutes=5)
EXCUSED: Final = frozenset({CONTENT_DECLINED, REPORTED})


def reserve(enrolment: Enrolment, study: Study, choice: Choice, now: datetime) -> Assignment:
    """Give the chosen comparison its sides and this worker; the enrolment is locked."""
    comparison = choice.comparison
    pair = f"{comparison.system_a_id}:{comparison.system_b_id}"
    lead = enrolment.sides.get(pair, 0)
    if choice.a_was_left is None:
        a_on_left = a_goes_left(lead=lead, planned=comparison.a_first, turn=comparison.taken)
    else:
        a_on_left = not choice.a_was_left
    assignment = Assignment(
        comparison=comparison,
        enrolment=enrolment,
        repeat=choice.repeat,
        a_on_left=a_on_left,
        reserved_at=now,
        expires_at=now + timedelta(minutes=study.reservation_minutes),
        client_key=uuid.uuid4(),
        least_ms=_least_ms(comparison) if study.nudges else None,
    )
    sides = enrolment.sides | {pair: lead + (1 if a_on_left else -1)}
    kinds = [choice.slot == slot for slot in ("real", "gold", "repeat")]
    row = statements.RESERVE.row(
        enrolment.pk,
        comparison.pk,
        choice.counts,
        *map(int, kinds),
        json.dumps(sides),
        *statements.values_of(assignment),
    )
    assert row
    assignment.pk = row[0]
    assignment._state.adding = False
    return assignment


def _least_ms(comparison: Comparison) -> int:
    """How long a very fast reader needs for both answers."""
    shown = comparison_with_texts(comparison)
    return round(1000 * least_seconds(shown.output_a.text, shown.output_b.text))


def close_assignment(
    *, assignment: Assignment, state: AssignmentState, now: datetime, reason: str = ""
) -> bool:
    """End a reservation without a judgement and free its place; False if it was not held."""
    ended = Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.RESERVED).update(
        state=state, closed_at=now, skip_reason=reason
    )
    if ended and not assignment.repeat:
        Comparison.objects.filter(pk=assignment.comparison_id).update(taken=F("taken") - 1)
    return bool(ended)


@transaction.atomic
def skip_assignment(*, assignment: Assignment, reason: str) -> None:
    """Hand a comparison back for good: this worker does not get it again.

    What was announced and left out, or reported, counts as work done: see EXCUSED.
    """
    skipped = close_assignment(
        assignment=assignment,
        state=AssignmentState.SKIPPED,
        now=timezone.now(),
        reason=reason[:50],
    )
    if skipped and reason in EXCUSED:
        Enrolment.objects.filter(pk=assignment.enrolment_id).update(excused=F("excused") + 1)


@transaction.atomic
def release_assignment(*, assignment: Assignment) -> None:
    """Hand a comparison back for now, as on a break."""
    close_assignment(assignment=assignment, state=AssignmentState.RELEASED, now=timezone.now())


def extend_assignment(*, assignment: Assignment, now: datetime | None = None) -> bool:
    """Keep a reservation while its page is open; False if it has ended."""
    now = now or timezone.now()
    until = now + timedelta(minutes=assignment.enrolment.study.reservation_minutes)
    kept = Assignment.objects.filter(
        pk=assignment.pk, state=AssignmentState.RESERVED, expires_at__gt=now
    ).update(expires_at=until)
    if kept:
        assignment.expires_at = until
    return bool(kept)


def leave_assignment(*, assignment: Assignment, now: datetime | None = None) -> None:
    """The page is closed: its place is another's soon, unless it is opened again before."""
    soon = (now or timezone.now()) + KEPT_ON_LEAVING
    Assignment.objects.filter(
        pk=assignment.pk, state=AssignmentState.RESERVED, expires_at__gt=soon
    ).update(expires_at=soon)


def expire_assignments(*, now: datetime | None = None, batch: int = 500) -> int:
    """Free the places of reservations whose time is over; returns how many."""
    now = now or timezone.now()
    with transaction.atomic():
        over = list(
            Assignment.objects.expired(now)
            .select_for_update(skip_locked=True)
            .order_by("pk")[:batch]
        )
        # In the order of the key, as every writer of many comparisons takes them.
        places = Comparison.objects.filter(pk__in=[held.comparison_id for held in over])
        list(places.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        return sum(
            close_assignment(assignment=held, state=AssignmentState.EXPIRED, now=now)
            for held in over
        )


def save_draft(*, assignment: Assignment, draft: dict[str, object]) -> None:
    """Keep a half-made answer."""
    Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.RESERVED).update(draft=draft)

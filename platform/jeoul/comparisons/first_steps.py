"""Before a worker's first counted comparison: practice with lessons, then a trial to be passed."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from jeoul.comparisons.models import Answer, Assignment, AssignmentState, Comparison, Kind
from jeoul.studies.models import A_WINS, B_WINS, Study
from jeoul.workers.actions import finish
from jeoul.workers.models import Enrolment, Stage


@dataclass(frozen=True)
class FirstStep:
    """A known item to be shown now; a later try shows it as a declared repeat."""

    comparison: Comparison
    repeat: int


@dataclass(frozen=True)
class Trial:
    """How far a worker is in the present try of the qualification."""

    items: int
    done: int
    tries_left: int


def first_step(*, enrolment: Enrolment, study: Study, now: datetime) -> FirstStep | None:
    """The next practice or trial item; None once both are behind. The caller holds the lock.

    That they are behind is stored, so that the work itself asks nothing of this again.
    """
    if enrolment.prepared_at is not None:
        return None
    step = _practice(enrolment, study) or _trial_item(enrolment, study)
    if step is None:
        enrolment.prepared_at = now
        Enrolment.objects.filter(pk=enrolment.pk).update(prepared_at=now)
    return step


def _practice(enrolment: Enrolment, study: Study) -> FirstStep | None:
    item = (
        Comparison.objects.filter(study=study, kind=Kind.TRAINING)
        .exclude(pk__in=_assigned(enrolment, AssignmentState.SUBMITTED, AssignmentState.SKIPPED))
        .order_by("position")
        .first()
    )
    return FirstStep(item, 0) if item else None


def _trial_item(enrolment: Enrolment, study: Study) -> FirstStep | None:
    """The item that this worker has seen least; what they skipped does not come again."""
    if not trial_items(study):
        return None
    mine = Q(assignments__enrolment=enrolment, assignments__state=AssignmentState.SUBMITTED)
    item = (
        Comparison.objects.filter(study=study, kind=Kind.QUALIFICATION)
        .exclude(pk__in=_assigned(enrolment, AssignmentState.SKIPPED))
        .annotate(seen=Count("assignments", filter=mine))
        .order_by("seen", "position")
        .first()
    )
    if item is None:
        return None
    return FirstStep(item, item.seen)


def _assigned(enrolment: Enrolment, *states: AssignmentState) -> QuerySet[Assignment, int]:
    return Assignment.objects.filter(enrolment=enrolment, state__in=states).values_list(
        "comparison_id", flat=True
    )


def trial_items(study: Study) -> int:
    """How many trial comparisons one try has: the study's number, as far as there are items."""
    if not study.qualification_items:
        return 0
    there = Comparison.objects.filter(study=study, kind=Kind.QUALIFICATION).count()
    return min(study.qualification_items, there)


def practice_items(study: Study) -> int:
    return Comparison.objects.filter(study=study, kind=Kind.TRAINING).count()


def trial_of(enrolment: Enrolment) -> Trial:
    items = trial_items(enrolment.study)
    done = _answered(enrolment, Kind.QUALIFICATION).count() if items else 0
    return Trial(
        items=items,
        done=done - items * enrolment.tries_failed,
        tries_left=enrolment.study.qualification_tries - enrolment.tries_failed,
    )


def after_known(*, enrolment: Enrolment, kind: str, now: datetime) -> None:
    """What an answer to a known item brings: a trial passed or failed, or too many checks missed.

    In the transaction of the answer, whose lock keeps a second one away.
    """
    if kind == Kind.QUALIFICATION:
        _settle_trial(enrolment, now)
    elif kind == Kind.GOLD and enrolment.study.gold_fail_after:
        missed = sum(not right for right in _rights(_answered(enrolment, Kind.GOLD)))
        if missed >= enrolment.study.gold_fail_after:
            finish(enrolment=enrolment, stage=Stage.FAILED_CHECKS)


def _settle_trial(enrolment: Enrolment, now: datetime) -> None:
    trial = trial_of(enrolment)
    if enrolment.prepared_at is not None or not trial.items or trial.done < trial.items:
        return
    answered = _answered(enrolment, Kind.QUALIFICATION).order_by(
        "-judgement__assignment__closed_at"
    )
    last = _rights(answered[: trial.items])
    # A mark of 0.75 asks for 3 of 4: the sum is compared, free of rounding.
    if sum(last) + 1e-9 >= enrolment.study.qualification_pass * trial.items:
        enrolment.prepared_at = now
        Enrolment.objects.filter(pk=enrolment.pk).update(prepared_at=now)
        return
    enrolment.tries_failed += 1
    Enrolment.objects.filter(pk=enrolment.pk).update(tries_failed=enrolment.tries_failed)
    if trial.tries_left <= 1:
        finish(enrolment=enrolment, stage=Stage.SCREENED_OUT)


def _answered(enrolment: Enrolment, kind: str) -> QuerySet[Answer]:
    """The overall answers in force to known items of this kind."""
    return Answer.objects.filter(
        judgement__assignment__enrolment=enrolment,
        judgement__superseded_by=None,
        judgement__comparison__kind=kind,
        judgement__comparison__gold_sign__isnull=False,
        criterion__is_overall=True,
    )


def _rights(answers: QuerySet[Answer]) -> list[bool]:
    rows = answers.values_list("outcome", "judgement__comparison__gold_sign")
    return [sign is not None and is_right(outcome, sign) for outcome, sign in rows]


def is_right(outcome: int, sign: int) -> bool:
    """Whether an answer is the known one; "both bad" is right where neither is better."""
    if sign == 0:
        return outcome not in {A_WINS, B_WINS}
    return outcome == (A_WINS if sign > 0 else B_WINS)

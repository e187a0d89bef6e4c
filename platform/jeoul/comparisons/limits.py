"""How much a worker, a vendor and a study may give, and whether anything comes later."""

from django.db.models import Exists, F, OuterRef, QuerySet, Sum

from jeoul.comparisons.models import SEEN, Assignment, AssignmentState, Comparison, Kind
from jeoul.comparisons.pairing import main_language
from jeoul.studies.models import OutputState, Study
from jeoul.workers.models import Enrolment, Vendor


def cap_reached(*, enrolment: Enrolment, study: Study) -> bool:
    """Whether a cap forbids another claim.

    A cap on a vendor or a study is counted under its row's lock, judgements and reservations
    together, so that it holds exactly; only studies that have one pay for it.
    """
    if study.worker_cap is not None and enrolment.submitted >= study.worker_cap:
        return True
    invite = enrolment.invite
    if invite.judgement_cap is not None:
        # All of a vendor's links into the study carry the same cap, and together they keep it.
        Vendor.objects.select_for_update(no_key=True).get(pk=invite.vendor_id)
        theirs = Enrolment.objects.filter(study=study, invite__vendor=invite.vendor_id)
        if _given(theirs) >= invite.judgement_cap:
            return True
    if study.judgement_cap is not None:
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        return _given(Enrolment.objects.filter(study=study)) >= study.judgement_cap
    return False


def _given(enrolments: QuerySet[Enrolment]) -> int:
    held = Assignment.objects.filter(
        enrolment__in=enrolments, state=AssignmentState.RESERVED
    ).count()
    return held + (enrolments.aggregate(n=Sum("submitted"))["n"] or 0)


def more_may_come(*, enrolment: Enrolment, study: Study) -> bool:
    """Whether a place may open for this worker later: one whose row is locked just now, one that
    another holds, or one whose outputs are not there yet."""
    seen = Assignment.objects.filter(enrolment=enrolment, comparison=OuterRef("pk"), state__in=SEEN)
    mine = Comparison.objects.filter(~Exists(seen), study=study, kind=Kind.REAL)
    if enrolment.worker.languages:
        known = map(main_language, enrolment.worker.languages)
        mine = mine.filter(language__in=["", *known])
    if enrolment.no_high_risk:
        mine = mine.filter(warnings=[]).exclude(prompt__risk="high")
    if mine.filter(ready=True, taken__lt=F("target")).exists():
        return True
    # Few are held at any time, so they are looked at from that side.
    held = Assignment.objects.filter(state=AssignmentState.RESERVED, enrolment__study=study)
    if mine.filter(pk__in=held.values("comparison_id")).exists():
        return True
    missing = mine.exclude(output_a__state=OutputState.FAILED).exclude(
        output_b__state=OutputState.FAILED
    )
    # The second looks at the whole study, once, before a worker is told that it is over.
    return missing.filter(ready=False).exists() or missing.filter(judged__lt=F("target")).exists()

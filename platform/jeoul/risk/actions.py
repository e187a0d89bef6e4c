"""Noting what an annotator says is wrong with an item, and deciding what may be shown."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.risk.models import Report, ReportReason, ReviewItem, Source, Verdict, Violating
from jeoul.studies.models import Output, Prompt, Study


@transaction.atomic
def report_item(
    *,
    study: Study,
    prompt: Prompt,
    outputs: tuple[Output, Output],
    reporter: str,
    reason: str,
    text: str = "",
) -> Report:
    """Store a report and put it on the review list; it never counts against the reporter."""
    if reason not in ReportReason.values:
        raise InvalidInput(_("Choose what is wrong with the item."), field="kind")
    report = Report.objects.create(
        study=study,
        prompt=prompt,
        output_a=outputs[0],
        output_b=outputs[1],
        reporter=reporter,
        reason=reason,
        text=text[:4000],
    )
    ReviewItem.objects.create(
        study=study,
        source=Source.REPORT,
        prompt=prompt,
        output=outputs[0],
        other=outputs[1],
        report=report,
        kinds=[reason],
    )
    return report


def hold_for_review(
    *,
    study: Study,
    prompt_id: int,
    kinds: Iterable[str],
    output_id: int | None = None,
    other_id: int | None = None,
) -> Verdict:
    """Put a text on the study's review list; returns what was decided about it so far.

    A decision holds for the kinds it was made on: when newer rules find another kind, the text
    is open again. The caller is in a transaction.
    """
    wanted = sorted(set(kinds))
    # By filter, since get_or_create would compare a missing output with "=".
    item = (
        ReviewItem.objects.select_for_update()
        .filter(study=study, source=Source.SCAN, prompt=prompt_id)
        .filter(Q(output=output_id) if output_id else Q(output=None))
        .filter(Q(other=other_id) if other_id else Q(other=None))
        .first()
    )
    new = item is None
    if item is None:
        item = ReviewItem.objects.create(
            study=study,
            source=Source.SCAN,
            prompt_id=prompt_id,
            output_id=output_id,
            other_id=other_id,
            kinds=wanted,
        )
    if not new and not set(wanted) <= set(item.kinds):
        item.kinds = sorted({*item.kinds, *wanted})
        item.verdict = Verdict.OPEN
        item.save(update_fields=["kinds", "verdict"])
    return Verdict(item.verdict)


@transaction.atomic
def decide_item(
    *, item: ReviewItem, verdict: str, actor: User, reason: str, violating: str = ""
) -> ReviewItem:
    """Say whether a text may be shown in its study, with a reason; locks the item.

    The caller brings the study's comparisons in line (``comparisons.standing.apply_decision``).
    """
    if verdict not in {Verdict.ALLOWED, Verdict.REMOVED}:
        raise InvalidInput(_("Say whether it may be shown or is left out."), field="verdict")
    if not reason.strip():
        raise InvalidInput(_("A decision needs a reason."), field="reason")
    asked = item.asks_which and verdict == Verdict.REMOVED
    if asked and violating not in Violating.values:
        raise InvalidInput(_("Say which of the two answers does the harm."), field="violating")
    locked = ReviewItem.objects.select_for_update().get(pk=item.pk)
    before = locked.verdict
    locked.verdict = verdict
    locked.violating = violating if asked else ""
    locked.reason = reason.strip()[:1000]
    locked.decided_by = actor
    locked.decided_at = timezone.now()
    locked.save(update_fields=["verdict", "violating", "reason", "decided_by", "decided_at"])
    if locked.report_id:
        Report.objects.filter(pk=locked.report_id).update(handled_at=locked.decided_at)
    record(
        actor=actor,
        verb="review.decide",
        target=locked,
        study_uuid=locked.study.uuid,
        data={
            "from": before,
            "to": verdict,
            "kinds": locked.kinds,
            "reason": locked.reason,
            "violating": locked.violating,
        },
    )
    return locked


def note_look(*, item: ReviewItem, actor: User) -> None:
    """Record that a person read what was held back."""
    record(actor=actor, verb="review.look", target=item, study_uuid=item.study.uuid)

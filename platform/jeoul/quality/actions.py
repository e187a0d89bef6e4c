"""Raising flags and deciding on them; leaving workers out of results and taking them back."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import DomainError, InvalidInput
from jeoul.comparisons.models import Comparison
from jeoul.quality.models import Adjudication, Exclusion, Flag, FlagState
from jeoul.quality.rules import VERSION, Finding
from jeoul.studies.models import SCALES, Study
from jeoul.workers.models import Worker


class AlreadyExcluded(DomainError):
    """The worker is left out already."""

    code = "already_excluded"


def raise_flags(*, study: Study, found: list[Finding]) -> int:
    """Store findings as open flags; one that was decided on stays decided. Returns how many new."""
    before = study.flags.count()
    Flag.objects.bulk_create(
        (
            Flag(
                study=study,
                worker_id=f.worker,
                rule=f.rule,
                rule_version=VERSION,
                evidence=f.evidence,
            )
            for f in found
        ),
        ignore_conflicts=True,
    )
    # What more judgements no longer bear out is not held against anyone.
    still = {(f.worker, f.rule) for f in found}
    for flag in study.flags.filter(state=FlagState.OPEN):
        if (flag.worker_id, flag.rule) not in still:
            flag.delete()
    return study.flags.count() - before


@transaction.atomic
def decide_flag(*, flag: Flag, state: FlagState, actor: User) -> None:
    """Uphold or dismiss a flag; deciding excludes nobody."""
    if state == FlagState.OPEN:
        raise InvalidInput(_("Uphold or dismiss the flag."), field="state")
    flag.state, flag.decided_by, flag.decided_at = state, actor, timezone.now()
    flag.save(update_fields=["state", "decided_by", "decided_at"])
    record(actor=actor, verb=f"flag.{state}", target=flag, study_uuid=flag.study.uuid)


@transaction.atomic
def exclude_worker(*, study: Study, worker: Worker, actor: User, reason: str) -> Exclusion:
    """Leave a worker out of the study's results, reversibly. Locks the study's row."""
    Study.objects.select_for_update().get(pk=study.pk)
    if not reason.strip():
        raise InvalidInput(_("An exclusion needs a reason."), field="reason")
    if study.exclusions.filter(worker=worker, lifted_at=None).exists():
        raise AlreadyExcluded(_("This worker is left out of the results already."))
    exclusion = Exclusion.objects.create(
        study=study, worker=worker, by=actor, reason=reason.strip()
    )
    record(
        actor=actor,
        verb="worker.exclude",
        target=worker,
        study_uuid=study.uuid,
        data={"reason": reason},
    )
    return exclusion


@transaction.atomic
def include_worker(*, study: Study, worker: Worker, actor: User) -> bool:
    """Take a worker back into the results; False if nothing left them out."""
    lifted = study.exclusions.filter(worker=worker, lifted_at=None).update(
        lifted_at=timezone.now(), lifted_by=actor
    )
    if lifted:
        record(actor=actor, verb="worker.include", target=worker, study_uuid=study.uuid)
    return bool(lifted)


@transaction.atomic
def adjudicate(*, comparison: Comparison, outcome: str, note: str, actor: User) -> Adjudication:
    """Note what a reviewer holds right; a second word of the same person replaces the first."""
    known = {str(step.outcome) for step in SCALES[4]}
    if outcome not in known:
        raise InvalidInput(_("Choose an answer."), field="outcome")
    found, _new = Adjudication.objects.update_or_create(
        comparison=comparison, by=actor, defaults={"outcome": int(outcome), "note": note.strip()}
    )
    record(
        actor=actor,
        verb="comparison.adjudicate",
        target=comparison,
        study_uuid=comparison.study.uuid,
        data={"outcome": int(outcome), "note": note.strip()},
    )
    return found


def note_on_worker(*, study: Study, worker: Worker, actor: User, kind: str, text: str) -> None:
    """Append a message, a contest or its answer to the worker's trail in this study."""
    if kind not in {"message", "contest", "answer"}:
        raise InvalidInput(_("Choose what it is."), field="kind")
    if not text.strip():
        raise InvalidInput(_("Write what was said."), field="text")
    record(
        actor=actor,
        verb=f"worker.{kind}",
        target=worker,
        study_uuid=study.uuid,
        data={"text": text.strip()[:2000]},
    )

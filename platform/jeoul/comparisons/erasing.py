"""Erasing a person: what links to them goes, what they judged stays as nobody's."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.comparisons.holding import release_assignment
from jeoul.comparisons.models import (
    Assignment,
    AssignmentState,
    Judgement,
    Remark,
    Telemetry,
)
from jeoul.risk.models import Report
from jeoul.workers.models import (
    Enrolment,
    Worker,
    WorkerIdentity,
    WorkerState,
    random_code,
    random_pseudonym,
)


@dataclass(frozen=True)
class Erased:
    """How much was erased, and how many judgements stay."""

    remarks: int
    telemetry: int
    identities: int
    judgements: int


@transaction.atomic
def erase_worker(*, worker: Worker, actor: User | None = None) -> Erased:
    """Remove a worker's external id, texts, measurements, links and pseudonym; keep the counts.

    Locks the worker. A second call finds nothing more to erase.
    """
    worker = Worker.objects.select_for_update().get(pk=worker.pk)
    held = Assignment.objects.filter(enrolment__worker=worker, state=AssignmentState.RESERVED)
    for assignment in held:
        release_assignment(assignment=assignment)
    mine = Judgement.objects.filter(worker=worker)
    remarks, _ = Remark.objects.filter(judgement__in=mine).delete()
    telemetry, _ = Telemetry.objects.filter(judgement__in=mine).delete()
    identities, _ = WorkerIdentity.objects.filter(worker=worker).delete()
    Assignment.objects.filter(enrolment__worker=worker).update(draft={})
    for enrolment in Enrolment.objects.filter(worker=worker):
        enrolment.revoked_at = enrolment.revoked_at or timezone.now()
        enrolment.token_round += 1
        # Platforms keep completion codes beside their members' ids.
        enrolment.completion_code = random_code()
        enrolment.session_id = ""
        enrolment.save(update_fields=["revoked_at", "token_round", "completion_code", "session_id"])
    fresh = random_pseudonym()
    Report.objects.filter(reporter=worker.pseudonym).update(reporter=fresh, text="")
    worker.pseudonym = fresh
    worker.languages = []
    worker.state, worker.state_reason = WorkerState.REMOVED, "erased"
    worker.save(update_fields=["pseudonym", "languages", "state", "state_reason"])
    record(actor=actor, verb="worker.erase", target=worker)
    return Erased(remarks, telemetry, identities, mine.count())

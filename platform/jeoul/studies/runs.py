"""A new version in a study that ran: the same prompts and design, only what is new is asked."""

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.actions import WrongState
from jeoul.studies.models import Amendment, Run, Study, StudyState, StudySystem, SystemVersion


@transaction.atomic
def new_run(
    *,
    study: Study,
    version: SystemVersion,
    actor: User,
    reason: str,
    previous: SystemVersion | None = None,
) -> Run:
    """Add a version to a frozen study by an amendment; a closed study runs again.

    Locks the study. Outputs and judgements stay; the caller makes what is due and plans the new
    comparisons, which the design of the study decides.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if not locked.frozen_at or locked.state == StudyState.ARCHIVED:
        raise WrongState("A new run needs a study that has run and is not archived.")
    if not reason.strip():
        raise InvalidInput("A new run needs a reason.", field="reason")
    entries = list(locked.entries.select_related("system_version__system").order_by("position"))
    versions = [entry.system_version for entry in entries]
    if version in versions:
        raise InvalidInput(_("%s is in this study already.") % version.label, field="version")
    previous = previous or _predecessor(version, versions)
    if previous not in versions:
        raise InvalidInput("The version before must be in this study.", field="previous")
    last = max(entry.position for entry in entries)
    StudySystem.objects.create(study=locked, system_version=version, position=last + 1)
    labels = [v.label for v in versions]
    amendment = Amendment.objects.create(
        study=locked,
        number=(locked.amendments.aggregate(n=Max("number"))["n"] or 0) + 1,
        by=actor,
        reason=reason,
        change={"systems": {"from": str(labels), "to": str([*labels, version.label])}},
    )
    run = Run.objects.create(
        study=locked,
        number=(locked.runs.aggregate(n=Max("number"))["n"] or 0) + 1,
        system_version=version,
        previous=previous,
        amendment=amendment,
    )
    if locked.state == StudyState.CLOSED:
        locked.state, locked.closed_at = StudyState.RUNNING, None
        locked.save(update_fields=["state", "closed_at"])
    record(
        actor=actor, verb="study.new_run", target=locked, study_uuid=locked.uuid,
        data={"version": version.label, "previous": previous.label},
    )  # fmt: skip
    study.refresh_from_db()
    return run


def _predecessor(version: SystemVersion, versions: list[SystemVersion]) -> SystemVersion:
    """The newest version of the same system in the study, else the one that came last."""
    same = [v for v in versions if v.system_id == version.system_id]
    return max(same, key=lambda v: v.number) if same else versions[-1]

"""A researcher's hand on a study's generation: pause, go on, try again, make anew."""

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.actions import WrongState
from jeoul.studies.models import Connection, Output, OutputState, Study

_AT_REST = (OutputState.DONE, OutputState.REFUSED, OutputState.FAILED)


def _outputs_of(study: Study) -> QuerySet[Output]:
    return Output.objects.filter(
        system_version__in=study.systems.exclude(connection=None),
        prompt__versions=study.prompt_set_version,
        sample__lt=study.samples,
    )


def pause_generation(*, study: Study, actor: User) -> None:
    """Take no new request for the study; what is under way is stored."""
    Study.objects.filter(pk=study.pk, generation_paused_at=None).update(
        generation_paused_at=timezone.now()
    )
    record(actor=actor, verb="generation.pause", target=study, study_uuid=study.uuid)
    study.refresh_from_db()


def resume_generation(*, study: Study, actor: User) -> None:
    """Go on where the pause began."""
    Study.objects.filter(pk=study.pk).update(generation_paused_at=None)
    record(actor=actor, verb="generation.resume", target=study, study_uuid=study.uuid)
    study.refresh_from_db()


@transaction.atomic
def retry_failed(*, study: Study, code: str = "") -> int:
    """Make failed outputs due again, all or of one kind; returns how many.

    Their connections' circuit breakers are closed: who tries again has mended something.
    """
    failed = _outputs_of(study).filter(state=OutputState.FAILED)
    if code:
        failed = failed.filter(error_code=code)
    connections = set(failed.values_list("system_version__connection", flat=True))
    Connection.objects.filter(pk__in=connections).update(
        failures=0, hold_until=None, hold_reason=""
    )
    ids = list(failed.values_list("pk", flat=True))
    return Output.objects.filter(pk__in=ids, state=OutputState.FAILED).update(
        state=OutputState.DUE, due_at=timezone.now(), attempts=0, finished_at=None
    )


@transaction.atomic
def rerun_outputs(*, study: Study, actor: User, reason: str, system: str = "") -> int:
    """Make a new generation beside the outputs that are there; returns how many are due.

    Nothing is replaced: the study goes on with the outputs it has until ``use_generation``.
    """
    if not reason.strip():
        raise InvalidInput("Say why the answers are made again.", field="reason")
    Study.objects.select_for_update().get(pk=study.pk)
    there = _outputs_of(study)
    if system:
        there = there.filter(system_version__uuid=system)
    if there.filter(state__in=[OutputState.DUE, OutputState.RUNNING]).exists():
        raise WrongState("Some of these outputs are still being made; wait for them.")
    newest = there.aggregate(n=Max("generation"))["n"]
    if newest is None:
        raise InvalidInput("There is no output to make again.", field="system")
    now = timezone.now()
    rows = [
        Output(
            system_version_id=version, prompt_id=prompt, sample=sample, generation=newest + 1,
            is_current=False, study=study, state=OutputState.DUE, due_at=now,
        )
        for version, prompt, sample in there.filter(is_current=True).values_list(
            "system_version_id", "prompt_id", "sample"
        )
    ]  # fmt: skip
    Output.objects.bulk_create(rows, batch_size=1000)
    data = {"generation": newest + 1, "reason": reason, "outputs": len(rows)}
    record(actor=actor, verb="generation.rerun", target=study, study_uuid=study.uuid, data=data)
    return len(rows)


@transaction.atomic
def use_generation(*, study: Study, actor: User, generation: int) -> int:
    """Let new comparisons take this generation; planned ones keep what they show."""
    Study.objects.select_for_update().get(pk=study.pk)
    chosen = _outputs_of(study).filter(generation=generation)
    if chosen.exclude(state__in=_AT_REST).exists():
        raise WrongState("This generation is still being made.")
    # A failed one has nothing to show: there the generation before stays in use.
    places = list(
        chosen.exclude(state=OutputState.FAILED).values_list(
            "pk", "system_version_id", "prompt_id", "sample"
        )
    )
    if not places:
        raise InvalidInput(_("There is no generation %d.") % generation, field="generation")
    mine = _outputs_of(study).filter(system_version__in={p[1] for p in places}, is_current=True)
    wanted = {place[1:] for place in places}
    old = [
        row[0]
        for row in mine.values_list("pk", "system_version_id", "prompt_id", "sample")
        if row[1:] in wanted
    ]
    Output.objects.filter(pk__in=old).update(is_current=False)
    Output.objects.filter(pk__in=[place[0] for place in places]).update(is_current=True)
    data = {"generation": generation, "outputs": len(places)}
    record(actor=actor, verb="generation.use", target=study, study_uuid=study.uuid, data=data)
    return len(places)

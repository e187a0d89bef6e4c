"""Watching a model under one name: a golden set is asked again and again of one version.

Each round is a generation of its own that no study uses; the first one is what later ones are
held against.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.models import (
    Output,
    OutputState,
    PromptSetVersion,
    SystemVersion,
    Watch,
    WatchRound,
)
from jeoul.studies.prompt_actions import freeze_versions


@transaction.atomic
def start_watch(
    *, owner: User, version: SystemVersion, prompts: PromptSetVersion, every_hours: int = 24
) -> Watch:
    """Watch a version; an existing watch is taken up again with the new interval."""
    if version.connection_id is None:
        raise InvalidInput("Outputs made elsewhere can't be asked for again.", field="version")
    if version.system.owner_id != owner.pk:
        raise InvalidInput("This system is not yours.", field="version")
    if not 1 <= every_hours <= 24 * 366:
        raise InvalidInput("Between an hour and a year.", field="every_hours")
    watch, _ = Watch.objects.update_or_create(
        system_version=version,
        prompts=prompts,
        defaults={"every_hours": every_hours, "active": True},
        create_defaults={"owner": owner, "every_hours": every_hours, "next_at": timezone.now()},
    )
    PromptSetVersion.objects.filter(pk=prompts.pk, frozen_at=None).update(frozen_at=timezone.now())
    freeze_versions([version])
    record(actor=owner, verb="watch.start", target=watch, data={"every_hours": every_hours})
    return watch


def stop_watch(*, watch: Watch, actor: User) -> None:
    """No further round; what was found stays."""
    Watch.objects.filter(pk=watch.pk).update(active=False)
    record(actor=actor, verb="watch.stop", target=watch)
    watch.refresh_from_db()


def begin_due_rounds() -> int:
    """Begin the rounds whose time has come; returns how many. Safe to run at any time."""
    due = Watch.objects.filter(active=True, next_at__lte=timezone.now())
    return sum(begin_round(watch_id=pk) for pk in due.values_list("pk", flat=True))


@transaction.atomic
def begin_round(*, watch_id: int) -> bool:
    """Make the outputs of the next round due; False while the last one is still open."""
    watch = Watch.objects.select_for_update().get(pk=watch_id)
    if watch.rounds.filter(finished_at=None).exists():
        return False
    prompts = list(watch.prompts.entries.values_list("prompt_id", flat=True))
    newest = Output.objects.filter(
        system_version=watch.system_version_id, prompt__in=prompts
    ).aggregate(n=Max("generation"))["n"]
    now = timezone.now()
    made = WatchRound.objects.create(
        watch=watch,
        number=(watch.rounds.aggregate(n=Max("number"))["n"] or 0) + 1,
        # Never 0, which belongs to the studies.
        generation=(newest or 0) + 1,
    )
    Output.objects.bulk_create(
        (
            Output(
                system_version_id=watch.system_version_id, prompt_id=prompt, is_current=False,
                generation=made.generation, state=OutputState.DUE, due_at=now,
            )
            for prompt in prompts
        ),
        batch_size=1000,
    )  # fmt: skip
    watch.next_at = now + timedelta(hours=watch.every_hours)
    watch.save(update_fields=["next_at"])
    return True


def outputs_of(made: WatchRound) -> QuerySet[Output]:
    """The round's outputs, in the golden set's order."""
    watch = made.watch
    return Output.objects.filter(
        system_version=watch.system_version_id,
        prompt__versions=watch.prompts_id,
        generation=made.generation,
        sample=0,
    ).order_by("prompt_id")


def rounds_to_close() -> list[WatchRound]:
    """Open rounds whose outputs have all ended."""
    still = (OutputState.DUE, OutputState.RUNNING)
    rounds = WatchRound.objects.filter(finished_at=None).select_related("watch")
    return [made for made in rounds if not outputs_of(made).filter(state__in=still).exists()]

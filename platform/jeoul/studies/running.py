"""Freezing a study's plan, ordering its outputs, and moving it through its states."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.actions import SETTINGS, WrongState
from jeoul.studies.gate_rule import rule_problems
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import (
    Design,
    Output,
    OutputState,
    PromptSetVersion,
    Study,
    StudyState,
)
from jeoul.studies.pilot import prompts_in_play
from jeoul.studies.prompt_actions import freeze_versions


def plan_of(study: Study) -> dict[str, Any]:
    """The plan as data: everything that decides who is asked what and how it is read."""
    prompts = study.prompt_set_version
    return {
        "title": study.title,
        "prompt_set": prompts and {"name": str(prompts), "content_hash": prompts.content_hash},
        "systems": [
            {
                "system": e.system_version.label,
                "content_hash": e.system_version.content_hash,
                "baseline": e.is_baseline,
            }
            for e in study.entries.select_related("system_version__system")
        ],
        "criteria": [
            {
                name: getattr(c, name)
                for name in (
                    "key",
                    "name",
                    "question",
                    "definition",
                    "scale",
                    "chips",
                    "free_text",
                    "is_overall",
                )
            }
            for c in study.criteria.all()
        ],
        **{
            name: str(value) if isinstance(value, Decimal) else value
            for name in SETTINGS
            for value in [getattr(study, name)]
        },
    }


def problems_before_start(study: Study) -> list[str]:
    """What keeps the study from starting, in words with the remedy."""
    found = []
    if study.prompt_set_version is None:
        found.append(_("Choose a prompt set."))
    count = study.entries.count()
    if count < 2:
        found.append(_("Choose at least two systems."))
    if study.design == Design.BASELINE and not study.entries.filter(is_baseline=True).exists():
        found.append(_("The design needs a baseline system."))
    charged = set(
        study.systems.exclude(connection=None).values_list("connection__currency", flat=True)
    )
    if study.generation_cap is not None and len(charged) > 1:
        found.append(
            _(
                "The connections charge in different currencies (%s), which no cap can add: "
                "leave the cap empty or choose systems of one currency."
            )
            % ", ".join(sorted(charged))
        )
    return found + rule_problems(study, study.gate)


def due_outputs(*, study: Study) -> int:
    """Make the rows of the outputs that the study lacks; returns how many are new.

    What is there is kept: an output belongs to the system version and the prompt.
    """
    if study.prompt_set_version is None:
        return 0
    now = timezone.now()
    rows = [
        Output(
            system_version=version,
            prompt_id=prompt_id,
            sample=sample,
            study=study,
            state=OutputState.DUE,
            due_at=now,
        )
        for prompt_id in prompts_in_play(study)
        for version in study.systems.exclude(connection=None)
        for sample in range(study.samples)
    ]
    # What another study ordered and may not make now is made for this one.
    adopt_outputs(study=study)
    before = Output.objects.count()
    Output.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    freeze_versions(list(study.systems.exclude(connection=None)))
    return Output.objects.count() - before


def adopt_outputs(*, study: Study) -> int:
    """Take over due outputs whose study is paused or has ended; returns how many."""
    held = Q(study__generation_paused_at__isnull=False) | Q(
        study__state__in=[StudyState.CLOSED, StudyState.ARCHIVED]
    )
    due = Output.objects.filter(
        held | Q(study=None),
        state=OutputState.DUE,
        is_current=True,
        system_version__in=study.systems.all(),
        prompt__versions=study.prompt_set_version,
    ).exclude(study=study)
    return Output.objects.filter(pk__in=list(due.values_list("pk", flat=True))).update(study=study)


@transaction.atomic
def freeze_plan(*, study: Study) -> None:
    """Freeze plan, prompt-set version and systems at the first start."""
    if study.frozen_at:
        return
    now = timezone.now()
    study.plan = plan_of(study)
    study.plan_hash = content_hash(study.plan)
    study.frozen_at = now
    study.save(update_fields=["plan", "plan_hash", "frozen_at"])
    prompts = study.prompt_set_version
    if prompts is not None:
        PromptSetVersion.objects.filter(pk=prompts.pk, frozen_at=None).update(frozen_at=now)


_MOVES = {
    StudyState.RUNNING: {StudyState.DRAFT, StudyState.PAUSED},
    # Closing and archiving can be taken back: to paused, so that going on is a step of its own.
    StudyState.PAUSED: {StudyState.RUNNING, StudyState.CLOSED},
    StudyState.CLOSED: {StudyState.RUNNING, StudyState.PAUSED, StudyState.ARCHIVED},
    StudyState.ARCHIVED: {StudyState.CLOSED},
}


@transaction.atomic
def move_study(*, study: Study, to: StudyState, actor: User) -> bool:
    """Change the state; False if the study is there already. Locks the study's row."""
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state == to:
        study.state = to
        return False
    if locked.state not in _MOVES.get(to, set()) or (locked.imported and to == StudyState.PAUSED):
        said = _("A study that is %(state)s can't become %(to)s.")
        raise WrongState(said % {"state": StudyState(locked.state).label, "to": to.label})
    if to == StudyState.RUNNING:
        problems = problems_before_start(locked)
        if problems:
            said = _("The study can't start yet.")
            raise InvalidInput(" ".join([said, *problems]), problems=problems)
        freeze_plan(study=locked)
    if to == StudyState.CLOSED and locked.state != StudyState.ARCHIVED:
        locked.closed_at = timezone.now()
    elif to == StudyState.PAUSED:
        locked.closed_at = None
    locked.state = to
    locked.save(update_fields=["state", "closed_at"])
    record(actor=actor, verb=f"study.{to}", target=locked, study_uuid=locked.uuid)
    study.refresh_from_db()
    return True

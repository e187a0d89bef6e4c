"""Making a study, changing its draft, amending its plan, and who may do what on it."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.accounts.roles import Role
from jeoul.base import DomainError, InvalidInput
from jeoul.studies.gate_rule import normal_rule
from jeoul.studies.models import (
    Amendment,
    Criterion,
    Design,
    LeaveOut,
    Membership,
    PromptSetVersion,
    Study,
    StudyState,
    StudySystem,
    SystemVersion,
)
from jeoul.studies.models.risk_policy import policy_problem


class WrongState(DomainError):
    """The study's state doesn't allow this."""

    code = "wrong_state"


class PlanFrozen(DomainError):
    """The plan can't change any more except by an amendment."""

    code = "plan_frozen"


@dataclass(frozen=True)
class CriterionSpec:
    """A criterion as it is asked for."""

    key: str
    name: str
    question: str
    definition: str = ""
    scale: int = 4
    chips: list[str] = field(default_factory=list)
    free_text: str = "optional"
    is_overall: bool = False


OVERALL = CriterionSpec(
    key="overall",
    name="Overall",
    question="Which answer is better overall?",
    definition="Judge as a careful reader would: is it correct, does it help, is it safe?",
    is_overall=True,
)

# What may be given at creation and changed while the study is a draft.
SETTINGS = (
    "question",
    "design",
    "samples",
    "overlap",
    "seed",
    "risk_policy",
    "contamination",
    "languages",
    "instructions",
    "consent_text",
    "content_warning",
    "help_text",
    "contact",
    "ethics_reference",
    "blur",
    "nudges",
    "break_every",
    "qualification_items",
    "qualification_pass",
    "qualification_tries",
    "gold_fail_after",
    "reservation_minutes",
    "worker_cap",
    "judgement_cap",
    "prompt_distance",
    "gold_share",
    "gold_max",
    "repeat_share",
    "repeat_max",
    "pay_per_judgement",
    "pay_floor_per_hour",
    "currency",
    "two_people",
    "budget",
    "generation_cap",
    "smallest_difference",
    "pilot_prompts",
    "gate",
)
# How annotators are looked after: it decides nothing about who is asked what.
_HOSPITALITY = ("help_text", "contact", "nudges", "break_every", "blur")
# What may still change after the start, by an amendment with a reason.
AMENDABLE = (
    "overlap",
    "worker_cap",
    "judgement_cap",
    "reservation_minutes",
    "budget",
    "generation_cap",
    "instructions",
    "risk_policy",
    "contamination",
    "pilot_prompts",
    "gate",
    *_HOSPITALITY,
)


def free_slug(title: str) -> str:
    """A slug of the title that no study has."""
    base = slugify(title, allow_unicode=True)[:60] or "study"
    slug = base
    while Study.objects.filter(slug=slug).exists():
        slug = f"{base}-{secrets.token_hex(3)}"
    return slug


@transaction.atomic
def create_study(
    *,
    owner: User,
    title: str,
    slug: str = "",
    prompts: PromptSetVersion | None = None,
    systems: list[SystemVersion] | None = None,
    baseline: SystemVersion | None = None,
    criteria: list[CriterionSpec] | None = None,
    settings: dict[str, Any] | None = None,
    imported: bool = False,
    simulated: bool = False,
) -> Study:
    """Make a draft; ``settings`` takes the names in SETTINGS. Raises InvalidInput by field."""
    if not title.strip():
        raise InvalidInput("The study needs a title.", field="title")
    if slug and Study.objects.filter(slug=slug).exists():
        raise InvalidInput(f"A study with the slug {slug!r} exists already.", field="slug")
    study = Study(
        title=title.strip(),
        slug=slug or free_slug(title),
        prompt_set_version=prompts,
        # Drawn here, stored, and part of the plan: the same plan can be made again.
        seed=secrets.randbelow(2**31),
        imported=imported,
        simulated=simulated,
    )
    given = dict(settings or {})
    gate = given.pop("gate", None)
    _apply(study, given, SETTINGS)
    study.save()
    Membership.objects.create(study=study, user=owner, role=Role.OWNER)
    if systems:
        set_systems(study=study, systems=systems, baseline=baseline)
    set_criteria(study=study, criteria=criteria or [OVERALL])
    if gate:
        study.gate = normal_rule(study, gate)
        study.save(update_fields=["gate"])
    record(actor=owner, verb="study.create", target=study, study_uuid=study.uuid)
    return study


def _apply(study: Study, values: dict[str, Any], allowed: tuple[str, ...]) -> None:
    for name, value in values.items():
        if name not in allowed:
            raise InvalidInput(
                f"Unknown or fixed setting {name!r}; known are {', '.join(allowed)}.", field=name
            )
        setattr(study, name, value)
    if "gate" in values:
        study.gate = normal_rule(study, study.gate)
    if not 1 <= study.overlap <= 1000:
        raise InvalidInput("The overlap must be between 1 and 1000.", field="overlap")
    if not 1 <= study.samples <= 100:
        raise InvalidInput("Between 1 and 100 samples per prompt.", field="samples")
    if study.design not in Design.values:
        raise InvalidInput(f"The design is one of {', '.join(Design.values)}.", field="design")
    if study.contamination not in LeaveOut.values:
        raise InvalidInput(
            f"Contaminated prompts: one of {', '.join(LeaveOut.values)}.", field="contamination"
        )
    if problem := policy_problem(study.risk_policy):
        raise InvalidInput(problem, field="risk_policy")
    _check_way(study)
    if not 1 <= study.reservation_minutes <= 24 * 60:
        raise InvalidInput("Between 1 minute and a day.", field="reservation_minutes")
    if not 0.005 <= study.smallest_difference <= 0.45:
        raise InvalidInput("Between half a point and 45 points.", field="smallest_difference")
    if study.pilot_prompts is not None and study.pilot_prompts < 2:
        raise InvalidInput("A pilot needs two prompts.", field="pilot_prompts")


def _check_way(study: Study) -> None:
    """What leads a worker to the comparisons, and away from them."""
    if not 0 < study.qualification_pass <= 1:
        raise InvalidInput(
            "The pass mark is a share above 0, at most 1.", field="qualification_pass"
        )
    if not 0 <= study.qualification_items <= 100:
        raise InvalidInput("Between 0 and 100 trial comparisons.", field="qualification_items")
    if not 1 <= study.qualification_tries <= 20:
        raise InvalidInput("Between 1 and 20 tries.", field="qualification_tries")
    for name in ("break_every", "gold_fail_after"):
        if getattr(study, name) is not None and not 1 <= getattr(study, name) <= 10_000:
            raise InvalidInput("Between 1 and 10,000, or none.", field=name)


def must_be_draft(study: Study) -> None:
    if study.state != StudyState.DRAFT or study.frozen_at:
        raise PlanFrozen("The plan was frozen at the first start; make an amendment instead.")


@transaction.atomic
def update_draft(*, study: Study, actor: User, settings: dict[str, Any]) -> None:
    """Change a draft's settings."""
    must_be_draft(study)
    values = dict(settings)
    for name in ("title", "prompt_set_version"):
        if name in values:
            setattr(study, name, values.pop(name))
    _apply(study, values, SETTINGS)
    study.save()
    record(actor=actor, verb="study.update", target=study, study_uuid=study.uuid)


@transaction.atomic
def set_systems(
    *, study: Study, systems: list[SystemVersion], baseline: SystemVersion | None = None
) -> None:
    """Say which system versions meet in a draft."""
    must_be_draft(study)
    if len({v.pk for v in systems}) != len(systems):
        raise InvalidInput("Each system version can stand in a study once.", field="systems")
    if baseline is not None and baseline not in systems:
        raise InvalidInput("The baseline must be one of the systems.", field="baseline")
    study.entries.all().delete()
    StudySystem.objects.bulk_create(
        StudySystem(study=study, system_version=v, position=at, is_baseline=v == baseline)
        for at, v in enumerate(systems)
    )


@transaction.atomic
def set_criteria(*, study: Study, criteria: list[CriterionSpec]) -> None:
    """Say what annotators are asked in a draft; exactly one criterion is the overall one."""
    must_be_draft(study)
    if len(criteria) == 1:
        criteria = [CriterionSpec(**{**criteria[0].__dict__, "is_overall": True})]
    if sum(c.is_overall for c in criteria) != 1:
        raise InvalidInput("Exactly one criterion must be the overall one.", field="criteria")
    for spec in criteria:
        if spec.scale not in {2, 3, 4, 5, 7}:
            raise InvalidInput("A scale has 2, 3, 4, 5 or 7 steps.", field="scale")
        if not slugify(spec.key) == spec.key or not spec.key:
            raise InvalidInput(
                "A criterion's key is lower-case letters, digits, - or _.", field="key"
            )
        if spec.free_text not in {"none", "optional", "required"}:
            raise InvalidInput("Free text is none, optional or required.", field="free_text")
    if len({c.key for c in criteria}) != len(criteria):
        raise InvalidInput("Two criteria have the same key.", field="criteria")
    study.criteria.all().delete()
    Criterion.objects.bulk_create(
        Criterion(study=study, position=at, **spec.__dict__) for at, spec in enumerate(criteria)
    )


@transaction.atomic
def amend_study(*, study: Study, actor: User, reason: str, change: dict[str, Any]) -> Amendment:
    """Change a frozen plan, numbered and with a reason."""
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if not locked.frozen_at:
        raise WrongState("A draft is changed directly, without an amendment.")
    if not reason.strip():
        raise InvalidInput("An amendment needs a reason.", field="reason")
    before = {name: getattr(locked, name, None) for name in change}
    _apply(locked, change, AMENDABLE)
    locked.save()
    amendment = Amendment.objects.create(
        study=locked,
        number=locked.amendments.count() + 1,
        by=actor,
        reason=reason,
        change={n: {"from": _said(before[n]), "to": _said(getattr(locked, n))} for n in change},
    )
    record(actor=actor, verb="study.amend", target=locked, study_uuid=locked.uuid)
    study.refresh_from_db()
    return amendment


def _said(value: Any) -> Any:
    return value if isinstance(value, dict) else str(value)


@transaction.atomic
def set_member(*, study: Study, actor: User, user: User, role: Role | None) -> None:
    """Give a researcher a role on the study, or take it away; one owner always stays."""
    if role != Role.OWNER and not (
        study.memberships.filter(role=Role.OWNER).exclude(user=user).exists()
    ):
        raise InvalidInput("A study must keep at least one owner.", field="role")
    if role is None:
        study.memberships.filter(user=user).delete()
    else:
        Membership.objects.update_or_create(study=study, user=user, defaults={"role": role})
    record(
        actor=actor,
        verb="study.member",
        target=study,
        study_uuid=study.uuid,
        data={"user": user.get_username(), "role": role or "none"},
    )

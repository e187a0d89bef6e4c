"""A study: its plan, its people, its criteria and its changes."""

from decimal import Decimal
from typing import Final, NamedTuple

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from jeoul.accounts.roles import Role
from jeoul.base import Row
from jeoul.studies.models.prompts import PromptSetVersion
from jeoul.studies.models.systems import SystemVersion


class StudyState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    CLOSED = "closed", _("Closed")
    ARCHIVED = "archived", _("Archived")


class Design(models.TextChoices):
    ALL_PAIRS = "all_pairs", _("All pairs of systems")
    BASELINE = "baseline", _("Each system against a baseline")


class LeaveOut(models.TextChoices):
    """Which contaminated prompts a study does without."""

    NOTHING = "nothing", _("Keep all prompts")
    DIRTY = "dirty", _("Leave out dirty prompts (80 % or more)")
    NOT_CLEAN = "not_clean", _("Leave out every prompt that is not clean (20 % or more)")


class Study(Row):
    """A plan and its run."""

    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    title = models.CharField(max_length=200)
    question = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=StudyState.choices, default=StudyState.DRAFT)
    prompt_set_version = models.ForeignKey(
        PromptSetVersion, models.PROTECT, null=True, blank=True, related_name="studies"
    )
    systems = models.ManyToManyField(SystemVersion, through="StudySystem", related_name="studies")
    design = models.CharField(max_length=20, choices=Design.choices, default=Design.ALL_PAIRS)
    samples = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    overlap = models.PositiveSmallIntegerField(default=3, validators=[MinValueValidator(1)])
    seed = models.PositiveBigIntegerField(default=0)
    # By kind what happens with an output in which the scan found something; see risk_policy.
    risk_policy = models.JSONField(default=dict, blank=True)
    # Prompts that stand in a training corpus: kept, or left out of comparisons and results.
    contamination = models.CharField(
        max_length=10, choices=LeaveOut.choices, default=LeaveOut.NOTHING
    )
    languages = models.JSONField(default=list, blank=True)
    instructions = models.TextField(blank=True)
    consent_text = models.TextField(blank=True)
    content_warning = models.TextField(blank=True)
    # Where a person may find help after texts that were hard to read.
    help_text = models.TextField(blank=True)
    # Whom annotators may write to, and the approval of an ethics board.
    contact = models.CharField(max_length=200, blank=True)
    ethics_reference = models.CharField(max_length=200, blank=True)
    # Texts behind a content warning stay blurred until the worker asks for them.
    blur = models.BooleanField(default=False)
    # A gentle word after answers faster than their texts can be read.
    nudges = models.BooleanField(default=True)
    # A break is proposed after so many comparisons; empty proposes none.
    break_every = models.PositiveSmallIntegerField(null=True, blank=True)
    # How many trial comparisons a worker must answer, the share that must be right, the tries.
    qualification_items = models.PositiveSmallIntegerField(default=0)
    qualification_pass = models.FloatField(default=0.75)
    qualification_tries = models.PositiveSmallIntegerField(default=2)
    # A worker's way ends after so many missed checks, for a person to look at; empty never ends it.
    gold_fail_after = models.PositiveSmallIntegerField(null=True, blank=True)
    # For each outcome the code or address that ends a worker's way; see jeoul.crowd.
    completion = models.JSONField(default=dict, blank=True)
    reservation_minutes = models.PositiveIntegerField(default=30, validators=[MinValueValidator(1)])
    # How many comparisons one worker may judge; empty means as many as there are.
    worker_cap = models.PositiveIntegerField(null=True, blank=True)
    # How many judgements the study takes altogether; empty means all that are planned.
    judgement_cap = models.PositiveIntegerField(null=True, blank=True)
    # Fewest comparisons between two of the same prompt for one worker.
    prompt_distance = models.PositiveSmallIntegerField(default=0)
    gold_share = models.FloatField(default=0.1)
    gold_max = models.PositiveSmallIntegerField(default=5)
    repeat_share = models.FloatField(default=0.0)
    repeat_max = models.PositiveSmallIntegerField(default=3)
    pay_per_judgement = models.DecimalField(max_digits=10, decimal_places=4, default=Decimal(0))
    pay_floor_per_hour = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0))
    currency = models.CharField(max_length=3, default="USD")
    # Who approved a payment is not the one who says that it was sent.
    two_people = models.BooleanField(default=False)
    budget = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    # No request to a provider once this much is spent or reserved; people are paid from budget.
    generation_cap = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    # What tries cost that are no longer kept.
    spent_before = models.DecimalField(max_digits=20, decimal_places=8, default=0)
    generation_paused_at = models.DateTimeField(null=True)
    # The win rate's distance from one half that the study must be able to see.
    smallest_difference = models.FloatField(default=0.05)
    # While a pilot runs, only so many of the prompts are asked; empty means all.
    pilot_prompts = models.PositiveIntegerField(null=True, blank=True)
    # When a version may ship, as jeoul.studies.gate_rule writes it down.
    gate = models.JSONField(null=True, blank=True)
    plan = models.JSONField(null=True)
    plan_hash = models.CharField(max_length=64, blank=True)
    frozen_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    # Made by a simulated crowd, or imported: shown on every page and in every export.
    simulated = models.BooleanField(default=False)
    imported = models.BooleanField(default=False)

    class Meta:
        ordering = ("-created_at",)
        verbose_name_plural = "studies"

    @property
    def is_open(self) -> bool:
        return self.state == StudyState.RUNNING


class StudySystem(models.Model):
    """A system version's part in a study."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="entries")
    system_version = models.ForeignKey(SystemVersion, models.PROTECT, related_name="entries")
    position = models.PositiveSmallIntegerField()
    is_baseline = models.BooleanField(default=False)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(
                fields=["study", "system_version"], name="system_once_per_study"
            ),
        )


class Membership(models.Model):
    """A researcher's role on a study."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["study", "user"], name="member_once_per_study"),
        )


class Amendment(Row):
    """A numbered change of a frozen plan, with its reason."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="amendments")
    number = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    reason = models.TextField()
    change = models.JSONField()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "number"], name="amendment_number_once"),
        )


class Run(Row):
    """A new version brought into a study that ran: its predecessor and its amendment."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    system_version = models.ForeignKey(SystemVersion, models.PROTECT, related_name="+")
    previous = models.ForeignKey(SystemVersion, models.PROTECT, related_name="+")
    amendment = models.OneToOneField(Amendment, models.PROTECT, related_name="run")

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "number"], name="run_number_once"),
            models.UniqueConstraint(fields=["study", "system_version"], name="run_version_once"),
        )


class Step(NamedTuple):
    """One point of a scale: ``value`` is stored, positive grades prefer A."""

    value: str
    outcome: int
    grade: int | None


# Outcome codes, shared with jeoul.analysis.counts.
A_WINS: Final = 0
B_WINS: Final = 1
TIE: Final = 2
BOTH_BAD: Final = 3

_A = Step("a", A_WINS, 1)
_B = Step("b", B_WINS, -1)
_T = Step("tie", TIE, 0)
_X = Step("both_bad", BOTH_BAD, None)


def _graded(top: int) -> tuple[Step, ...]:
    return tuple(
        Step(str(g), A_WINS if g > 0 else B_WINS if g < 0 else TIE, g)
        for g in range(top, -top - 1, -1)
    )


SCALES: Final[dict[int, tuple[Step, ...]]] = {
    2: (_A, _B),
    3: (_A, _T, _B),
    4: (_A, _T, _B, _X),
    5: _graded(2),
    7: _graded(3),
}


class FreeText(models.TextChoices):
    NONE = "none", _("No free text")
    OPTIONAL = "optional", _("Optional")
    REQUIRED = "required", _("Required")


class Criterion(Row):
    """A question to the annotator with its written definition."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="criteria")
    key = models.SlugField(max_length=40)
    name = models.CharField(max_length=100)
    question = models.CharField(max_length=300)
    definition = models.TextField(blank=True)
    is_overall = models.BooleanField(default=False)
    scale = models.PositiveSmallIntegerField(
        default=4,
        choices=[
            (2, _("2: one or the other")),
            (3, _("3: with tie")),
            (4, _("4: with tie and both bad")),
            (5, _("5: graded")),
            (7, _("7: graded")),
        ],
    )
    chips = models.JSONField(default=list, blank=True)
    free_text = models.CharField(max_length=10, choices=FreeText.choices, default=FreeText.OPTIONAL)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        verbose_name_plural = "criteria"
        constraints = (
            models.UniqueConstraint(fields=["study", "key"], name="criterion_once_per_study"),
            models.UniqueConstraint(
                fields=["study"],
                condition=models.Q(is_overall=True),
                name="one_overall_criterion_per_study",
            ),
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        return SCALES[self.scale]

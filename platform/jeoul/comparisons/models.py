"""Who is asked what, who holds it, and what they said."""

from datetime import datetime
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models import Criterion, Output, Prompt, Study, SystemVersion
from jeoul.workers.models import Enrolment, Worker


class Kind(models.TextChoices):
    REAL = "real", _("Real")
    GOLD = "gold", _("Gold")
    TRAINING = "training", _("Training")
    QUALIFICATION = "qualification", _("Qualification")


# Each worker gets a known item at most once or so; its number of askings has no plan.
UNPLANNED: Final = 1_000_000


class Standing(models.TextChoices):
    """Why a comparison is asked or not, apart from whether its outputs are there."""

    ASKED = "", _("Asked")
    HELD = "held", _("Held for review")
    LEFT_OUT = "left_out", _("Left out")
    TIE = "tie", _("Tie without asking")


class Comparison(Row):
    """Two outputs of different systems to one prompt, in canonical order.

    ``taken`` counts reservations and judgements together; the check constraint makes it
    impossible, whatever the code does, that a comparison gets more than was planned.
    """

    # No index of its own where another begins with it: each one is written at every claim.
    study = models.ForeignKey(Study, models.CASCADE, related_name="comparisons", db_index=False)
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="comparisons")
    system_a = models.ForeignKey(SystemVersion, models.PROTECT, related_name="+", db_index=False)
    system_b = models.ForeignKey(SystemVersion, models.PROTECT, related_name="+", db_index=False)
    output_a = models.ForeignKey(Output, models.PROTECT, related_name="+")
    output_b = models.ForeignKey(Output, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.REAL)
    # For known items: the grade's sign that is right (1 prefers A, -1 B, 0 tie).
    gold_sign = models.SmallIntegerField(null=True)
    explanation = models.TextField(blank=True)
    target = models.PositiveIntegerField()
    taken = models.PositiveIntegerField(default=0)
    judged = models.PositiveIntegerField(default=0)
    position = models.PositiveIntegerField()
    # Both outputs are there and may be shown.
    ready = models.BooleanField(default=False)
    # By what the scans found and the study's policy says; see standing.py. What is not asked
    # keeps no free place: its target is what was taken already.
    standing = models.CharField(
        max_length=10, choices=Standing.choices, default=Standing.ASKED, blank=True
    )
    # The kinds found, and those that annotators are warned of.
    kinds = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    # The side of A at the first showing; drawn by the plan, even over each pair.
    a_first = models.BooleanField(default=True)
    # The prompt's language without its region, for workers who read only some; empty if unknown.
    language = models.CharField(max_length=10, blank=True, default="")

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(
                fields=["study", "output_a", "output_b", "kind"], name="comparison_once"
            ),
            models.CheckConstraint(
                condition=Q(taken__lte=F("target")), name="comparison_never_over_target"
            ),
            # A held output is never shown, whatever the code does.
            models.CheckConstraint(
                condition=Q(ready=False) | Q(standing=""), name="comparison_held_is_not_ready"
            ),
            models.CheckConstraint(
                condition=Q(judged__lte=F("taken")), name="comparison_judged_were_taken"
            ),
        )
        indexes = (
            # The claim walks this index from its start: fewest taken first, then the plan's order.
            models.Index(
                fields=["study", "taken", "position"],
                name="comparison_open",
                condition=Q(ready=True, kind="real", taken__lt=F("target")),
            ),
            models.Index(
                fields=["study", "language", "taken", "position"],
                name="comparison_open_in_language",
                condition=Q(ready=True, kind="real", taken__lt=F("target")),
            ),
            models.Index(
                fields=["study"], name="comparison_waiting", condition=Q(ready=False, kind="real")
            ),
            # The list that a researcher reads.
            models.Index(fields=["study", "position", "id"], name="comparison_order"),
            models.Index(
                fields=["study", "kind", "position"],
                name="comparison_known",
                condition=~Q(kind="real"),
            ),
            # Few, and counted at every look at the results.
            models.Index(
                fields=["study", "standing"],
                name="comparison_not_asked",
                condition=~Q(standing=""),
            ),
        )


class AssignmentState(models.TextChoices):
    RESERVED = "reserved", _("Reserved")
    SUBMITTED = "submitted", _("Submitted")
    SKIPPED = "skipped", _("Skipped")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")


# States in which a worker has seen the comparison and must not get it again.
SEEN = (AssignmentState.RESERVED, AssignmentState.SUBMITTED, AssignmentState.SKIPPED)


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def expired(self, at: datetime) -> "AssignmentQuerySet":
        """Reservations whose time is over."""
        return self.filter(state=AssignmentState.RESERVED, expires_at__lte=at)


class Assignment(Row):
    """A comparison held by a worker for a limited time, with its side order."""

    comparison = models.ForeignKey(Comparison, models.PROTECT, related_name="assignments")
    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="assignments", db_index=False
    )
    state = models.CharField(
        max_length=10, choices=AssignmentState.choices, default=AssignmentState.RESERVED
    )
    # 0 for the first showing; a declared repeat counts up and shows the sides swapped.
    repeat = models.PositiveSmallIntegerField(default=0)
    a_on_left = models.BooleanField()
    reserved_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    skip_reason = models.CharField(max_length=50, blank=True)
    client_key = models.UUIDField()
    # What a very fast reader needs for both answers; who is faster again and again hears a word.
    least_ms = models.PositiveIntegerField(null=True)
    draft = models.JSONField(default=dict, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["enrolment", "comparison", "repeat"],
                condition=Q(state__in=["reserved", "submitted", "skipped"]),
                name="comparison_once_per_worker",
            ),
            models.UniqueConstraint(
                fields=["enrolment"],
                condition=Q(state="reserved"),
                name="one_reservation_per_enrolment",
            ),
        )
        indexes = (
            # What a worker had last: for the distance between prompts, and for repeats.
            models.Index(fields=["enrolment", "-id"], name="assignment_latest"),
            models.Index(
                fields=["comparison"], name="assignment_repeats", condition=Q(repeat__gt=0)
            ),
            models.Index(
                fields=["expires_at"], name="assignment_expiry", condition=Q(state="reserved")
            ),
        )


class Judgement(Row):
    """What the worker said; a trigger refuses UPDATE and DELETE, a correction supersedes."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="judgements", db_index=False)
    comparison = models.ForeignKey(Comparison, models.PROTECT, related_name="judgements")
    assignment = models.ForeignKey(
        Assignment, models.PROTECT, related_name="judgements", db_index=False
    )
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="judgements")
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="superseded_by"
    )
    client_key = models.UUIDField()
    payload_hash = models.CharField(max_length=64)
    judged_at = models.DateTimeField()
    # Between showing and submit, by the server's clock; imported ones may not know it.
    seconds = models.FloatField(null=True)
    a_on_left = models.BooleanField(null=True)
    # Shown at the time of the promise to pay it.
    simulated = models.BooleanField(default=False)
    imported = models.BooleanField(default=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["assignment", "client_key"], name="judgement_once_per_key"
            ),
        )
        indexes = (models.Index(fields=["study", "id"], name="judgement_study"),)

    @property
    def in_view(self) -> float | None:
        """Seconds in the browser's view where it told, else between claim and answer."""
        told = getattr(self, "telemetry", None)
        return self.seconds if told is None or told.visible_ms is None else told.visible_ms / 1000


class Answer(models.Model):
    """One criterion's value in a judgement; append-only with it."""

    judgement = models.ForeignKey(Judgement, models.PROTECT, related_name="answers")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="answers")
    outcome = models.PositiveSmallIntegerField()
    grade = models.SmallIntegerField(null=True)
    chips = models.JSONField(default=list)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["judgement", "criterion"], name="answer_once_per_criterion"
            ),
        )


class Remark(models.Model):
    """A worker's free text, apart from the judgement so that a person can be erased."""

    judgement = models.ForeignKey(Judgement, models.CASCADE, related_name="remarks")
    criterion = models.ForeignKey(Criterion, models.CASCADE, related_name="remarks")
    text = models.TextField()


class Telemetry(models.Model):
    """What the browser measured, erasable."""

    judgement = models.OneToOneField(Judgement, models.CASCADE, related_name="telemetry")
    visible_ms = models.PositiveIntegerField(null=True)
    focus_ms = models.PositiveIntegerField(null=True)
    hidden_ms = models.PositiveIntegerField(null=True)
    first_action_ms = models.PositiveIntegerField(null=True)
    paste_chars = models.PositiveIntegerField(null=True)


class ChainLink(models.Model):
    """A study's judgements in order, each hash over the one before: tampering shows."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="chain")
    number = models.PositiveIntegerField()
    judgement = models.OneToOneField(Judgement, models.PROTECT, related_name="link")
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "number"], name="link_number_once"),
        )

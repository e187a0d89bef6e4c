"""Screening signals and the decisions that follow them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.comparisons.models import Comparison
from jeoul.studies.models import Study
from jeoul.workers.models import Worker


class FlagState(models.TextChoices):
    OPEN = "open", _("Open")
    UPHELD = "upheld", _("Upheld")
    DISMISSED = "dismissed", _("Dismissed")


class Flag(Row):
    """A screening signal about a worker: never an automatic exclusion or rejection."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="flags")
    worker = models.ForeignKey(Worker, models.CASCADE, related_name="flags")
    rule = models.CharField(max_length=40)
    rule_version = models.CharField(max_length=20)
    evidence = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=FlagState.choices, default=FlagState.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["study", "worker", "rule", "rule_version"], name="flag_once_per_rule"
            ),
        )


class Exclusion(Row):
    """A reversible decision to leave a worker out of a study's results."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="exclusions")
    worker = models.ForeignKey(Worker, models.CASCADE, related_name="exclusions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["study", "worker"],
                condition=Q(lifted_at=None),
                name="one_exclusion_in_force",
            ),
        )


class Adjudication(Row):
    """What a reviewer holds right of a disputed comparison; it never changes anyone's vote."""

    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="adjudications")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    outcome = models.PositiveSmallIntegerField()
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["comparison", "by"], name="adjudged_once_per_person"),
        )

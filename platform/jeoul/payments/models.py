"""The ledger: one row per step of money, never changed; a trigger refuses UPDATE and DELETE."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.comparisons.models import Assignment
from jeoul.studies.models import Study
from jeoul.workers.models import Worker


class Step(models.TextChoices):
    """What a row says about its amount."""

    OWED = "owed", _("Owed")
    APPROVED = "approved", _("Approved")
    SENT = "sent", _("Sent")
    CONFIRMED = "confirmed", _("Confirmed")
    # Nobody knows whether it arrived: never tried again by machine.
    UNKNOWN = "unknown", _("Unknown")


class LedgerEntry(Row):
    """Money of one worker in one study.

    Owed rows stand for one assignment each; an approval sums what is owed and not approved yet;
    what becomes of it follows it, one row at most after each.
    """

    study = models.ForeignKey(Study, models.PROTECT, related_name="ledger")
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="ledger")
    step = models.CharField(max_length=10, choices=Step.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=4)
    currency = models.CharField(max_length=3)
    assignment = models.OneToOneField(Assignment, models.PROTECT, null=True, related_name="owed")
    follows = models.OneToOneField("self", models.PROTECT, null=True, related_name="followed_by")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(step="owed", assignment__isnull=False, follows=None)
                | Q(step="approved", assignment=None, follows=None)
                | Q(
                    step__in=["sent", "confirmed", "unknown"],
                    assignment=None,
                    follows__isnull=False,
                ),
                name="ledger_step_has_its_ground",
            ),
        )
        indexes = (models.Index(fields=["study", "step", "worker"], name="ledger_study"),)

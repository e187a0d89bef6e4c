"""Alerts of a running study: what was raised, and where it goes."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models import Study


def random_secret() -> str:
    return secrets.token_urlsafe(24)


class AlertRoute(models.Model):
    """Where a study's alerts go; without one, to its owners' mail addresses."""

    study = models.OneToOneField(Study, models.CASCADE, related_name="alert_route")
    emails = models.JSONField(default=list)
    webhook_url = models.URLField(max_length=500, blank=True)
    # Signs what the webhook gets, so that the receiver can tell it from a stranger's.
    webhook_secret = models.CharField(max_length=64, default=random_secret)


class AlertKind(models.TextChoices):
    BUDGET = "budget", _("Budget nearly spent")
    AGREEMENT = "agreement", _("Agreement is falling")
    GOLD = "gold", _("Accuracy on known answers is falling")
    CONNECTION = "connection", _("A connection fails")
    PAY = "pay", _("Pay under the floor")
    FINISHED = "finished", _("Study finished")


# These are true once; the others may come again when they were seen and still hold a day later.
ONCE = (AlertKind.BUDGET, AlertKind.FINISHED)


class Alert(Row):
    """One thing a researcher should know now; raised once while nobody has seen it."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=20, choices=AlertKind.choices)
    # What it is about where one kind may be about several things: a connection, a threshold.
    key = models.CharField(max_length=100)
    facts = models.JSONField(default=dict)
    mailed_at = models.DateTimeField(null=True)
    hooked_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When the next attempt is due; empty when all is sent, or given up.
    due_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["study", "kind", "key"],
                condition=Q(seen_at=None),
                name="alert_once_until_seen",
            ),
        )
        indexes = (
            models.Index(fields=["due_at"], name="alert_due", condition=Q(due_at__isnull=False)),
        )

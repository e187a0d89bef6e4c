"""Where annotators come from, who they are by pseudonym, and their part in a study."""

import secrets
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models import Study


class VendorKind(models.TextChoices):
    IN_HOUSE = "in_house", _("In-house team")
    AGENCY = "agency", _("Agency")
    PLATFORM = "platform", _("Crowd platform")
    IMPORTED = "imported", _("Imported judgements")
    SIMULATED = "simulated", _("Simulated crowd")
    MACHINE = "machine", _("Machine judge")


class Vendor(Row):
    """Where annotators come from; its cost and quality are compared with the others."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="vendors")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=VendorKind.choices, default=VendorKind.IN_HOUSE)
    contact = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    rate = models.DecimalField(max_digits=10, decimal_places=4, default=Decimal(0))
    # What was agreed: a share of the checks answered right, and days until the work is done.
    agreed_accuracy = models.FloatField(null=True, blank=True)
    agreed_days = models.PositiveIntegerField(null=True, blank=True)
    # Goes before the study's own completion, and an invite's before both.
    completion = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="vendor_once_per_owner"),
            models.CheckConstraint(
                condition=Q(agreed_accuracy=None) | Q(agreed_accuracy__range=(0, 1)),
                name="agreed_accuracy_is_a_share",
            ),
        )


class WorkerState(models.TextChoices):
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    REMOVED = "removed", _("Removed")


def random_pseudonym() -> str:
    """A name that says nothing about the person or the order of arrival."""
    return "w-" + secrets.token_hex(4)


class Worker(Row):
    """One annotator under a random pseudonym."""

    vendor = models.ForeignKey(Vendor, models.PROTECT, related_name="workers")
    pseudonym = models.CharField(max_length=40, unique=True, default=random_pseudonym)
    languages = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=10, choices=WorkerState.choices, default=WorkerState.ACTIVE)
    state_reason = models.CharField(max_length=500, blank=True)
    simulated = models.BooleanField(default=False)


class WorkerIdentity(models.Model):
    """The external id of a worker, apart from all else so that it can be erased."""

    worker = models.OneToOneField(Worker, models.CASCADE, related_name="identity")
    vendor = models.ForeignKey(Vendor, models.CASCADE, related_name="identities")
    external_id = models.CharField(max_length=200)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["vendor", "external_id"], name="external_id_once"),
        )


def random_token() -> str:
    return secrets.token_urlsafe(18)


class Invite(Row):
    """A link by which a vendor's workers reach a study."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="invites")
    vendor = models.ForeignKey(Vendor, models.PROTECT, related_name="invites")
    token = models.CharField(max_length=40, unique=True, default=random_token)
    # How many people may come by it.
    cap = models.PositiveIntegerField(null=True, blank=True)
    # How many judgements the vendor may give to the study by all its links together; each of
    # them carries the same number, so that a claim need not look for it.
    judgement_cap = models.PositiveIntegerField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True)
    # Which platform's links are read and answered: a name in jeoul.crowd.PROVIDERS.
    provider = models.CharField(max_length=20, default="invite")
    completion = models.JSONField(default=dict, blank=True)


class ConsentText(Row):
    """One version of a study's consent, kept word for word beside those who agreed to it."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="consent_texts")
    number = models.PositiveIntegerField()
    language = models.CharField(max_length=10, blank=True)
    text = models.TextField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["study", "digest"], name="consent_text_once"),
            models.UniqueConstraint(fields=["study", "number"], name="consent_number_once"),
        )


class Stage(models.TextChoices):
    """Where a worker stands on the way through a study."""

    ARRIVED = "arrived", _("Arrived")
    CONSENTED = "consented", _("Consented")
    WORKING = "working", _("Working")
    COMPLETED = "completed", _("Completed")
    NO_MORE_ITEMS = "no_more_items", _("No more items")
    NO_CONSENT = "no_consent", _("No consent")
    SCREENED_OUT = "screened_out", _("Screened out")
    FAILED_CHECKS = "failed_checks", _("Failed checks")


def random_code() -> str:
    """A completion code without letters that look alike."""
    return "".join(secrets.choice("ABCDEFGHJKMNPQRSTUVWXYZ23456789") for _ in range(8))


class Enrolment(Row):
    """A worker in a study."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="enrolments")
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="enrolments")
    invite = models.ForeignKey(Invite, models.PROTECT, related_name="enrolments")
    stage = models.CharField(max_length=20, choices=Stage.choices, default=Stage.ARRIVED)
    consent_hash = models.CharField(max_length=64, blank=True)
    consent = models.ForeignKey(ConsentText, models.PROTECT, null=True, related_name="+")
    consented_at = models.DateTimeField(null=True)
    # Practice and trial are over; until then they come first.
    prepared_at = models.DateTimeField(null=True)
    tries_failed = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    language = models.CharField(max_length=10, blank=True)
    completion_code = models.CharField(max_length=20, default=random_code)
    submitted = models.PositiveIntegerField(default=0)
    # What was shown, kept here so that a claim need not count: pages of each kind, and how many
    # more of a pair of systems had A on the left than on the right.
    given_real = models.PositiveIntegerField(default=0)
    given_gold = models.PositiveIntegerField(default=0)
    given_repeat = models.PositiveIntegerField(default=0)
    sides = models.JSONField(default=dict, blank=True)
    # Practice and trial answers, and items left out with pay: work beside the plan's own.
    practised = models.PositiveIntegerField(default=0)
    excused = models.PositiveIntegerField(default=0)
    # How many answers in a row came faster than their texts can be read.
    hurried = models.PositiveSmallIntegerField(default=0)
    # Announced texts are left out from the start.
    no_high_risk = models.BooleanField(default=False)
    # The platform's id of this visit; erased with the person.
    session_id = models.CharField(max_length=200, blank=True)
    revoked_at = models.DateTimeField(null=True)
    # Counted up to end every link given out before.
    token_round = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["study", "worker"], name="enrolled_once"),)
        indexes = (
            models.Index(
                fields=["study"],
                name="enrolment_open",
                condition=Q(stage__in=["arrived", "consented", "working"]),
            ),
        )

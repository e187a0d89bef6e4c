"""Researchers, their API tokens and the record of what they did."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row


class User(AbstractUser):
    """A researcher: a person who plans and reads studies."""


class Scope(models.TextChoices):
    """What a token may do, within what its person's roles allow."""

    READ = "read", _("Read")
    WRITE = "write", _("Make and change things")
    RUN = "run", _("Start, pause, close and generate: what costs money")
    EXPORT = "export", _("Take data out, and read the audit record")


def all_scopes() -> list[str]:
    return list(Scope.values)


class ApiToken(Row):
    """A personal key to the API; only its digest is stored, so a stolen table opens nothing."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    scopes = models.JSONField(default=all_scopes)

    class Meta:
        ordering = ("-created_at",)


class StoredAnswer(models.Model):
    """The answer to a write that carried an Idempotency-Key, to be given again on a repeat."""

    user = models.ForeignKey(User, models.CASCADE, related_name="stored_answers")
    key = models.CharField(max_length=255)
    # Method, path and body: the same key with another request is refused.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key"], name="answer_once_per_key"),)
        indexes = (models.Index(fields=["created_at"], name="stored_answer_age"),)


class AuditEvent(Row):
    """Who did what to which object, when, from where; a trigger refuses UPDATE and DELETE."""

    # Ids and names are copied, not linked: the record outlives what it tells about.
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_uuid = models.UUIDField(null=True)
    study_uuid = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["study_uuid", "-id"], name="audit_study"),
            models.Index(fields=["object_uuid", "-id"], name="audit_object"),
        )

"""Researchers, their API tokens and the record of what they did."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from jeoul.base import Row


class User(AbstractUser):
    """A researcher: a person who plans and reads studies."""


class ApiToken(Row):
    """A personal key to the API; only its digest is stored, so a stolen table opens nothing."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    read_only = models.BooleanField(default=False)

    class Meta:
        ordering = ("-created_at",)


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

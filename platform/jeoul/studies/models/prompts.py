"""Prompt sets, their versions and their prompts."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models.file_jobs import FileJob, FilePart


class Risk(models.TextChoices):
    REALISTIC = "realistic", _("Realistic")
    HIGH = "high", _("High-risk")


class PromptSet(Row):
    """A named list of prompts, with versions."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="prompt_sets")
    name = models.CharField(max_length=200)
    # Texts of a sealed set are shown to annotators only, until the study ends.
    sealed = models.BooleanField(default=False)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="prompt_set_once_per_owner"),
        )

    def latest(self) -> "PromptSetVersion | None":
        return self.versions.order_by("-number").first()


class Prompt(Row):
    """One input to a system, immutable: an edit makes a new row, so outputs stay true to it."""

    prompt_set = models.ForeignKey(PromptSet, models.CASCADE, related_name="prompts")
    key = models.CharField(max_length=200)
    messages = models.JSONField()
    category = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=35, blank=True)
    language_detected = models.BooleanField(default=False)
    difficulty = models.CharField(max_length=50, blank=True)
    risk = models.CharField(max_length=10, choices=Risk.choices, default=Risk.REALISTIC)
    hazard = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=500, blank=True)
    reference = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["prompt_set", "key", "content_hash"], name="prompt_once_per_content"
            ),
        )

    def last_user_text(self) -> str:
        """What the person asked last, for lists and searches."""
        texts = [m["content"] for m in self.messages if m["role"] == "user"]
        return texts[-1] if texts else ""


class PromptSetVersion(Row):
    """A state of a prompt set, known by its content hash and frozen by its first use."""

    prompt_set = models.ForeignKey(PromptSet, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    prompts = models.ManyToManyField(Prompt, through="VersionEntry", related_name="versions")
    content_hash = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    frozen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("prompt_set_id", "-number")
        constraints = (
            models.UniqueConstraint(fields=["prompt_set", "number"], name="version_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.prompt_set.name} v{self.number}"


class VersionEntry(models.Model):
    """A prompt's place in a version."""

    version = models.ForeignKey(PromptSetVersion, models.CASCADE, related_name="entries")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="entries")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=["version", "prompt"], name="entry_once_per_version"),
        )
        indexes = (models.Index(fields=["version", "position"], name="entry_order"),)


class VersionTag(Row):
    """A name for a version, as ``golden``: it points at one version of its set at a time."""

    prompt_set = models.ForeignKey(PromptSet, models.CASCADE, related_name="tags")
    version = models.ForeignKey(PromptSetVersion, models.CASCADE, related_name="tags")
    name = models.SlugField(max_length=60)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["prompt_set", "name"], name="tag_once_per_set"),
        )


class LikePair(models.Model):
    """Two prompts of a version that are alike: 1 where they are the same but for punctuation."""

    version = models.ForeignKey(PromptSetVersion, models.CASCADE, related_name="like_pairs")
    a = models.ForeignKey(Prompt, models.CASCADE, related_name="+")
    b = models.ForeignKey(Prompt, models.CASCADE, related_name="+")
    likeness = models.FloatField()

    class Meta:
        ordering = ("-likeness", "id")


class PromptUpload(FileJob):
    """A large file on its way into a prompt set: stored in parts until a job has read it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10)
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField(default=0)
    sealed = models.BooleanField(default=False)
    take_good = models.BooleanField(default=False)
    rows = models.PositiveIntegerField(default=0)
    version = models.ForeignKey(PromptSetVersion, models.SET_NULL, null=True, related_name="+")
    bad = models.JSONField(default=list)


class UploadPart(FilePart):
    upload = models.ForeignKey(PromptUpload, models.CASCADE, related_name="parts")

    class Meta(FilePart.Meta):
        constraints = (
            models.UniqueConstraint(fields=["upload", "number"], name="upload_part_once"),
        )

"""Systems, their frozen versions, the connections they speak through, and their outputs."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from jeoul.base import Row
from jeoul.studies.models.prompts import Prompt


class Protocol(models.TextChoices):
    OPENAI = "openai", "OpenAI chat completions"


class Connection(Row):
    """A way to a model provider; its key is never shown again once stored."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="connections")
    name = models.CharField(max_length=100)
    protocol = models.CharField(max_length=20, choices=Protocol.choices, default=Protocol.OPENAI)
    base_url = models.URLField(max_length=500)
    key_env = models.CharField(max_length=100, blank=True)
    key_encrypted = models.TextField(blank=True)
    concurrency = models.PositiveIntegerField(default=4)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    timeout_seconds = models.PositiveIntegerField(default=120)
    price_in = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    price_out = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    currency = models.CharField(max_length=3, default="USD")

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="connection_once_per_owner"),
        )


class System(Row):
    """One thing that answers prompts."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="systems")
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="system_once_per_owner"),
        )

    def newest(self) -> "SystemVersion | None":
        """The highest version, from prefetched rows where they are there."""
        return max(self.versions.all(), key=lambda version: version.number, default=None)


class SystemVersion(Row):
    """Exactly what answers: frozen once it has an output."""

    system = models.ForeignKey(System, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    # Without a connection the outputs were made elsewhere and imported.
    connection = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="versions"
    )
    model = models.CharField(max_length=200, blank=True)
    system_prompt = models.TextField(blank=True)
    prompt_template = models.TextField(blank=True)
    sampling = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=500, blank=True)
    reported_model = models.CharField(max_length=200, blank=True)
    frozen_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("system__name", "number")
        constraints = (
            models.UniqueConstraint(fields=["system", "number"], name="system_version_once"),
        )

    @property
    def label(self) -> str:
        """The name a researcher sees; annotators never do."""
        return self.system.name if self.number == 1 else f"{self.system.name} v{self.number}"


class OutputState(models.TextChoices):
    DUE = "due", "Due"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    REFUSED = "refused", "Refused"


class OutputQuerySet(models.QuerySet["Output"]):
    def due(self, at: datetime) -> "OutputQuerySet":
        """What a sweep must pick up: due now, or running under a lease that ended."""
        return self.filter(
            Q(state=OutputState.DUE, due_at__lte=at)
            | Q(state=OutputState.RUNNING, lease_until__lte=at)
        )

    def shown(self) -> "OutputQuerySet":
        """Outputs that an annotator may see."""
        return self.filter(state__in=[OutputState.DONE, OutputState.REFUSED])


class Output(Row):
    """The k-th answer of a system version to a prompt."""

    system_version = models.ForeignKey(SystemVersion, models.PROTECT, related_name="outputs")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="outputs")
    sample = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=10, choices=OutputState.choices, default=OutputState.DUE, db_index=False
    )
    text = models.TextField(blank=True)
    # Rendered once, with the renderer's version, never at each view.
    html = models.TextField(blank=True)
    renderer = models.CharField(max_length=20, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    imported = models.BooleanField(default=False)
    # Judgements made elsewhere may come without the texts they were about.
    text_missing = models.BooleanField(default=False)
    finish_reason = models.CharField(max_length=50, blank=True)
    reported_model = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=200, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True)
    attempts = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    # The holder of the lease: a job that lost it may not write any more.
    lease_key = models.UUIDField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = OutputQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["system_version", "prompt", "sample"], name="output_once"
            ),
        )
        indexes = (
            models.Index(fields=["due_at"], name="output_due", condition=Q(state=OutputState.DUE)),
            models.Index(
                fields=["lease_until"],
                name="output_lease",
                condition=Q(state=OutputState.RUNNING),
            ),
            models.Index(fields=["prompt", "system_version"], name="output_prompt"),
        )

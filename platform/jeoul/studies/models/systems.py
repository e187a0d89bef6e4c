"""Systems, their frozen versions, the connections they speak through, and their outputs."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models.prompts import Prompt, PromptSetVersion


class Protocol(models.TextChoices):
    OPENAI = "openai", _("OpenAI chat completions")
    ANTHROPIC = "anthropic", _("Anthropic messages")
    HTTP = "http", _("Plain HTTP: JSON template in, path out")


class Connection(Row):
    """A way to a model provider; its key is never shown again once stored.

    The last fields are what the workers learnt of it: they read and write them under the row's
    lock, so that limits and the circuit breaker hold over all processes.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="connections")
    name = models.CharField(max_length=100)
    protocol = models.CharField(max_length=20, choices=Protocol.choices, default=Protocol.OPENAI)
    base_url = models.URLField(max_length=500)
    key_env = models.CharField(max_length=100, blank=True)
    key_encrypted = models.TextField(blank=True)
    concurrency = models.PositiveIntegerField(default=4)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    timeout_seconds = models.PositiveIntegerField(default=120)
    price_in = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    price_out = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    currency = models.CharField(max_length=3, default="USD")
    # Prices of single models where they differ: {"model": ["in", "out"]} per million tokens.
    prices = models.JSONField(default=dict, blank=True)
    # Of the plain HTTP protocol: the body that is sent, where the answer's parts stand in what
    # comes back, and the header that carries the key.
    request_template = models.JSONField(default=dict, blank=True)
    answer_paths = models.JSONField(default=dict, blank=True)
    key_header = models.CharField(max_length=200, blank=True)
    # What the last test found, and when.
    tested_at = models.DateTimeField(null=True)
    test_report = models.JSONField(default=dict, blank=True)
    # The circuit breaker: failures since the last answer, and no request before this time.
    failures = models.PositiveIntegerField(default=0)
    hold_until = models.DateTimeField(null=True)
    hold_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="connection_once_per_owner"),
        )

    def price_of(self, model: str) -> tuple[Decimal, Decimal]:
        """Prices per million prompt and completion tokens: the model's own, or the general ones."""
        own = self.prices.get(model)
        return (Decimal(own[0]), Decimal(own[1])) if own else (self.price_in, self.price_out)


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
    # Turns shown before the prompt: [{"user": …, "assistant": …}].
    examples = models.JSONField(default=list, blank=True)
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
    DUE = "due", _("Due")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    REFUSED = "refused", _("Refused")


class OutputQuerySet(models.QuerySet["Output"]):
    def due(self, at: datetime) -> "OutputQuerySet":
        """What a sweep must pick up: due now, or running under a lease that ended."""
        return self.filter(
            Q(state=OutputState.DUE, due_at__lte=at)
            | Q(state=OutputState.RUNNING, lease_until__lte=at)
        )

    def current(self) -> "OutputQuerySet":
        """The generation in use of each output; a forced re-run lies beside it."""
        return self.filter(is_current=True)

    def shown(self) -> "OutputQuerySet":
        """Outputs that an annotator may see."""
        return self.filter(state__in=[OutputState.DONE, OutputState.REFUSED])


class Output(Row):
    """The k-th answer of a system version to a prompt."""

    system_version = models.ForeignKey(SystemVersion, models.PROTECT, related_name="outputs")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="outputs")
    sample = models.PositiveIntegerField(default=0)
    # 0 is the first; a forced re-run makes the next one beside it and replaces nothing.
    generation = models.PositiveIntegerField(default=0)
    is_current = models.BooleanField(default=True)
    # The study that asked for it first: it pays, and its pause holds it.
    study = models.ForeignKey(
        "studies.Study", models.SET_NULL, null=True, blank=True, related_name="ordered_outputs"
    )
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
    # The provider named another model than the one asked for.
    model_differs = models.BooleanField(default=False)
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
                fields=["system_version", "prompt", "sample", "generation"],
                name="output_once_per_generation",
            ),
            models.UniqueConstraint(
                fields=["system_version", "prompt", "sample"],
                condition=Q(is_current=True),
                name="output_once",
            ),
        )
        indexes = (
            # What a job takes next: first what was tried before, which else came after all others.
            models.Index(
                fields=["system_version", "-attempts", "due_at", "id"],
                name="output_next",
                condition=Q(state=OutputState.DUE),
            ),
            models.Index(
                fields=["lease_until"],
                name="output_lease",
                condition=Q(state=OutputState.RUNNING),
            ),
            models.Index(fields=["prompt", "system_version"], name="output_prompt"),
            models.Index(fields=["study", "state"], name="output_study"),
            # What progress counts again and again, without reading the texts beside it.
            models.Index(
                fields=["system_version", "state"],
                include=["prompt", "sample", "cost"],
                name="output_counted",
                condition=Q(is_current=True),
            ),
            # What an analysis asks of all outputs and few are.
            models.Index(
                fields=["prompt"],
                name="output_refused",
                condition=Q(is_current=True)
                & (Q(state=OutputState.REFUSED) | Q(finish_reason="content_filter")),
            ),
            models.Index(
                fields=["prompt"],
                name="output_without_text",
                condition=Q(is_current=True, text_missing=True),
            ),
            models.Index(
                fields=["study", "generation"],
                name="output_made_anew",
                condition=Q(generation__gt=0),
            ),
        )


class Attempt(models.Model):
    """One request to a provider: what was reserved for it, what it gave or why it failed.

    The rates and budgets are counted from these rows; an error keeps the provider's own words.
    """

    output = models.ForeignKey(Output, models.CASCADE, related_name="tries")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="tries")
    study = models.ForeignKey(
        "studies.Study", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    lease_key = models.UUIDField(unique=True)
    # False while its job holds it until an answer frees a place: it takes none of the connection.
    asked = models.BooleanField(default=True, db_default=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # An estimate until the answer tells the number.
    tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=Decimal(0))
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["connection", "started_at"], name="attempt_rate"),
            models.Index(fields=["study", "finished_at"], name="attempt_study"),
        )


class Watch(Row):
    """A golden set asked again and again of one version: did the provider's model change?"""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="watches")
    system_version = models.ForeignKey(SystemVersion, models.PROTECT, related_name="watches")
    prompts = models.ForeignKey(PromptSetVersion, models.PROTECT, related_name="watches")
    every_hours = models.PositiveIntegerField(default=24)
    active = models.BooleanField(default=True)
    next_at = models.DateTimeField()
    # Drawn by the job that closes a round: web processes don't load the renderer.
    chart = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "watches"
        constraints = (
            models.UniqueConstraint(fields=["system_version", "prompts"], name="watch_once"),
        )


class WatchRound(Row):
    """One asking of a watch's prompts, and what it says beside the first one."""

    watch = models.ForeignKey(Watch, models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    generation = models.PositiveIntegerField()
    finished_at = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["watch", "number"], name="round_number_once"),
        )

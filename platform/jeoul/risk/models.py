"""What scans found, what annotators reported, and what a person decided about it."""

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models import (
    FileJob,
    FilePart,
    Output,
    Prompt,
    PromptSetVersion,
    RiskKind,
    Study,
)


class ReportReason(models.TextChoices):
    HARMFUL = "harmful", _("Harmful or upsetting")
    PERSONAL_DATA = "personal_data", _("Reveals personal data")
    BROKEN = "broken", _("Does not display properly")
    CANNOT_JUDGE = "cannot_judge", _("I can't judge this")


class Report(Row):
    """One action of an annotator; never counts against pay or speed."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="reports")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="reports")
    output_a = models.ForeignKey(Output, models.PROTECT, related_name="+")
    output_b = models.ForeignKey(Output, models.PROTECT, related_name="+")
    # The pseudonym only: workers are known in a layer above.
    reporter = models.CharField(max_length=40)
    reason = models.CharField(max_length=20, choices=ReportReason.choices)
    text = models.TextField(blank=True)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)


class Scan(models.Model):
    """That one version of the rules looked at a text; without findings it found nothing."""

    output = models.ForeignKey(Output, models.CASCADE, null=True, related_name="scans")
    prompt = models.ForeignKey(Prompt, models.CASCADE, null=True, related_name="scans")
    rules = models.CharField(max_length=20)
    scanned_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["output", "rules"], name="scan_once_per_output"),
            models.UniqueConstraint(fields=["prompt", "rules"], name="scan_once_per_prompt"),
            models.CheckConstraint(
                condition=Q(output=None, prompt__isnull=False)
                | Q(output__isnull=False, prompt=None),
                name="scan_of_one_text",
            ),
        )


class Finding(models.Model):
    """A place in a text; the text itself is not copied, so that no secret lies about twice."""

    scan = models.ForeignKey(Scan, models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=20, choices=RiskKind.choices)
    rule = models.CharField(max_length=40)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    detail = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ("start", "id")


class Verdict(models.TextChoices):
    OPEN = "open", _("To be decided")
    ALLOWED = "allowed", _("May be shown")
    REMOVED = "removed", _("Left out")


class Source(models.TextChoices):
    SCAN = "scan", _("Scan")
    REPORT = "report", _("Annotator")


# Kinds of findings and reports that make an output count as a violation once it is left out.
HARM: Final = ("harmful", "personal_data", "secret")


class Violating(models.TextChoices):
    """Which of two answers that were left out together does the harm."""

    FIRST = "first", _("The first")
    SECOND = "second", _("The second")
    BOTH = "both", _("Both")
    NEITHER = "neither", _("Neither; only their comparison is left out")


class ReviewItem(Row):
    """Something that a person has to look at in one study: a scan's or an annotator's word.

    About an output, about two (a pair), or about the prompt alone.
    """

    study = models.ForeignKey(Study, models.CASCADE, related_name="review_items")
    source = models.CharField(max_length=10, choices=Source.choices)
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="+")
    output = models.ForeignKey(Output, models.PROTECT, null=True, related_name="+")
    other = models.ForeignKey(Output, models.PROTECT, null=True, related_name="+")
    report = models.OneToOneField(Report, models.CASCADE, null=True, related_name="item")
    kinds = models.JSONField(default=list)
    verdict = models.CharField(max_length=10, choices=Verdict.choices, default=Verdict.OPEN)
    # Asked where two answers are left out for harm; one alone is the one that was decided on.
    violating = models.CharField(max_length=10, choices=Violating.choices, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["study", "prompt", "output", "other"],
                condition=Q(source="scan"),
                nulls_distinct=False,
                name="review_once_per_text",
            ),
        )
        indexes = (models.Index(fields=["study", "verdict", "-id"], name="review_open"),)

    @property
    def asks_which(self) -> bool:
        """Whether leaving it out needs a word about which of the two answers does harm."""
        return self.other_id is not None and not set(self.kinds).isdisjoint(HARM)


class CleanState(models.TextChoices):
    """Llama 2's words; by its numbers 'not clean' is from 20 % of the tokens, 'dirty' from 80 %."""

    CLEAN = "clean", _("Clean")
    NOT_CLEAN = "not_clean", _("Not clean")
    DIRTY = "dirty", _("Dirty")
    SHORT = "short", _("Too short to tell")


class ContaminationCheck(Row):
    """One look through a training corpus for the prompts of one version."""

    version = models.ForeignKey(
        PromptSetVersion, models.CASCADE, related_name="contamination_checks"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # Names and sizes; the fingerprint is over names, sizes and contents.
    files = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    rules = models.JSONField()
    bytes_read = models.BigIntegerField()
    bad_lines = models.PositiveIntegerField(default=0)
    seconds = models.FloatField()
    counts = models.JSONField()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["version", "fingerprint"], name="corpus_once"),
        )


class CorpusJob(FileJob):
    """A check that was asked for on a page or over the API: files to read, and how far it is."""

    version = models.ForeignKey(PromptSetVersion, models.CASCADE, related_name="corpus_jobs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # Where the operator keeps corpora; what was uploaded lies in ``parts``.
    paths = models.JSONField(default=list)
    field = models.CharField(max_length=100, blank=True)
    done_bytes = models.BigIntegerField(default=0)
    whole_bytes = models.BigIntegerField(default=0)
    check_row = models.ForeignKey(ContaminationCheck, models.SET_NULL, null=True, related_name="+")

    @property
    def percent(self) -> int | None:
        """None while the whole is not known: a packed file tells it at its end only."""
        if not self.whole_bytes or self.done_bytes > self.whole_bytes:
            return None
        return 100 * self.done_bytes // self.whole_bytes


class CorpusPart(FilePart):
    """A piece of an uploaded corpus file, which has a name since there may be several."""

    job = models.ForeignKey(CorpusJob, models.CASCADE, related_name="parts")
    file = models.CharField(max_length=255)

    class Meta(FilePart.Meta):
        constraints = (models.UniqueConstraint(fields=["job", "number"], name="corpus_part_once"),)


class PromptOverlap(models.Model):
    """How much of one prompt stands in the corpus of one check."""

    check_row = models.ForeignKey(ContaminationCheck, models.CASCADE, related_name="overlaps")
    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="overlaps")
    state = models.CharField(max_length=10, choices=CleanState.choices)
    tokens = models.PositiveIntegerField()
    gpt3 = models.BooleanField()
    palm = models.FloatField()
    llama3 = models.FloatField()
    llama2 = models.FloatField()
    passages = models.JSONField(default=list)

    class Meta:
        ordering = ("-llama2", "id")
        constraints = (
            models.UniqueConstraint(fields=["check_row", "prompt"], name="overlap_once"),
        )

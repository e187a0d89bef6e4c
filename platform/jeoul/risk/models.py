"""What scans found, what annotators reported, and what a person decided about it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models import Output, Prompt, RiskKind, Study


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

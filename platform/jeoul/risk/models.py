"""Annotators' reports lie here: what a person said is wrong with an item."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from jeoul.base import Row
from jeoul.studies.models import Output, Prompt, Study


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

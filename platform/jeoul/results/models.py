"""Stored analyses: what was computed, on which judgements, with which code and settings."""

from django.db import models

from jeoul.base import Row
from jeoul.studies.models import Output, Study


class Analysis(Row):
    """A stored result, re-computable from an export."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="analyses")
    # Changes whenever a judgement, an exclusion or a setting does.
    fingerprint = models.CharField(max_length=64)
    code_version = models.CharField(max_length=40)
    settings = models.JSONField()
    results = models.JSONField()
    # Charts as SVG by name, drawn with the analysis and never at each view.
    charts = models.JSONField(default=dict)
    judgements = models.PositiveIntegerField()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["study", "fingerprint"], name="analysis_once"),
        )


class TextFeature(models.Model):
    """What was measured of one output's text; measured again when the formulas change."""

    output = models.OneToOneField(Output, models.CASCADE, primary_key=True, related_name="feature")
    version = models.PositiveSmallIntegerField()
    # At the average rate of its script.
    seconds = models.FloatField()
    length = models.PositiveIntegerField()
    headers = models.PositiveIntegerField()
    bold = models.PositiveIntegerField()
    lists = models.PositiveIntegerField()

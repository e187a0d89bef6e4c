"""Stored analyses: what was computed, on which judgements, with which code and settings."""

from django.db import models
from django.utils import timezone

from jeoul.base import Row
from jeoul.comparisons.models import Comparison
from jeoul.studies.models import Criterion, Output, Study, SystemVersion


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
    # Made once; what it rests on may come back, as when an exclusion is taken back.
    current_from = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-current_from", "-id")
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


class CountMark(models.Model):
    """How far a study's counts go: over the judgements up to an id, and how many those are."""

    study = models.OneToOneField(Study, models.CASCADE, primary_key=True, related_name="count_mark")
    upto = models.BigIntegerField(default=0)
    judgements = models.PositiveBigIntegerField(default=0)
    # The last judgement's own id; ids up to the mark may belong to other studies.
    last = models.BigIntegerField(default=0)


class Dispute(models.Model):
    """A comparison in which each answer has won someone, and where it stands among such ones."""

    comparison = models.OneToOneField(
        Comparison, models.CASCADE, primary_key=True, related_name="dispute"
    )
    study = models.ForeignKey(Study, models.CASCADE, related_name="+", db_index=False)
    # The smallest is read first (jeoul.results.disputes).
    place = models.PositiveIntegerField()

    class Meta:
        indexes = (
            models.Index(fields=["study", "place", "comparison"], name="dispute_most_first"),
        )


class PairCount(models.Model):
    """Judgements in force of one criterion, pair, slice of the prompts, side of A, and choice.

    ``slice`` is empty for all prompts. Exclusions are decided later than judgements and can be
    lifted, so that they are taken off at reading (jeoul.results.counting).
    """

    study = models.ForeignKey(Study, models.CASCADE, related_name="pair_counts", db_index=False)
    criterion = models.ForeignKey(Criterion, models.CASCADE, related_name="+", db_index=False)
    system_a = models.ForeignKey(SystemVersion, models.PROTECT, related_name="+", db_index=False)
    system_b = models.ForeignKey(SystemVersion, models.PROTECT, related_name="+", db_index=False)
    slice = models.CharField(max_length=20, blank=True)
    value = models.TextField(blank=True)
    side = models.SmallIntegerField()
    machine = models.BooleanField()
    outcome = models.PositiveSmallIntegerField()
    grade = models.SmallIntegerField()
    n = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["study", "criterion", "system_a", "system_b", "slice", "value", "side",
                        "machine", "outcome", "grade"],
                name="pair_count_once",
            ),
        )  # fmt: skip

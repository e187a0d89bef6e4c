"""Making analyses, storing them, finding the latest."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from jeoul import __version__
from jeoul.comparisons.models import Judgement
from jeoul.quality.actions import raise_flags
from jeoul.results.compute import analysis_settings, compute
from jeoul.results.fingerprints import fingerprint
from jeoul.results.models import Analysis
from jeoul.studies.models import Study

KEPT = 20


def latest_analysis(study: Study) -> Analysis | None:
    """The stored analysis that was current last; its charts are read only when they are asked for.

    Its results are shared by all who read them in this process: they are not to be changed.
    """
    found = study.analyses.defer("charts", "results").first()
    if found is not None:
        found.results = _results(found.uuid)
    return found


@lru_cache(maxsize=8)
def _results(analysis: UUID) -> Any:
    """A stored analysis never changes; reading half a megabyte of JSON takes longer than a page."""
    return Analysis.objects.values_list("results", flat=True).get(uuid=analysis)


def is_current(analysis: Analysis | None, study: Study) -> bool:
    """Whether nothing has changed since ``analysis`` was made."""
    return analysis is not None and analysis.fingerprint == fingerprint(study, analysis_settings())


def current_results(*, study: Study) -> dict[str, Any]:
    """The results of what is stored now, without charts; from the store where nothing changed."""
    latest = latest_analysis(study)
    if latest is not None and is_current(latest, study):
        return dict(latest.results)
    return compute(study)[0]


def analyse_study(*, study: Study) -> Analysis | None:
    """Compute, draw and store the results, and raise flags; None without a judgement.

    The same judgements, exclusions, settings and code give the stored analysis again, which then
    is the latest: an exclusion that is taken back leads to results that are there already.
    """
    settings = analysis_settings()
    seen = fingerprint(study, settings)
    stored = study.analyses.filter(fingerprint=seen).first()
    if stored:
        stored.current_from = timezone.now()
        stored.save(update_fields=["current_from"])
        return stored
    if not Judgement.objects.filter(study=study).exists():
        return None
    results, found = compute(study)
    # The renderer costs 130 MB and a second: only the job that draws loads it.
    from jeoul.results.charts import draw_charts

    charts = draw_charts(results)
    with transaction.atomic():
        raise_flags(study=study, found=found)
        analysis, _ = Analysis.objects.get_or_create(
            study=study,
            fingerprint=seen,
            defaults={
                "code_version": __version__,
                "settings": settings,
                "results": results,
                "charts": charts,
                "judgements": results["judgements"],
            },
        )
        # Every look in between can be computed again from the rows; only the last are kept.
        old = study.analyses.values_list("pk", flat=True)[KEPT:]
        study.analyses.filter(pk__in=list(old)).delete()
    return analysis


def studies_to_analyse() -> list[Study]:
    """Studies with judgements whose latest analysis is out of date."""
    judged = Judgement.objects.filter(study=OuterRef("pk"))
    return [
        study
        for study in Study.objects.filter(Exists(judged)).exclude(state="archived")
        if not is_current(latest_analysis(study), study)
    ]

"""Doors to what judgements mean: flags, workers and comparisons of one study, or 404."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from jeoul.comparisons.models import Comparison, Judgement
from jeoul.quality.models import Flag
from jeoul.studies.models import Study
from jeoul.workers.models import Worker


def get_flag(study: Study, uuid: UUID) -> Flag:
    found = study.flags.filter(uuid=uuid).select_related("worker", "study").first()
    if found is None:
        raise Http404("No such flag.")
    return found


def get_worker(study: Study, pseudonym: str) -> Worker:
    """A worker who is enrolled in the study."""
    found = Worker.objects.filter(enrolments__study=study, pseudonym=pseudonym).first()
    if found is None:
        raise Http404("No such worker in this study.")
    return found


def get_comparison(study: Study, uuid: UUID) -> Comparison:
    found = (
        study.comparisons.filter(uuid=uuid)
        .select_related("prompt", "system_a__system", "system_b__system", "output_a", "output_b")
        .first()
    )
    if found is None:
        raise Http404("No such comparison.")
    return found


def judgements_in_force(study: Study) -> QuerySet[Judgement]:
    """The study's judgements without those that a later one supersedes."""
    return (
        Judgement.objects.filter(study=study, superseded_by=None)
        .select_related(
            "comparison__prompt",
            "comparison__system_a__system",
            "comparison__system_b__system",
            "worker",
        )
        .prefetch_related("answers__criterion")
    )

"""Analyses, one job per study whose judgements changed."""

from django.core.cache import cache
from jeoul.results.actions import analyse_study, studies_to_analyse
from jeoul.results.effects import keep_effect
from jeoul.results.gate_state import gate_of
from jeoul.studies.models import Study
from jeoul.workers.models import Worker

from tasks.celery import app

# An analysis that is being made is not asked for again for this long.
_ASKED_SECONDS = 120


@app.task(name="tasks.analyses.analyse")
def analyse(study_id: int) -> None:
    """Make the study's analysis; the second of two runs finds it made."""
    try:
        analyse_study(study=Study.objects.get(pk=study_id))
    finally:
        cache.delete(f"analysis:{study_id}")


@app.task(name="tasks.analyses.effect")
def effect(study_id: int, worker_id: int) -> None:
    """What leaving a worker out would change, for the page that waits for it."""
    try:
        keep_effect(Study.objects.get(pk=study_id), Worker.objects.get(pk=worker_id))
    finally:
        cache.delete(f"effect-asked:{study_id}:{worker_id}")


@app.task(name="tasks.analyses.gate")
def gate(study_id: int) -> None:
    """The gate's answer, for the page that waits for it."""
    try:
        gate_of(Study.objects.get(pk=study_id))
    finally:
        cache.delete(f"gate-asked:{study_id}")


def request_gate(study_id: int) -> None:
    """Queue it unless it is under way."""
    if cache.add(f"gate-asked:{study_id}", 1, _ASKED_SECONDS):
        gate.delay(study_id)


def request_effect(study_id: int, worker_id: int) -> None:
    """Queue it unless it is under way."""
    if cache.add(f"effect-asked:{study_id}:{worker_id}", 1, _ASKED_SECONDS):
        effect.delay(study_id, worker_id)


@app.task(name="tasks.analyses.stale")
def stale() -> None:
    """Ask for the analyses that are out of date."""
    for study in studies_to_analyse():
        request_analysis(study.pk)


def request_analysis(study_id: int) -> None:
    """Queue an analysis unless one is under way."""
    if cache.add(f"analysis:{study_id}", 1, _ASKED_SECONDS):
        analyse.delay(study_id)

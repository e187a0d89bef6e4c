"""Analyses, one job per study whose judgements changed: soon after they came, but not all the time.

A submit asks for the analysis by one look at a dictionary, and every few seconds by one word to
the broker. How soon it then runs depends on what the last one took, so that a study of a million
judgements does not keep a core busy while people work. The sweep finds what a lost broker lost.
"""

import time
from typing import Final

import structlog
from celery.exceptions import OperationalError
from django.core.cache import cache
from jeoul.results.actions import analyse_study, studies_to_analyse
from jeoul.results.counting import advance_counts
from jeoul.results.effects import keep_effect
from jeoul.results.gate_state import gate_of
from jeoul.studies.models import Study
from jeoul.workers.models import Worker
from redis.exceptions import RedisError

from tasks.celery import app

log = structlog.get_logger()

# A job that was asked for is not asked for again for this long, unless it ended.
_ASKED_SECONDS: Final = 120
# Nor an analysis that has not begun: those of a busy study may have to wait.
_WAITING_SECONDS: Final = 600
# One runs at a time; a lost job's mark is forgotten after this long.
_RUNNING_SECONDS: Final = 900
# Judgements of so many seconds are analysed together, longer than a process stays silent.
_GATHERED_SECONDS: Final = 10
_SILENT_SECONDS: Final = 5
# An analysis may take this share of the time at most.
_REST: Final = 10

_told: dict[int, float] = {}


@app.task(name="tasks.analyses.analyse")
def analyse(study_id: int) -> None:
    """Bring the study's counts and its analysis up to date; the second of two runs finds both."""
    # What comes from now on may be missed by this run: it has to ask again.
    cache.delete(_asked(study_id))
    if not cache.add(f"analysing:{study_id}", 1, _RUNNING_SECONDS):
        request_analysis(study_id, after=_GATHERED_SECONDS)
        return
    began = time.monotonic()
    try:
        study = Study.objects.get(pk=study_id)
        advance_counts(study)
        analyse_study(study=study)
    finally:
        cache.delete(f"analysing:{study_id}")
        cache.set(_rest(study_id), 1, max(1, int(_REST * (time.monotonic() - began))))


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
        if not cache.get(_rest(study.pk)):
            request_analysis(study.pk)


def request_analysis(study_id: int, *, after: int = 0) -> None:
    """Queue an analysis, to begin ``after`` seconds, unless one is waiting to begin."""
    if cache.add(_asked(study_id), 1, _WAITING_SECONDS):
        analyse.apply_async((study_id,), countdown=after)


def judgement_came(study_id: int) -> None:
    """Have a new judgement analysed soon; never raises, for the judgement is stored already."""
    now = time.monotonic()
    if now - _told.get(study_id, -_SILENT_SECONDS) < _SILENT_SECONDS:
        return
    _told[study_id] = now
    try:
        if not cache.get(_rest(study_id)):
            request_analysis(study_id, after=_GATHERED_SECONDS)
    except (RedisError, OperationalError):
        log.warning("analysis.not_asked", study=study_id)


def _asked(study_id: int) -> str:
    return f"analysis:{study_id}"


def _rest(study_id: int) -> str:
    return f"analysis-rest:{study_id}"

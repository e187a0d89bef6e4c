"""What the database says is due: each sweep may run at any time, any number of times."""

from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from jeoul.accounts.actions import forget_answers
from jeoul.comparisons.building import mark_ready
from jeoul.comparisons.chain import seal_all
from jeoul.comparisons.holding import expire_assignments
from jeoul.studies.generation.actions import connections_due
from jeoul.studies.generation.retention import forget_attempts

from tasks.celery import app
from tasks.generation import start


@app.task(name="tasks.sweeps.due_outputs")
def due_outputs() -> None:
    """Start jobs of connections with due outputs, open comparisons whose outputs are there."""
    for connection_id in connections_due():
        start(connection_id)
    mark_ready(scan_here=0)


@app.task(name="tasks.sweeps.reservations")
def reservations() -> None:
    """Free the places of reservations that ran out."""
    while expire_assignments():
        pass


@app.task(name="tasks.sweeps.chain")
def chain() -> None:
    """Link new judgements into their studies' hash chains."""
    seal_all()


@app.task(name="tasks.sweeps.attempts")
def attempts() -> None:
    """Forget old tries, once an hour; what they cost stays counted."""
    if not cache.add("attempts-swept", 1, 3600):
        return
    before = timezone.now() - timedelta(days=settings.ATTEMPT_DAYS)
    while settings.ATTEMPT_DAYS and forget_attempts(before=before):
        pass


@app.task(name="tasks.sweeps.answers")
def answers() -> None:
    """Forget the answers kept for repeated API writes when their day is over."""
    forget_answers()

"""What the database says is due: each sweep may run at any time, any number of times."""

from django.core.cache import cache
from jeoul.comparisons.actions import expire_assignments
from jeoul.comparisons.building import mark_ready
from jeoul.comparisons.chain import seal_all
from jeoul.studies.generation.actions import outputs_due

from tasks.celery import app
from tasks.generation import enqueue

_BATCH = 200
# A queued output is not queued again for this long; a lost queue costs no more than it.
_QUEUED_SECONDS = 30


@app.task(name="tasks.sweeps.due_outputs")
def due_outputs() -> None:
    """Queue outputs that are due, and open comparisons whose outputs are there."""
    enqueue(
        [pk for pk in outputs_due(limit=_BATCH) if cache.add(f"queued:{pk}", 1, _QUEUED_SECONDS)]
    )
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

"""Candidate outputs, one job each."""

from jeoul.comparisons.building import mark_ready
from jeoul.studies.generation.actions import generate_output

from tasks.celery import app


@app.task(name="tasks.generation.generate")
def generate(output_id: int) -> None:
    """Make one output; a second run, or one while another holds the lease, does nothing."""
    if generate_output(output_id=output_id):
        mark_ready(output_id=output_id)


def enqueue(ids: list[int]) -> None:
    """Put outputs on the queue; losing it loses nothing, the sweep finds them."""
    for output_id in ids:
        generate.delay(output_id)

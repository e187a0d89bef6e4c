"""Candidate outputs, one job each."""

from jeoul.studies.generation.actions import generate_output

from tasks.celery import app
from tasks.risk import scan


@app.task(name="tasks.generation.generate")
def generate(output_id: int) -> None:
    """Make one output; a second run, or one while another holds the lease, does nothing."""
    if generate_output(output_id=output_id):
        # A job of its own: no provider's slot is held while a text is scanned.
        scan.delay(output_id)


def enqueue(ids: list[int]) -> None:
    """Put outputs on the queue; losing it loses nothing, the sweep finds them."""
    for output_id in ids:
        generate.delay(output_id)

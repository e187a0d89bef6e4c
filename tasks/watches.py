"""Golden sets that are asked again on a schedule, and trials of connections."""

from jeoul.results.drift import close_rounds
from jeoul.studies.models import Connection
from jeoul.studies.watching import begin_due_rounds

from tasks.celery import app


@app.task(name="tasks.watches.rounds")
def rounds() -> None:
    """Begin rounds that are due, close those that are made; any number of times does no more."""
    begin_due_rounds()
    close_rounds()


@app.task(name="tasks.watches.test_connection")
def test_connection(connection_id: int, model: str) -> None:
    """Try a connection for a page that waits for the report."""
    # Only here, since a web process that enqueues needs no client libraries.
    from jeoul.studies.generation.probing import probe

    probe(connection=Connection.objects.get(pk=connection_id), model=model)

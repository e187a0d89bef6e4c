"""Writing down what is owed."""

from jeoul.payments.actions import note_owed
from jeoul.studies.models import Study

from tasks.celery import app


@app.task(name="tasks.money.owed")
def owed() -> None:
    """Every study that pays; each run adds only what is missing."""
    for study in Study.objects.filter(pay_per_judgement__gt=0).exclude(state="archived"):
        while note_owed(study=study):
            pass

"""The Celery application: what happens with nobody watching."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")

app = Celery(
    "jeoul",
    include=[
        "tasks.alerts",
        "tasks.analyses",
        "tasks.generation",
        "tasks.money",
        "tasks.risk",
        "tasks.sweeps",
        "tasks.watches",
    ],
)
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.on_after_configure.connect
def _schedule(sender: Celery, **_: object) -> None:
    from django.conf import settings  # settings are ready only when the app is configured

    for name in (
        "sweeps.due_outputs",
        "sweeps.reservations",
        "sweeps.chain",
        "sweeps.answers",
        "sweeps.attempts",
        "analyses.stale",
        "alerts.watch",
        "money.owed",
        "risk.unscanned",
        "risk.waiting_uploads",
        "watches.rounds",
    ):
        sender.add_periodic_task(
            settings.SWEEP_SECONDS, sender.signature(f"tasks.{name}"), name=name
        )

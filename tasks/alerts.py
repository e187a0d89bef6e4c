"""Watching running studies and telling their researchers."""

from django.conf import settings
from django.core.cache import cache
from jeoul.conduct.alerts import deliver_alert, due_alerts, raise_alerts
from jeoul.studies.models import Study, StudyState

from tasks.celery import app


@app.task(name="tasks.alerts.watch")
def watch() -> None:
    """Look at each running study once in three sweeps, and send what is due."""
    for study in Study.objects.filter(state__in=[StudyState.RUNNING, StudyState.PAUSED]):
        if cache.add(f"watched:{study.pk}", 1, 3 * settings.SWEEP_SECONDS):
            raise_alerts(study=study)
    for alert_id in due_alerts():
        deliver.delay(alert_id)


@app.task(name="tasks.alerts.deliver")
def deliver(alert_id: int) -> None:
    """Send one alert; a second run finds it sent."""
    deliver_alert(alert_id=alert_id)

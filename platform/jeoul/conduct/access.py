"""Doors: alerts of one study, or 404."""

from uuid import UUID

from django.http import Http404

from jeoul.conduct.models import Alert
from jeoul.studies.models import Study


def get_alert(study: Study, uuid: UUID) -> Alert:
    found = study.alerts.filter(uuid=uuid).first()
    if found is None:
        raise Http404("No such alert.")
    return found

"""Doors to review items: of the studies this person may read."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from jeoul.risk.models import ReviewItem
from jeoul.studies.models import Study


def review_items(study: Study) -> QuerySet[ReviewItem]:
    return study.review_items.select_related(
        "prompt__prompt_set",
        "output__system_version__system",
        "other__system_version__system",
        "report",
        "decided_by",
    )


def get_review_item(study: Study, uuid: UUID | str) -> ReviewItem:
    """The study's item or 404; who may read the study was asked before."""
    found = review_items(study).filter(uuid=uuid).first()
    if found is None:
        raise Http404("No such review item.")
    return found

"""Old tries: what they cost is kept with their study, their words are not kept for ever."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import F

from jeoul.studies.models import Attempt, Study

_MOST: Final = 5000


@transaction.atomic
def forget_attempts(*, before: datetime) -> int:
    """Delete some thousand tries that ended before then; returns how many.

    Adds their cost to their studies' rows, so that caps and sums stay what they were. Locks the
    tries and those rows.
    """
    rows = list(
        Attempt.objects.filter(finished_at__lt=before)
        .select_for_update(skip_locked=True)
        .order_by("pk")
        .values_list("pk", "study_id", "cost")[:_MOST]
    )
    spent: dict[int, Decimal] = defaultdict(Decimal)
    for _pk, study_id, cost in rows:
        if study_id is not None:
            spent[study_id] += cost
    for study_id in sorted(spent):
        Study.objects.filter(pk=study_id).update(spent_before=F("spent_before") + spent[study_id])
    Attempt.objects.filter(pk__in=[pk for pk, _study, _cost in rows]).delete()
    return len(rows)

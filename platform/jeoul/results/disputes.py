"""The most disputed comparisons, the first to be read: kept by the job that counts.

A comparison is disputed where each answer has won someone. One split evenly stands before one
with a single voice against many, and of two split alike the one with more votes:

    evenness = 4 a b / n²   of a wins for A, b wins for B, n votes with ties and both bad
"""

from typing import Final

from django.db import connection
from django.db.models import F, QuerySet

from jeoul.comparisons.models import Comparison
from jeoul.results.models import Dispute
from jeoul.studies.models import Study

# The place grows as the dispute calms down, so that the list is read from its start.
_PLACES: Final = """
    SELECT comparison_id, study_id,
           1000 * (1000 - (4000 * a * b / (n * n))) + GREATEST(0, 999 - n) AS place
    FROM (
        SELECT j.comparison_id, j.study_id, COUNT(*) AS n,
               COUNT(*) FILTER (WHERE s.outcome = 0) AS a,
               COUNT(*) FILTER (WHERE s.outcome = 1) AS b
        FROM comparisons_judgement j
        JOIN comparisons_assignment h ON h.id = j.assignment_id AND h.repeat = 0
        JOIN comparisons_answer s ON s.judgement_id = j.id
        JOIN studies_criterion c ON c.id = s.criterion_id AND c.is_overall
        WHERE j.comparison_id IN ({touched})
        AND NOT EXISTS (SELECT FROM comparisons_judgement l WHERE l.supersedes_id = j.id)
        GROUP BY 1, 2
    ) votes WHERE a > 0 AND b > 0
"""
_TOUCHED: Final = (
    "SELECT comparison_id FROM comparisons_judgement "
    "WHERE study_id = %(study)s AND id > %(low)s AND id <= %(high)s"
)
_TABLE: Final = Dispute._meta.db_table


def place_disputes(study: Study, *, low: int, high: int) -> None:
    """Place the comparisons that judgements of these ids touched; the caller holds the mark."""
    values = {"study": study.pk, "low": low, "high": high}
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_TABLE} WHERE comparison_id IN ({_TOUCHED})", values)  # noqa: S608
        cursor.execute(
            f"INSERT INTO {_TABLE} (comparison_id, study_id, place) "
            + _PLACES.format(touched=_TOUCHED),
            values,
        )


def disputed(rows: QuerySet[Comparison], study: Study) -> QuerySet[Comparison]:
    """Those of the study's comparisons that were disputed when last counted, with their place."""
    return rows.filter(dispute__study=study).annotate(place=F("dispute__place"))

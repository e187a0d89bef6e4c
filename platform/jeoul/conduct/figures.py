"""The figures of a running study; the same cost whatever is stored where it can be had."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from jeoul.conduct.rules import Share, Watched
from jeoul.lately import lately, takes_long
from jeoul.quality.models import FlagState
from jeoul.results.models import Analysis
from jeoul.results.progress import StudyProgress, study_progress
from jeoul.studies.models import Connection, OutputState, Study

# The newest judgements that medians and falls are read from.
_NEWEST: Final = 1000
_GOLD: Final = 400
# So many rows are counted at every look.
FEW: Final = 2000

_MEDIAN = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), count(seconds) FROM (
    SELECT COALESCE(t.visible_ms / 1000.0, j.seconds) AS seconds
    FROM (
        SELECT id, seconds, imported FROM comparisons_judgement
        WHERE study_id = %s ORDER BY id DESC LIMIT %s
    ) j LEFT JOIN comparisons_telemetry t ON t.judgement_id = j.id
    WHERE NOT j.imported
) newest
"""
# Of each comparison among the newest: how many pairs of votes, and how many of them agree.
_AGREEMENT = """
WITH newest AS (
    SELECT j.id, j.comparison_id, a.outcome
    FROM comparisons_judgement j
    JOIN comparisons_answer a ON a.judgement_id = j.id
    JOIN studies_criterion c ON c.id = a.criterion_id AND c.is_overall
    JOIN comparisons_comparison x ON x.id = j.comparison_id AND x.kind = 'real'
    WHERE j.study_id = %s ORDER BY j.id DESC LIMIT %s
), counted AS (
    SELECT comparison_id, outcome, count(*) AS n, max(id) AS last FROM newest GROUP BY 1, 2
)
SELECT max(last) AS at, sum(n) * (sum(n) - 1) / 2, sum(n * (n - 1) / 2)
FROM counted GROUP BY comparison_id HAVING sum(n) > 1 ORDER BY at
"""
_GOLD_ANSWERS = """
SELECT CASE a.outcome WHEN 0 THEN 1 WHEN 1 THEN -1 ELSE 0 END = x.gold_sign
FROM comparisons_judgement j
JOIN comparisons_answer a ON a.judgement_id = j.id
JOIN studies_criterion c ON c.id = a.criterion_id AND c.is_overall
JOIN comparisons_comparison x ON x.id = j.comparison_id AND x.kind = 'gold'
WHERE j.study_id = %s ORDER BY j.id DESC LIMIT %s
"""


@dataclass(frozen=True)
class Counts:
    """What takes reading many rows to know."""

    progress: StudyProgress
    median_seconds: float | None
    timed: int


@dataclass(frozen=True)
class Figures:
    """What stands beside the progress of a study."""

    median_seconds: float | None
    timed: int
    hourly_pay: Decimal | None
    spent: Decimal
    flags: int
    reports: int
    agreement: dict[str, Any] | None

    def under(self, floor: Decimal) -> bool:
        return self.hourly_pay is not None and self.hourly_pay < floor


def _rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def median_seconds(study: Study) -> tuple[float | None, int]:
    """Of the newest judgements, and how many of them were timed."""
    ((median, n),) = _rows(_MEDIAN, study.pk, _NEWEST)
    return median, n


def hourly_pay(study: Study, median: float | None) -> Decimal | None:
    """What an hour earns at the median time; None where nothing is paid or timed."""
    if not median or study.pay_per_judgement <= 0:
        return None
    return study.pay_per_judgement * 3600 / Decimal(median)


def count(study: Study) -> Counts:
    """As it is now; seven queries, and every comparison and output is read once."""
    return Counts(study_progress(study), *median_seconds(study))


def count_lately(study: Study) -> Counts:
    """As it was a few seconds ago at most, in the state that the study is in; of few, as it is."""
    return lately(_key(study), lambda: count(study), worth=_of_many)


def counting_takes_long(study: Study) -> bool:
    return takes_long(_key(study), study.comparisons.all(), FEW)


def _key(study: Study) -> str:
    paused = study.generation_paused_at is not None
    return f"counts:{study.uuid}:{study.state}:{study.plan_hash}:{paused}"


def _of_many(counts: Counts) -> bool:
    return counts.progress.outputs + counts.progress.comparisons > FEW


def figures(study: Study, counts: Counts, analysis: Analysis | None) -> Figures:
    """Two queries."""
    progress = counts.progress
    return Figures(
        median_seconds=counts.median_seconds,
        timed=counts.timed,
        hourly_pay=hourly_pay(study, counts.median_seconds),
        spent=progress.people_cost + progress.generation_cost,
        flags=study.flags.filter(state=FlagState.OPEN).count(),
        reports=study.reports.filter(handled_at=None).count(),
        agreement=_agreement(analysis) if analysis else None,
    )


def _agreement(analysis: Analysis) -> dict[str, Any] | None:
    """The overall criterion's nominal alpha with its interval, as it was last computed."""
    for criterion in analysis.results["criteria"]:
        if criterion["is_overall"]:
            found: dict[str, Any] = (criterion["agreement"] or {}).get("nominal") or {}
            return found if found.get("alpha") is not None else None
    return None


def _halves(rows: list[tuple[int, int]]) -> tuple[Share, Share]:
    """The older three quarters and the newest quarter of (n, good), oldest first."""
    cut = len(rows) - len(rows) // 4
    before, recent = rows[:cut], rows[cut:]
    return (
        Share(sum(int(good) for _n, good in before), sum(int(n) for n, _good in before)),
        Share(sum(int(good) for _n, good in recent), sum(int(n) for n, _good in recent)),
    )


def watched(study: Study, progress: StudyProgress) -> Watched:
    """What the rules of the alerts look at."""
    median, timed = median_seconds(study)
    agreement = [(n, good) for _at, n, good in _rows(_AGREEMENT, study.pk, 2 * _NEWEST)]
    gold = [(1, int(right)) for (right,) in reversed(_rows(_GOLD_ANSWERS, study.pk, _GOLD))]
    return Watched(
        planned=progress.planned,
        judged=progress.judged,
        budget=study.budget,
        spent=progress.people_cost + progress.generation_cost,
        floor=study.pay_floor_per_hour,
        hourly_pay=hourly_pay(study, median),
        timed=timed,
        agreement=_halves(agreement),
        gold=_halves(gold),
        failing=_failing(study),
    )


def _failing(study: Study) -> dict[str, str]:
    """Connections that hold back while this study still waits for their outputs."""
    held = Connection.objects.filter(
        hold_until__gt=timezone.now(),
        versions__studies=study,
        versions__outputs__state=OutputState.DUE,
    ).distinct()
    return {c.name: c.hold_reason for c in held}

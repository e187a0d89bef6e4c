"""Counts kept per pair, slice, side shown and choice: advanced over new judgements, read exactly.

A job moves a study's mark over the judgements that came and adds their answers to the counts;
nothing is done while somebody submits. Whoever reads adds what lies behind the mark and takes
off what a decision leaves out, so that the counts are right at every moment:

    in force = kept up to the mark + judgements behind it − workers and prompts left out

A judgement that supersedes another adds its own answers and takes the other's off.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction

from jeoul.results.data import excluded_workers
from jeoul.results.disputes import place_disputes
from jeoul.results.inputs import SLICES
from jeoul.results.models import CountMark, PairCount
from jeoul.risk.contamination.actions import left_out_prompts
from jeoul.studies.models import Study

# How long a job waits for transactions that began before it; the next sweep tries again.
_PATIENCE_SECONDS: Final = 2.0

_KEY: Final = "criterion_id, system_a_id, system_b_id, slice, value, side, machine, outcome, grade"
# Rows that stand with their sign: those in a range of ids, less those that they supersede.
_SIGNED: Final = """
    SELECT id, 1 AS sign FROM comparisons_judgement
    WHERE study_id = %(study)s AND id > %(low)s AND id <= %(high)s
    UNION ALL
    SELECT supersedes_id, -1 FROM comparisons_judgement
    WHERE study_id = %(study)s AND id > %(low)s AND id <= %(high)s AND supersedes_id IS NOT NULL
"""
_LEFT_OUT: Final = """
    SELECT j.id, -1 AS sign FROM comparisons_judgement j
    JOIN comparisons_comparison c ON c.id = j.comparison_id
    WHERE j.study_id = %(study)s AND j.id <= %(high)s
    AND (j.worker_id = ANY(%(workers)s) OR c.prompt_id = ANY(%(prompts)s))
    AND NOT EXISTS (SELECT FROM comparisons_judgement l
                    WHERE l.supersedes_id = j.id AND l.id <= %(high)s)
"""
# Asked again with the sides swapped is no vote of its own; known items are none at all.
_COUNTED: Final = f"""
    SELECT a.criterion_id, c.system_a_id, c.system_b_id, s.slice, s.value,
           CASE WHEN j.a_on_left THEN 1 WHEN NOT j.a_on_left THEN -1 ELSE 0 END AS side,
           v.kind = 'machine' AS machine, a.outcome, COALESCE(a.grade, 0) AS grade,
           SUM(signed.sign) AS n
    FROM ({{signed}}) signed
    JOIN comparisons_judgement j ON j.id = signed.id
    JOIN comparisons_assignment h ON h.id = j.assignment_id AND h.repeat = 0
    JOIN comparisons_comparison c ON c.id = j.comparison_id AND c.kind = 'real'
    JOIN comparisons_answer a ON a.judgement_id = j.id
    JOIN workers_worker w ON w.id = j.worker_id
    JOIN workers_vendor v ON v.id = w.vendor_id
    JOIN studies_prompt p ON p.id = c.prompt_id
    CROSS JOIN LATERAL (VALUES ('', ''), {", ".join(f"('{s}', p.{s})" for s in SLICES)})
        AS s (slice, value)
    WHERE s.slice = '' OR s.value <> ''
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    HAVING SUM(signed.sign) <> 0
"""  # noqa: S608
_END: Final = 2**62
_CHOICES: Final = ("a", "b", "tie", "both_bad")


@dataclass(frozen=True)
class Seen:
    """How many judgements there are, superseded ones too, and the id of the last one."""

    judgements: int
    last: int


def seen(study: Study) -> Seen:
    """What a fingerprint holds of the judgements: they only ever grow, so this tells them."""
    mark = CountMark.objects.filter(study=study).first()
    upto, kept = (mark.upto, mark.judgements) if mark else (0, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*), MAX(id) FROM comparisons_judgement WHERE study_id = %s AND id > %s",
            [study.pk, upto],
        )
        n, last = cursor.fetchone()
    return Seen(kept + n, last or (mark.last if mark else 0))


def advance_counts(study: Study) -> bool:
    """Move the study's mark over all judgements that are there; whether it could be moved.

    Ids are given out before they are committed: the mark may only pass them when every
    transaction that could still hold one has ended. Takes the lock of the mark.
    """
    high = _settled()
    if high is None:
        return False
    with transaction.atomic():
        CountMark.objects.get_or_create(study=study)
        mark = CountMark.objects.select_for_update().get(study=study)
        if high > mark.upto:
            place_disputes(study, low=mark.upto, high=high)
            _add(study, mark, high)
    return True


def all_counted(study: Study) -> bool:
    """Whether no judgement lies behind the mark."""
    mark = CountMark.objects.filter(study=study).first()
    return not study.judgements.order_by().filter(pk__gt=mark.upto if mark else 0).exists()


def _settled() -> int | None:
    """The last id given out so far, once no transaction of that time is still running."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT last_value, pg_snapshot_xmax(pg_current_snapshot())::text::bigint "
            "FROM comparisons_judgement_id_seq"
        )
        high, next_transaction = cursor.fetchone()
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if cursor.fetchone()[0] >= next_transaction:
                return int(high)
            if time.monotonic() > end or connection.in_atomic_block:
                return None
            time.sleep(0.02)


def _add(study: Study, mark: CountMark, high: int) -> None:
    values = {"study": study.pk, "low": mark.upto, "high": high}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {PairCount._meta.db_table} (study_id, {_KEY}, n) "  # noqa: S608
            f"SELECT %(study)s, counted.* FROM ({_COUNTED.format(signed=_SIGNED)}) counted "
            f"ON CONFLICT (study_id, {_KEY}) DO UPDATE SET n = results_paircount.n + EXCLUDED.n",
            values,
        )
        cursor.execute(
            "SELECT COUNT(*), MAX(id) FROM comparisons_judgement "
            "WHERE study_id = %(study)s AND id > %(low)s AND id <= %(high)s",
            values,
        )
        n, last = cursor.fetchone()
    mark.upto, mark.judgements, mark.last = high, mark.judgements + n, last or mark.last
    mark.save(update_fields=["upto", "judgements", "last"])


def counts_of(study: Study) -> list[dict[str, Any]]:
    """Judgements in force by criterion, pair, slice ('' for all), side, judge and choice, now.

    Fields as PairCount; pairs as they were stored, `outcome` 0 A, 1 B, 2 tie, 3 both bad.
    """
    workers, prompts = excluded_workers(study), left_out_prompts(study)
    values: dict[str, Any] = {
        "study": study.pk,
        "high": _END,
        "workers": list(workers),
        "prompts": list(prompts),
    }
    parts = [
        f"SELECT {_KEY}, n FROM results_paircount WHERE study_id = %(study)s",  # noqa: S608
        _COUNTED.format(signed=_SIGNED),
    ]
    if workers or prompts:
        parts.append(_COUNTED.format(signed=_LEFT_OUT))
    union = " UNION ALL ".join(f"({part})" for part in parts)
    with _one_snapshot(), connection.cursor() as cursor:
        mark = CountMark.objects.filter(study=study).first()
        cursor.execute(
            f"SELECT {_KEY}, SUM(n) AS n FROM ({union}) parts GROUP BY {_KEY} "  # noqa: S608
            f"HAVING SUM(n) <> 0 ORDER BY {_KEY}",
            values | {"low": mark.upto if mark else 0},
        )
        assert cursor.description
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) | {"n": int(row[-1])} for row in cursor]


def named_counts(study: Study) -> list[dict[str, Any]]:
    """counts_of with names for the codes, as files and programs read them."""
    labels = {e.system_version_id: e.system_version.label
              for e in study.entries.select_related("system_version__system")}  # fmt: skip
    criteria = dict(study.criteria.values_list("pk", "key"))
    return [
        {
            "criterion": criteria[row["criterion_id"]],
            "system_a": labels[row["system_a_id"]],
            "system_b": labels[row["system_b_id"]],
            "slice": row["slice"],
            "value": row["value"],
            "left": {1: "a", -1: "b"}.get(row["side"], ""),
            "machine": row["machine"],
            "choice": _CHOICES[row["outcome"]],
            "grade": row["grade"],
            "n": row["n"],
        }
        for row in counts_of(study)
    ]


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """The mark and what lies behind it must be of one moment."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield

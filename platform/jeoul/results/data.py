"""Rows to arrays: the only bridge from the database to the analysis.

The judgements in force come by one COPY as CSV and are parsed by Arrow, since Django's rows
would cost a hundred times the reading.
"""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from django.db import connection
from django.db.models import Count, Max
from numpy.typing import NDArray

from jeoul import __version__
from jeoul.analysis.counts import Votes
from jeoul.quality.models import Exclusion
from jeoul.quality.reading import reading_seconds
from jeoul.studies.models import Output, Study
from jeoul.workers.models import Worker

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_COLUMNS = {
    "criterion": pa.int64(),
    "judgement": pa.int64(),
    "comparison": pa.int64(),
    "kind": pa.string(),
    "gold_sign": pa.float64(),
    "prompt": pa.int64(),
    "worker": pa.int64(),
    "system_a": pa.int64(),
    "system_b": pa.int64(),
    "output_a": pa.int64(),
    "output_b": pa.int64(),
    "outcome": pa.int64(),
    "grade": pa.float64(),
    "left": pa.int64(),
    "seconds": pa.float64(),
}
_QUERY = """
COPY (
    SELECT a.criterion_id, j.id, c.id, c.kind, c.gold_sign, c.prompt_id, j.worker_id,
           c.system_a_id, c.system_b_id, c.output_a_id, c.output_b_id, a.outcome, a.grade,
           CASE WHEN j.a_on_left IS NULL THEN 0 WHEN j.a_on_left THEN 1 ELSE -1 END,
           COALESCE(t.visible_ms / 1000.0, j.seconds)
    FROM comparisons_judgement j
    JOIN comparisons_answer a ON a.judgement_id = j.id
    JOIN comparisons_comparison c ON c.id = j.comparison_id
    LEFT JOIN comparisons_telemetry t ON t.judgement_id = j.id
    WHERE j.study_id = %s
      AND NOT EXISTS (SELECT 1 FROM comparisons_judgement n WHERE n.supersedes_id = j.id)
    ORDER BY j.id, a.criterion_id
) TO STDOUT WITH (FORMAT csv)
"""


@dataclass(frozen=True)
class Table:
    """The judgements in force of one study, one row per criterion answered; all columns (n,)."""

    columns: dict[str, NDArray[np.generic]]

    def __len__(self) -> int:
        return len(self.columns["judgement"])

    def ints(self, name: str) -> Ints:
        return self.columns[name].astype(np.int64, copy=False)

    def floats(self, name: str) -> Floats:
        """Missing values are nan."""
        return self.columns[name].astype(np.float64, copy=False)

    def select(self, mask: NDArray[np.bool_]) -> "Table":
        return Table({name: column[mask] for name, column in self.columns.items()})

    def is_kind(self, kind: str) -> NDArray[np.bool_]:
        return np.asarray(self.columns["kind"] == kind, dtype=bool)


def read_table(study: Study) -> Table:
    """All judgements in force, real and gold."""
    buffer = io.BytesIO()
    with connection.cursor() as cursor:
        query = cursor.mogrify(_QUERY, [study.pk]).decode()
        cursor.copy_expert(query, buffer)
    if not buffer.tell():
        return Table(
            {
                name: np.array([], dtype=object if kind == pa.string() else kind.to_pandas_dtype())
                for name, kind in _COLUMNS.items()
            }
        )
    buffer.seek(0)
    read = pacsv.read_csv(
        buffer,
        read_options=pacsv.ReadOptions(column_names=list(_COLUMNS), use_threads=False),
        convert_options=pacsv.ConvertOptions(column_types=_COLUMNS, strings_can_be_null=False),
    )
    return Table({name: read[name].to_numpy(zero_copy_only=False) for name in _COLUMNS})


@dataclass(frozen=True)
class Names:
    """What the codes of the arrays stand for."""

    systems: list[int]
    workers: list[int]
    prompts: list[int]


def votes_of(table: Table, systems: list[int]) -> tuple[Votes, Names]:
    """The table of one criterion as votes; ``systems`` gives the order of the codes."""
    order = np.array(sorted(systems), dtype=np.int64)
    place = np.array([systems.index(int(pk)) for pk in order], dtype=np.int64)

    def coded(name: str) -> Ints:
        return place[np.searchsorted(order, table.ints(name))]

    workers, worker = np.unique(table.ints("worker"), return_inverse=True)
    prompts, prompt = np.unique(table.ints("prompt"), return_inverse=True)
    votes = Votes(
        system_a=coded("system_a"),
        system_b=coded("system_b"),
        outcome=table.ints("outcome"),
        prompt=prompt.astype(np.int64),
        worker=worker.astype(np.int64),
        left=table.ints("left").astype(np.int8),
        grade=table.floats("grade"),
        n_systems=len(systems),
    )
    return votes, Names(systems, workers.tolist(), prompts.tolist())


def excluded_workers(study: Study) -> set[int]:
    """Workers that a decision in force leaves out."""
    return set(
        Exclusion.objects.filter(study=study, lifted_at=None).values_list("worker_id", flat=True)
    )


def fingerprint(study: Study, settings: dict[str, object]) -> str:
    """What an analysis depends on: judgements only ever grow, so number and last id tell them."""
    seen = study.judgements.aggregate(n=Count("pk"), last=Max("pk"))
    parts = (seen, sorted(excluded_workers(study)), sorted(settings.items()), __version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def pseudonyms(ids: list[int]) -> dict[int, Worker]:
    return {w.pk: w for w in Worker.objects.filter(pk__in=ids).select_related("vendor")}


def reading_times(table: Table) -> dict[int, float]:
    """Seconds that reading each output takes, by output; those without a text are left out."""
    ids = np.unique(np.concatenate([table.ints("output_a"), table.ints("output_b")])).tolist()
    rows = Output.objects.filter(pk__in=ids, text_missing=False).exclude(text="")
    return {pk: reading_seconds(text) for pk, text in rows.values_list("pk", "text").iterator()}

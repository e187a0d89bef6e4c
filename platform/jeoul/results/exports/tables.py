"""The large exports as SQL: judgements, comparisons, outputs; formatted by the database itself."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from jeoul.results.exports.copying import Copied
from jeoul.results.exports.encoders import Drained
from jeoul.studies.models import Study
from jeoul.studies.version_reading import labels_of

_TEXT: Final = pa.string()
_INT: Final = pa.int64()
_FLOAT: Final = pa.float64()
_BOOL: Final = pa.bool_()
_TIME: Final = pa.timestamp("us", tz="UTC")
_BLOCK: Final = 8 << 20


@dataclass(frozen=True)
class Column:
    """``hostile`` texts come from people and models: a spreadsheet must not run them.

    ``as_json`` is the expression in JSON lines where it is not the same.
    """

    name: str
    sql: str
    kind: pa.DataType = _TEXT
    hostile: bool = False
    as_json: str = ""
    # An answer tells what was asked.
    sealed: bool = False


@dataclass(frozen=True)
class CopiedTable:
    """One export: its columns, where the rows come from, and the parameters of that."""

    columns: tuple[Column, ...]
    source: str
    params: Callable[[Study], list[Any]]

    def without_texts(self) -> "CopiedTable":
        """The same columns, those empty that hold what a sealed set keeps from researchers."""
        columns = tuple(replace(c, sql="NULL::text") if c.sealed else c for c in self.columns)
        return replace(self, columns=columns)

    @property
    def schema(self) -> dict[str, pa.DataType]:
        return {c.name: c.kind for c in self.columns}

    def stream(self, study: Study, form: str) -> Iterator[bytes]:
        """The export's bytes in chunks; nothing is asked of the database before the first."""
        params = self.params(study)
        if form == "parquet":
            yield from self._parquet(params)
            return
        csv = self._csv_query("HEADER true", defuse=True)
        chunks = Copied(self._json_query() if form == "jsonl" else csv, params)
        try:
            yield from chunks
        finally:
            chunks.close()

    def _csv_query(self, options: str, *, defuse: bool) -> str:
        cells = ", ".join(f'{_cell(c, defuse)} AS "{c.name}"' for c in self.columns)
        return f"COPY (SELECT {cells} {self.source}) TO STDOUT WITH (FORMAT csv, {options})"

    def _json_query(self) -> str:
        cells = ", ".join(f'{c.as_json or c.sql} AS "{c.name}"' for c in self.columns)
        # JSON escapes all control characters, so quotes and delimiters that are such never occur,
        # and each line is the bare object.
        rows = f"SELECT row_to_json(r) FROM (SELECT {cells} {self.source}) r"  # noqa: S608
        return f"COPY ({rows}) TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"

    def _parquet(self, params: list[Any]) -> Iterator[bytes]:
        """Arrow parses the database's CSV block by block; a row group per block."""
        schema = pa.schema(list(self.schema.items()))
        chunks = Copied(self._csv_query("FORCE_QUOTE *", defuse=False), params)
        source = pa.PythonFile(io.BufferedReader(Chunks(chunks), _BLOCK), mode="r")
        drained = Drained()
        try:
            with pq.ParquetWriter(drained.sink, schema, compression="zstd") as writer:
                for batch in _batches(source, schema):
                    writer.write_batch(batch)
                    yield drained.take()
            yield drained.take()
        finally:
            chunks.close()


def _batches(source: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a CSV without a header; nothing for an empty one, which Arrow calls invalid."""
    try:
        reader = pacsv.open_csv(
            source,
            read_options=pacsv.ReadOptions(
                column_names=schema.names, block_size=_BLOCK, use_threads=False
            ),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=schema, null_values=[""], strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise
    yield from reader


class Chunks(io.RawIOBase):
    """An iterator of bytes as a file to read; closing it ends the iterator."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._chunks, b"")
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _cell(column: Column, defuse: bool) -> str:
    """The expression of a CSV cell."""
    sql = column.sql
    if column.kind == _BOOL:
        return f"({sql})::text"
    if column.kind == _TIME:
        return f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    if defuse and column.hostile:
        starts = "'=', '+', '-', '@', E'\\t', E'\\r', E'\\n'"
        return f"CASE WHEN left({sql}, 1) IN ({starts}) THEN '''' || {sql} ELSE {sql} END"
    return sql


def _labels(study: Study) -> str:
    return json.dumps(labels_of(study))


_LABEL: Final = """(SELECT key::bigint AS id, value AS label FROM json_each_text(%s::json))"""
_WORD: Final = (
    "CASE a.outcome WHEN 0 THEN 'a' WHEN 1 THEN 'b' WHEN 2 THEN 'tie' ELSE 'both_bad' END"
)
_GRADED: Final = "k.scale IN (5, 7) AND a.grade IS NOT NULL"

# What was compared: the same in both tables.
_OF_PAIR: Final = (
    Column("prompt_id", "p.key", hostile=True),
    Column("system_a", "la.label", hostile=True),
    Column("system_b", "lb.label", hostile=True),
    Column("sample_a", "oa.sample", _INT),
    Column("sample_b", "ob.sample", _INT),
)

_JUDGEMENTS: Final = (
    Column("id", "j.uuid"),
    Column("study", "y.slug"),
    Column("comparison", "c.uuid"),
    Column("kind", "c.kind"),
    *_OF_PAIR,
    Column("worker", "w.pseudonym", hostile=True),
    Column("vendor", "v.name", hostile=True),
    Column("criterion", "k.key", hostile=True),
    Column(
        "choice", f"CASE WHEN {_GRADED} THEN a.grade::text ELSE {_WORD} END",
        as_json=f"CASE WHEN {_GRADED} THEN to_json(a.grade) ELSE to_json({_WORD}) END",
    ),
    Column("left", "CASE WHEN j.a_on_left THEN 'a' WHEN NOT j.a_on_left THEN 'b' END"),
    Column("seconds", "j.seconds", _FLOAT),
    Column("visible_seconds", "(t.visible_ms / 1000.0)::float8", _FLOAT),
    Column("reason", "r.text", hostile=True),
    Column("chips", "a.chips"),
    Column("created_at", "j.judged_at", _TIME),
    Column("supersedes", "s.uuid"),
    Column("in_force", "n.id IS NULL", _BOOL),
    Column("excluded", "x.id IS NOT NULL", _BOOL),
    Column("simulated", "j.simulated", _BOOL),
    Column("imported", "j.imported", _BOOL),
)  # fmt: skip
_JUDGED: Final = f"""
FROM comparisons_judgement j
JOIN comparisons_answer a ON a.judgement_id = j.id
JOIN studies_study y ON y.id = j.study_id
JOIN comparisons_comparison c ON c.id = j.comparison_id
JOIN studies_prompt p ON p.id = c.prompt_id
JOIN studies_criterion k ON k.id = a.criterion_id
JOIN workers_worker w ON w.id = j.worker_id
JOIN workers_vendor v ON v.id = w.vendor_id
JOIN studies_output oa ON oa.id = c.output_a_id
JOIN studies_output ob ON ob.id = c.output_b_id
LEFT JOIN {_LABEL} la ON la.id = c.system_a_id
LEFT JOIN {_LABEL} lb ON lb.id = c.system_b_id
LEFT JOIN comparisons_telemetry t ON t.judgement_id = j.id
LEFT JOIN comparisons_remark r ON r.judgement_id = j.id AND r.criterion_id = a.criterion_id
LEFT JOIN comparisons_judgement s ON s.id = j.supersedes_id
LEFT JOIN comparisons_judgement n ON n.supersedes_id = j.id
LEFT JOIN quality_exclusion x
    ON x.study_id = j.study_id AND x.worker_id = j.worker_id AND x.lifted_at IS NULL
WHERE j.study_id = %s
"""  # no value is in it

_COMPARISONS: Final = (
    Column("id", "c.uuid"),
    Column("study", "y.slug"),
    Column("kind", "c.kind"),
    *_OF_PAIR,
    Column("target", "c.target", _INT),
    Column("judged", "c.judged", _INT),
    Column("ready", "c.ready", _BOOL),
    # "tie": an automatic one, in the win rates without anybody asked.
    Column("standing", "c.standing"),
    Column("position", "c.position", _INT),
    Column("simulated", "y.simulated", _BOOL),
)
_COMPARED: Final = f"""
FROM comparisons_comparison c
JOIN studies_study y ON y.id = c.study_id
JOIN studies_prompt p ON p.id = c.prompt_id
JOIN studies_output oa ON oa.id = c.output_a_id
JOIN studies_output ob ON ob.id = c.output_b_id
LEFT JOIN {_LABEL} la ON la.id = c.system_a_id
LEFT JOIN {_LABEL} lb ON lb.id = c.system_b_id
WHERE c.study_id = %s ORDER BY c.position, c.id
"""  # no value is in it

_OUTPUTS: Final = (
    Column("id", "o.uuid"),
    Column("prompt_id", "p.key", hostile=True),
    Column("system", "la.label", hostile=True),
    Column("sample", "o.sample", _INT),
    Column("state", "o.state"),
    Column("text", "o.text", hostile=True, sealed=True),
    Column("finish_reason", "o.finish_reason", hostile=True),
    Column("reported_model", "o.reported_model", hostile=True),
    Column("prompt_tokens", "o.prompt_tokens", _INT),
    Column("completion_tokens", "o.completion_tokens", _INT),
    Column("latency_ms", "o.latency_ms", _INT),
    Column("cost", "o.cost::float8", _FLOAT),
    Column("attempts", "o.attempts", _INT),
    Column("error_code", "o.error_code", hostile=True),
    Column("error_message", "o.error_message", hostile=True),
    Column("content_hash", "o.content_hash"),
    Column("imported", "o.imported", _BOOL),
    Column("generation", "o.generation", _INT),
    Column("simulated", "y.simulated", _BOOL),
)
_ANSWERED: Final = f"""
FROM studies_study y
JOIN studies_versionentry e ON e.version_id = y.prompt_set_version_id
JOIN studies_output o ON o.prompt_id = e.prompt_id
JOIN studies_prompt p ON p.id = o.prompt_id
JOIN {_LABEL} la ON la.id = o.system_version_id
WHERE y.id = %s ORDER BY o.id
"""  # no value is in it


def _with_pairs(study: Study) -> list[Any]:
    labels = _labels(study)
    return [labels, labels, study.pk]


COPIED: Final = {
    "judgements": CopiedTable(
        _JUDGEMENTS, f"{_JUDGED} AND n.id IS NULL ORDER BY j.id, a.id",
        _with_pairs,
    ),
    "history": CopiedTable(
        _JUDGEMENTS, f"{_JUDGED} ORDER BY j.id, a.id",
        _with_pairs,
    ),
    "comparisons": CopiedTable(
        _COMPARISONS, _COMPARED, _with_pairs
    ),
    "outputs": CopiedTable(_OUTPUTS, _ANSWERED, lambda study: [_labels(study), study.pk]),
}  # fmt: skip

"""Rows to bytes: CSV that no spreadsheet runs, JSON lines, Parquet in row groups."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[Any, ...]
Schema = dict[str, pa.DataType]
_CHUNK: Final = 2000
_ROW_GROUP: Final = 20_000
# A cell that starts with one of these is a formula to a spreadsheet (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def defused(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _flat(value: Any) -> Any:
    """One cell's or one Parquet text's worth of a value."""
    value = _plain(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    walk = iter(rows)
    while batch := list(islice(walk, size)):
        yield batch


def to_csv(schema: Schema, rows: Iterable[Row]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(schema)
    for batch in _batches(rows, _CHUNK):
        writer.writerows([[defused(_flat(v)) for v in row] for row in batch])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def to_jsonl(schema: Schema, rows: Iterable[Row]) -> Iterator[bytes]:
    names = list(schema)
    for batch in _batches(rows, _CHUNK):
        yield "".join(
            json.dumps({n: _plain(v) for n, v in zip(names, row, strict=True)}, ensure_ascii=False)
            + "\n"
            for row in batch
        ).encode("utf-8", "replace")


def to_parquet(schema: Schema, rows: Iterable[Row]) -> Iterator[bytes]:
    """Row groups are handed on as they are written; the footer comes at the end."""
    table_schema = pa.schema(list(schema.items()))
    text = [pa.types.is_string(kind) for kind in schema.values()]
    drained = Drained()
    with pq.ParquetWriter(drained.sink, table_schema, compression="zstd") as writer:
        for batch in _batches(rows, _ROW_GROUP):
            columns = zip(*batch, strict=True)
            arrays = [
                pa.array([_text(v) for v in column] if is_text else list(column), type=kind)
                for column, is_text, kind in zip(columns, text, schema.values(), strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=table_schema))
            yield drained.take()
    yield drained.take()


class Drained:
    """A file that pyarrow or zipfile writes to, and whose bytes are taken as they come."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        # The writer asks for its place in the whole file, which an emptied buffer would not know.
        self.file = _Counting(self._buffer)
        self.sink = pa.PythonFile(self.file, mode="w")

    def take(self) -> bytes:
        """What was written since the last time."""
        part = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return part


def _text(value: Any) -> str | None:
    value = _flat(value)
    return value if value is None or isinstance(value, str) else str(value)


class _Counting(io.RawIOBase):
    """A file that knows how much was ever written to it, while its buffer is emptied."""

    def __init__(self, buffer: io.BytesIO) -> None:
        self._buffer, self._written = buffer, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += len(data)
        return self._buffer.write(data)

    def tell(self) -> int:
        return self._written

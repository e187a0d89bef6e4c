"""Files as rows, a little at a time: JSONL, CSV and Parquet, whatever their size."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from jeoul.base import InvalidInput
from jeoul.studies.importing import RowError

KINDS: Final = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv",
                ".parquet": "parquet"}  # fmt: skip
# A line longer than this is no row; reading on would only fill the memory.
_LONGEST_LINE: Final = 16 << 20
_ROWS: Final = 500
_PIECE: Final = 1 << 20

Rows = Iterator[tuple[int, "dict[str, object] | RowError"]]


def kind_of(name: str) -> str:
    """The kind of a file by its name; raises InvalidInput at the field ``file``."""
    for suffix, kind in KINDS.items():
        if name.lower().endswith(suffix):
            return kind
    raise InvalidInput("The file's name must end with .jsonl, .csv or .parquet.", field="file")


def stream_rows(stream: BinaryIO, kind: str) -> Rows:
    """Rows with their numbers; a broken row comes as an error, a broken file raises InvalidInput.

    Holds a few hundred rows at a time. Parquet needs a stream that can seek.
    """
    return {"csv": _csv, "parquet": _parquet}.get(kind, _jsonl)(stream)


def read_rows(text: str, kind: str) -> Rows:
    """The rows of a file that is in memory already. CSV rows count without the header."""
    return stream_rows(io.BytesIO(text.encode()), kind)


def _jsonl(stream: BinaryIO) -> Rows:
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        if len(line) >= _LONGEST_LINE:
            raise InvalidInput(f"Line {number} is longer than 16 MB.", field="file")
        try:
            value = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError:
            yield number, RowError("line", "is not UTF-8; save the file as UTF-8")
        except (ValueError, RecursionError) as error:
            yield number, RowError("line", f"is not JSON ({error})")
        else:
            if isinstance(value, dict):
                yield number, value
            else:
                yield number, RowError("line", "must be a JSON object")


def _csv(stream: BinaryIO) -> Rows:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    reader = csv.DictReader(text, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if None in row:
                yield number, RowError("line", "has more cells than the header")
            else:
                # An empty cell is an absent value.
                yield number, {k: v for k, v in row.items() if v not in (None, "")}
    except csv.Error as error:
        yield number + 1, RowError("line", f"is not CSV ({error})")
    except UnicodeDecodeError:
        yield number + 1, RowError("line", "is not UTF-8; save the file as UTF-8")
    finally:
        text.detach()  # the caller closes its own stream


def _parquet(stream: BinaryIO) -> Rows:
    import pyarrow as pa  # half a second that only Parquet costs
    import pyarrow.parquet as pq

    try:
        # By itself pyarrow reads up to 32 MB ahead, over row groups, and each of its threads keeps
        # memory of its own; so a column is read in pieces of a MiB, by this thread.
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_PIECE)
        number = 0
        for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield number, _told(row)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"The file is not Parquet ({error}).", field="file") from None


def _told(row: dict[str, Any]) -> "dict[str, object] | RowError":
    """A Parquet row as JSON would give it: nulls absent, and nothing JSON does not know."""
    present = {k: v for k, v in row.items() if v is not None}
    try:
        json.dumps(present)
    except (TypeError, ValueError):
        name = next(k for k, v in present.items() if not _is_json(v))
        return RowError(name, "holds a value that is neither text, number, list nor object")
    return present


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True

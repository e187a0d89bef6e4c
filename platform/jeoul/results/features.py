"""What is measured of each output's text, once: its reading time, its length, its markdown.

Kept beside the outputs: texts are large, and an analysis of a million judgements would read
them all again for five numbers each.
"""

import io
import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from django.db import connection, transaction

from jeoul.analysis.counts import Floats
from jeoul.quality.reading import reading_seconds
from jeoul.results.copying import read_columns
from jeoul.results.data import Ints, Table, places
from jeoul.results.models import TextFeature
from jeoul.studies.models import Output

# Counted up when a formula below changes: older rows are then measured again.
VERSION: Final = 1
STYLE: Final = ("length", "headers", "bold", "lists")
_BATCH: Final = 5_000

_HEADER = re.compile(r"^ {0,3}#{1,6}\s", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_LIST = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+", re.MULTILINE)

_COLUMNS: Final = {
    "output": ("i8", "f.output_id"),
    "seconds": ("f4", "f.seconds"),
    "length": ("i4", "f.length"),
    "headers": ("i4", "f.headers"),
    "bold": ("i4", "f.bold"),
    "lists": ("i4", "f.lists"),
}


def measure(text: str) -> tuple[float, int, int, int, int]:
    """Reading seconds, characters, headers, bold passages, list items."""
    return (
        reading_seconds(text),
        len(text),
        len(_HEADER.findall(text)),
        len(_BOLD.findall(text)),
        len(_LIST.findall(text)),
    )


def measure_outputs(outputs: Iterable[int]) -> int:
    """Measure those of the outputs that have a text and no row yet; returns how many."""
    wanted = Output.objects.filter(pk__in=list(outputs), text_missing=False).exclude(text="")
    missing = wanted.exclude(feature__version=VERSION).order_by("pk")
    done, rows = 0, []
    for pk, text in missing.values_list("pk", "text").iterator(chunk_size=500):
        seconds, *counts = measure(text)
        rows.append("\t".join(map(str, (pk, VERSION, f"{seconds:.3f}", *counts))))
        if len(rows) == _BATCH:
            done += _store(rows)
            rows = []
    return done + _store(rows)


@transaction.atomic
def _store(rows: list[str]) -> int:
    if not rows:
        return 0
    names = "output_id, version, seconds, length, headers, bold, lists"
    table = TextFeature._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE new_features (LIKE {table}) ON COMMIT DROP")
        cursor.copy_expert(
            f"COPY new_features ({names}) FROM STDIN", io.StringIO("\n".join(rows) + "\n")
        )
        # Two analyses at once measure the same texts alike: the later one changes nothing.
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM new_features "  # noqa: S608
            "ON CONFLICT (output_id) DO UPDATE SET version = EXCLUDED.version, "
            "seconds = EXCLUDED.seconds, length = EXCLUDED.length, headers = EXCLUDED.headers, "
            "bold = EXCLUDED.bold, lists = EXCLUDED.lists"
        )
        cursor.execute("DROP TABLE new_features")
    return len(rows)


def read_features(outputs: Ints) -> Floats:
    """What is measured of each output (outputs, 5): seconds to read, then STYLE; nan if unknown.

    Texts that were never measured are measured and kept.
    """
    values = np.full((len(outputs), 1 + len(STYLE)), np.nan)
    if not len(outputs):
        return values
    found = _read(outputs)
    if len(found["output"]) < len(outputs):
        unknown = np.setdiff1d(outputs, found["output"])
        if measure_outputs(int(pk) for pk in unknown):
            found = _read(outputs)
    at = places(outputs, found["output"])
    known = at >= 0
    for column, name in enumerate(("seconds", *STYLE)):
        values[at[known], column] = found[name][known]
    return values


def _read(outputs: Ints) -> dict[str, Ints]:
    # A range of ids reads a few rows too many and spares PostgreSQL a list of a million.
    source = (
        f"FROM {TextFeature._meta.db_table} f "
        "WHERE f.version = %s AND f.output_id BETWEEN %s AND %s"
    )
    return read_columns(source, [VERSION, int(outputs[0]), int(outputs[-1])], _COLUMNS)


def style_of(features: Floats, table: Table, rows: Ints | None = None) -> Floats | None:
    """Features of A less those of B for each of the rows (None: all), on the log scale, (n, 4)."""
    if not bool(np.isfinite(features).any()):
        return None
    a, b = table.ints("output_a"), table.ints("output_b")
    if rows is not None:
        a, b = a[rows], b[rows]
    # Of few rows fewer logarithms than of all outputs.
    style = features[:, 1:]
    if len(a) >= len(features):
        logs = np.log1p(style)
        return np.asarray(logs[a] - logs[b], dtype=np.float64)
    return np.asarray(np.log1p(style[a]) - np.log1p(style[b]), dtype=np.float64)

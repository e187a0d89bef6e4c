"""Columns of numbers from PostgreSQL by binary COPY: rows of one width, read without parsing."""

import io
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

Column = NDArray[Any]

# SQL type of each kind, and its bytes on the wire (big-endian).
_KINDS: Final = {
    "i2": ("smallint", ">i2"),
    "i4": ("integer", ">i4"),
    "i8": ("bigint", ">i8"),
    "f4": ("real", ">f4"),
    "f8": ("double precision", ">f8"),
}
# Signature, flags and the length of an extension that no version has.
_HEADER: Final = 19
_TRAILER: Final = 2


def read_columns(
    source: str, parameters: list[Any], columns: dict[str, tuple[str, str]]
) -> dict[str, Column]:
    """The columns of ``source`` (FROM … WHERE …) as arrays by name; none of them may be null.

    ``columns`` gives each one's kind and SQL expression. Without nulls every row has the same
    bytes, so the whole answer is one structured array: a text would have to be parsed.
    """
    data = _copied(source, parameters, columns)
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, (kind, _) in columns.items():
        layout += [(f"{name} length", ">i4"), (name, _KINDS[kind][1])]
    dtype = np.dtype(layout)
    size = len(data) - _HEADER - _TRAILER
    if size % dtype.itemsize:
        raise ValueError("A column that was read as numbers holds a null.")
    rows = np.frombuffer(data, dtype, size // dtype.itemsize, _HEADER)
    return {name: rows[name].astype(kind, copy=True) for name, (kind, _) in columns.items()}


def _copied(source: str, parameters: list[Any], columns: dict[str, tuple[str, str]]) -> memoryview:
    wanted = ", ".join(f"({sql})::{_KINDS[kind][0]}" for kind, sql in columns.values())
    buffer = io.BytesIO()
    with connection.cursor() as cursor:
        query = cursor.mogrify(f"SELECT {wanted} {source}", parameters).decode()
        cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT binary)", buffer)
    return buffer.getbuffer()

"""Statements that each connection plans once: those of the annotator's round trip.

Django spells a query anew at each call and PostgreSQL plans it anew; for short queries both cost
several times what running them does. Only what runs at every judgement is written this way.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection
from django.db.models import Model

_known: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()
_M = TypeVar("_M", bound=Model)
_SLOT: Final = re.compile(r"\$(\d+)")


class Statement:
    """A statement with parameters ``$1``, ``$2`` …, by a name that no other has."""

    def __init__(self, name: str, sql: str) -> None:
        self.name, self.sql = name, sql
        self.count = max(int(n) for n in _SLOT.findall(sql))
        slots = ", ".join(["%s"] * self.count)
        self._execute = f"EXECUTE {name} ({slots})"
        # For a pooler that gives each transaction another connection.
        self._plain = _SLOT.sub(lambda m: f"%(p{m[1]})s", sql.replace("%", "%%"))

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            if settings.PREPARE_STATEMENTS:
                self._prepare(cursor)
                cursor.execute(self._execute, values)
            else:
                named: dict[str, Any] = {f"p{at}": value for at, value in enumerate(values, 1)}
                cursor.execute(self._plain, named)
            return list(cursor.fetchall())

    def row(self, *values: Any) -> tuple[Any, ...] | None:
        found = self.rows(*values)
        return found[0] if found else None

    def _prepare(self, cursor: Any) -> None:
        known = _known.setdefault(connection.connection, set())
        if self.name not in known:
            cursor.execute(f"PREPARE {self.name} AS {self.sql}")
            known.add(self.name)


def columns(model: type[Model], alias: str) -> str:
    """The model's columns for a SELECT, in the order in which ``read`` takes them."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


@cache
def _shape(model: type[Model]) -> tuple[list[str], list[tuple[int, Callable[..., Any]]]]:
    fields = model._meta.concrete_fields
    convert = [
        (at, field.from_db_value)  # only some fields have one
        for at, field in enumerate(fields)
        if hasattr(field, "from_db_value")
    ]
    return [field.attname for field in fields], convert


def read(model: type[_M], row: Sequence[Any], at: int = 0) -> _M:
    """The instance whose columns stand in ``row`` from ``at`` on."""
    names, convert = _shape(model)
    values = list(row[at : at + len(names)])
    for place, from_db_value in convert:
        values[place] = from_db_value(values[place], None, connection)
    return model.from_db("default", names, values)


def width(model: type[Model]) -> int:
    """How many columns ``read`` takes."""
    return len(_shape(model)[0])

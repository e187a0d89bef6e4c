"""Statements that each connection plans once: those of the annotator's round trip.

Django spells a query anew at each call and PostgreSQL plans it anew; for short queries both cost
several times what running them does. Only what runs at every judgement is written this way.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model
from django.db.models.base import ModelState

_known: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()
_M = TypeVar("_M", bound=Model)
_SLOT: Final = re.compile(r"\$(\d+)")


# A plan is made once and kept, so it is made for any values and for tables of any size: with few
# rows in them, as on the first day, reading a whole table would look best, and stay.
_PLANNED: Final = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; "


class Statement:
    """A statement with parameters ``$1``, ``$2`` …, by a name that no other has.

    The ``first`` of its transaction says for all of them how plans are made.
    """

    def __init__(self, name: str, sql: str, *, first: bool = False) -> None:
        self.name, self.sql = name, sql
        self.count = max(int(n) for n in _SLOT.findall(sql))
        slots = ", ".join(["%s"] * self.count)
        self._execute = f"{_PLANNED if first else ''}EXECUTE {name} ({slots})"
        # For a pooler that gives each transaction another connection.
        self._plain = _SLOT.sub(lambda m: f"%(p{m[1]})s", sql.replace("%", "%%"))

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        wrapper = connections[DEFAULT_DB_ALIAS]
        with wrapper.cursor() as cursor:
            if settings.PREPARE_STATEMENTS:
                known = _known.setdefault(wrapper.connection, set())
                if self.name not in known:
                    cursor.execute(f"PREPARE {self.name} AS {self.sql}")
                    known.add(self.name)
                cursor.execute(self._execute, values)
            else:
                named: dict[str, Any] = {f"p{at}": value for at, value in enumerate(values, 1)}
                cursor.execute(self._plain, named)
            return list(cursor.fetchall())

    def row(self, *values: Any) -> tuple[Any, ...] | None:
        found = self.rows(*values)
        return found[0] if found else None


class Columns(Generic[_M]):
    """A model's columns for a SELECT, and the instance that a row of them makes.

    What is left out is read from the row when somebody asks for it. The instance is made without
    the model's ``__init__``, which costs more than the query: no model here has one of its own,
    and nothing listens to its signals.
    """

    def __init__(self, model: type[_M], *left_out: str, only: tuple[str, ...] = ()) -> None:
        every = {f.attname for f in model._meta.concrete_fields}
        assert every.issuperset({*left_out, *only}), (model, left_out, only)
        kept = set(only) or every.difference(left_out)
        fields = [f for f in model._meta.concrete_fields if f.attname in kept]
        self.model, self.width = model, len(fields)
        self._columns = [field.column for field in fields]
        self._names = [field.attname for field in fields]
        self._convert = [
            (field.attname, field.from_db_value)  # only some fields have one
            for field in fields
            if hasattr(field, "from_db_value")
        ]

    def of(self, alias: str) -> str:
        return ", ".join(f'{alias}."{column}"' for column in self._columns)

    def read(self, row: Sequence[Any], at: int = 0) -> _M:
        """The instance whose columns stand in ``row`` from ``at`` on."""
        made = self.model.__new__(self.model)
        made._state = ModelState()
        made._state.adding, made._state.db = False, "default"
        values = made.__dict__
        values.update(zip(self._names, row[at : at + self.width], strict=True))
        for name, from_db_value in self._convert:
            values[name] = from_db_value(values[name], None, connection)
        return made


def join(row: Model, **others: Model) -> None:
    """Give ``row`` the rows that its foreign keys name."""
    row._state.fields_cache.update(others)

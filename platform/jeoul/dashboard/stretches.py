"""A stretch of a long list by where the last one ended: no count, no offset, one cost anywhere.

A filter that few rows pass would read the whole list for one page of them. So one look reads a
limited number of rows, says that it was cut short, and the next goes on from there.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import HttpRequest

PER_STRETCH: Final = 50
Mark = tuple[int, int]


@dataclass(frozen=True)
class Stretch:
    """Rows in the list's order, and the marks from which the ones beside them are asked."""

    rows: list[Any]
    before: str
    after: str
    # Ended by what one look reads, not by a full page or the end of the list.
    cut_short: bool
    # Rows found by the looks that this one goes on from.
    had: int

    @property
    def goes_on(self) -> bool:
        """Whether the page asks for the next look by itself."""
        return self.cut_short and bool(self.after) and self.had_with_these < PER_STRETCH

    @property
    def had_with_these(self) -> int:
        return self.had + len(self.rows)


def stretch(
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    place: str,
    within: QuerySet[Any] | None = None,
    look: int = 0,
) -> Stretch:
    """The asked part of ``rows`` in the order of the field ``place`` and the id.

    Where ``rows`` are filtered, ``within`` is the list without the filter and ``look`` how many
    of its rows are read at most.
    """
    back = "before" in request.GET
    mark = _mark(request.GET.get("before" if back else "after", ""))
    order = (f"-{place}", "-pk") if back else (place, "pk")
    rows = rows.order_by(*order)
    if mark:
        rows = rows.filter(_beyond(mark, place, back))
    edge = None
    if within is not None:
        within = within.filter(_beyond(mark, place, back)) if mark else within
        edge = within.order_by(*order).values_list(place, "pk")[look - 1 : look].first()
        rows = rows.filter(_up_to(edge, place, back)) if edge else rows
    found = list(rows[: PER_STRETCH + 1])
    more = len(found) > PER_STRETCH
    found = found[:PER_STRETCH]
    onward = _text(_of(found[-1], place) if more else edge)
    behind = _text(_of(found[0], place) if found else _just_before(mark, back)) if mark else ""
    return Stretch(
        rows=found[::-1] if back else found,
        before=onward if back else behind,
        after=behind if back else onward,
        cut_short=edge is not None and not more,
        had=_number(request.GET.get("had", "")),
    )


def _number(text: str) -> int:
    return int(text[:9]) if text.isascii() and text.isdigit() else 0


def _mark(text: str) -> Mark | None:
    place, _dash, pk = text.partition("-")
    if place.isascii() and place.isdigit() and pk.isascii() and pk.isdigit():
        return int(place[:9]), int(pk[:18])
    return None


def _text(mark: Mark | None) -> str:
    return f"{mark[0]}-{mark[1]}" if mark else ""


def _of(row: Any, place: str) -> Mark:
    return getattr(row, place), row.pk


def _just_before(mark: Mark | None, back: bool) -> Mark | None:
    """A mark from which the way back finds the marked row itself."""
    return mark and (mark[0], mark[1] + (-1 if back else 1))


def _beyond(mark: Mark, place: str, back: bool) -> Q:
    """Rows on the far side of a mark; the first part bounds the walk along an index."""
    way = "lt" if back else "gt"
    return Q((f"{place}__{way}e", mark[0])) & (
        Q((f"{place}__{way}", mark[0])) | Q((f"pk__{way}", mark[1]))
    )


def _up_to(mark: Mark, place: str, back: bool) -> Q:
    """Rows on this side of a mark, and the marked row."""
    way = "gt" if back else "lt"
    return Q((f"{place}__{way}e", mark[0])) & (
        Q((f"{place}__{way}", mark[0])) | Q((f"pk__{way}e", mark[1]))
    )

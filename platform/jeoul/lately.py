"""What was true a few seconds ago: one reading of many rows, shared by all who look meanwhile."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.core.cache import cache
from django.db.models import QuerySet

_T = TypeVar("_T")
SECONDS: Final = 4


def _always(_found: Any) -> bool:
    return True


def lately(
    key: str,
    make: Callable[[], _T],
    *,
    seconds: int = SECONDS,
    worth: Callable[[_T], bool] = _always,
) -> _T:
    """What ``make`` said within ``seconds``; what is not ``worth`` keeping is made at every look.

    Kept in a tuple: None is an answer too.
    """
    kept: tuple[_T] | None = cache.get(key)
    if kept is None:
        kept = (make(),)
        if worth(kept[0]):
            cache.set(key, kept, seconds)
    return kept[0]


def takes_long(key: str, rows: QuerySet[Any], few: int) -> bool:
    """Whether nothing was said lately and ``rows`` are many: a page asks for it after."""
    return cache.get(key) is None and rows[few:].exists()

"""What was true a few seconds ago: one reading of many rows, shared by all who look meanwhile."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.core.cache import cache

_T = TypeVar("_T")
SECONDS: Final = 4


def _always(_found: Any) -> bool:
    return True


def known(key: str) -> tuple[Any] | None:
    """What was said of it within its seconds, None where nothing was."""
    kept: tuple[Any] | None = cache.get(key)
    return kept


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
    kept = known(key)
    if kept is None:
        kept = (make(),)
        if worth(kept[0]):
            cache.set(key, kept, seconds)
    return kept[0]

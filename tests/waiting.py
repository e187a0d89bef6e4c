"""How long a test waits for what must come.

One generous bound for every machine: nothing is said of speed here, a test only must not hang.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

PATIENCE = 300.0  # seconds
T = TypeVar("T")


def until(come: Callable[[], T], said: Callable[[], object] = lambda: "it did not come") -> T:
    """What ``come`` gives as soon as that is true; the words of ``said`` when it never is."""
    end = time.monotonic() + PATIENCE
    while not (found := come()):
        assert time.monotonic() < end, said()
        time.sleep(0.05)
    return found


def answers(url: str) -> bool:
    """Whether a server answers there already, and well."""
    try:
        return httpx.get(url, timeout=PATIENCE).is_success
    except httpx.TransportError:
        return False

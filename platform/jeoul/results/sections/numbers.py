"""Numbers, intervals and refusals as JSON carries them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jeoul.analysis.errors import AnalysisError


def number(value: float | np.floating[Any] | None) -> float | None:
    """A float that JSON knows, without digits that no method carries."""
    return round(float(value), 10) if value is not None and math.isfinite(value) else None


def attempt(make: Callable[[], dict[str, Any]], names: list[str] | None = None) -> dict[str, Any]:
    """What ``make`` gives, or why the data cannot carry it: never a number in its place."""
    try:
        return make()
    except AnalysisError as error:
        return {"error": reason(error, names)}


def reason(error: AnalysisError, names: list[str] | None = None) -> str:
    """The refusal in words, with systems by name."""
    groups = getattr(error, "components", None)
    if not groups or not names:
        return str(error)
    named = "; ".join(", ".join(names[int(s)] for s in group) for group in groups)
    return f"The systems fall into groups that were never linked by wins both ways: {named}."

"""Many tests at once: what Holm and Benjamini & Hochberg leave of their p-values."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from jeoul.analysis.counts import Bools, Floats
from jeoul.analysis.errors import BrokenVotes


def _check_p(p: ArrayLike | Sequence[float]) -> Floats:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not bool(((values >= 0) & (values <= 1)).all()):
        raise BrokenVotes("p-values are a row of numbers between 0 and 1.")
    return values


def holm(p: ArrayLike) -> Floats:
    """Holm's (1979) step-down adjusted p-values: max_{j≤i} (m−j+1)·p_(j), at most 1. Shape (m,)."""
    values = _check_p(p)
    order = np.argsort(values, kind="stable")
    adjusted = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    result = np.empty_like(values)
    result[order] = np.minimum(adjusted, 1.0)
    return result


def holm_rejects(p: ArrayLike, alpha: float) -> Bools:
    """Where holm(p) ≤ α < 1, (m,), with only those sorted that no bound for all of them decides."""
    values = _check_p(p)
    # Under α/m each is rejected whatever the others are, and over α none is.
    found = np.asarray(values * len(values) <= alpha, dtype=bool)
    open_ = np.flatnonzero(~found & (values <= alpha))
    order = open_[np.argsort(values[open_], kind="stable")]
    left = len(values) - int(found.sum()) - np.arange(len(order))
    found[order] = np.logical_and.accumulate(values[order] * left <= alpha)
    return found


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Step-up adjusted p-values for the false discovery rate (Benjamini & Hochberg 1995).

    min_{j≥i} m·p_(j)/j, at most 1. Shape (m,).
    """
    values = _check_p(p)
    m = len(values)
    order = np.argsort(values, kind="stable")[::-1]
    adjusted = np.minimum.accumulate(values[order] * m / np.arange(m, 0, -1))
    result = np.empty_like(values)
    result[order] = np.minimum(adjusted, 1.0)
    return result

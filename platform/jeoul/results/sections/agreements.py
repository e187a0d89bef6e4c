"""Agreement of the judges of one criterion: alpha, AC1, AC2, percent, each with its interval."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from jeoul.analysis.agreement import (
    Agreement,
    Alpha,
    krippendorff_alpha,
    percent_agreement,
    value_counts,
)
from jeoul.analysis.agreement_kappas import gwet_ac
from jeoul.analysis.counts import BOTH_BAD, TIE
from jeoul.analysis.errors import AnalysisError
from jeoul.results.data import Ints, Table
from jeoul.results.sections.numbers import number

METHOD: Final = "Krippendorff's alpha, jackknife over units"


def agreement_of(rows: Table, scale: int) -> dict[str, Any]:
    """Over comparisons with two judges or more; ordinal without both-bad answers."""
    unit = rows.ints("comparison")
    nominal, ordinal, keep = values_of(rows, scale)
    size, steps = (scale, scale) if scale in {5, 7} else (4, 3)
    whole = value_counts(unit, nominal, size)
    ranked = whole if scale in {5, 7} else value_counts(unit[keep], ordinal[keep], steps)
    found = {
        "nominal": _alpha(lambda: krippendorff_alpha(whole, metric="nominal")),
        "ordinal": _alpha(lambda: krippendorff_alpha(ranked, metric="ordinal")),
        "percent": _coefficient(lambda: percent_agreement(whole)),
        "ac1": _coefficient(lambda: gwet_ac(whole)),
        "ac2": _coefficient(lambda: gwet_ac(ranked, weights="quadratic")),
    }
    # Several judges per comparison are what all of it rests on.
    times = np.bincount(whole.sum(axis=1)) if len(whole) else np.zeros(1, dtype=int)
    return found | {
        "units": int(times[2:].sum()),
        "judgements": int((times[2:] * np.arange(2, max(2, len(times)))).sum()),
        "judges_per_comparison": {str(m): int(n) for m, n in enumerate(times.tolist()) if m and n},
        "method": METHOD,
    }


def values_of(rows: Table, scale: int) -> tuple[Ints, Ints, Ints]:
    """Nominal values, values in the order of preference, and which rows have such an order."""
    outcome = rows.ints("outcome")
    if scale in {5, 7}:
        graded = np.nan_to_num(rows.floats("grade")).astype(np.int64) + scale // 2
        return graded, graded, np.ones(len(rows), dtype=bool)
    # In order of preference: A, tie, B.
    order = np.array([0, 2, 1, 0], dtype=np.int64)
    assert TIE == 2
    return outcome.astype(np.int64), order[outcome], outcome != BOTH_BAD


def _alpha(make: Callable[[], Alpha]) -> dict[str, Any]:
    try:
        alpha = make()
    except AnalysisError as error:
        return {"alpha": None, "low": None, "high": None, "note": str(error)}
    return {
        "alpha": number(alpha.alpha),
        "low": number(alpha.low),
        "high": number(alpha.high),
        "units": alpha.units,
        "judgements": alpha.judgements,
        "method": alpha.method,
        "note": alpha.note,
    }


def _coefficient(make: Callable[[], Agreement]) -> dict[str, Any]:
    try:
        found = make()
    except AnalysisError as error:
        return {"estimate": None, "low": None, "high": None, "note": str(error)}
    return {
        "estimate": number(found.estimate),
        "low": number(max(-1.0, found.low)),
        "high": number(min(1.0, found.high)),
        "error": number(found.error),
        "units": found.units,
        "method": found.method,
        "note": "",
    }

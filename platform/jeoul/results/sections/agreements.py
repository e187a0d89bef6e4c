"""Agreement of the judges of one criterion: alpha, AC1, AC2, percent, each with its interval."""

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any, Final

import numpy as np

from jeoul.analysis.agreement import (
    Agreement,
    Alpha,
    Metric,
    krippendorff_alpha,
    percent_agreement,
    value_counts,
)
from jeoul.analysis.agreement_judges import alpha_of_judges
from jeoul.analysis.agreement_kappas import cohen_kappa, cross_table, fleiss_kappa, gwet_ac
from jeoul.analysis.counts import BOTH_BAD, TIE
from jeoul.analysis.errors import AnalysisError
from jeoul.results.data import Bools, Ints, Table
from jeoul.results.sections.numbers import number

# What an interval over comparisons leaves open; those "of judges" are beside it.
THESE_JUDGES: Final = "Holds for these judges: too narrow for others where judges differ."
METHOD: Final = "Krippendorff's alpha, jackknife over units; over units and judges as judges"
SEED: Final = 0
# Leaving out each judge looks at every judgement; a sample of so many tells the interval.
MOST_JUDGED: Final = 100_000
# Every two judges are compared up to so many judges, on at least so many comparisons.
MOST_PAIRED: Final = 8
MIN_SHARED: Final = 10


def agreement_of(rows: Table, scale: int, judges: list[str]) -> dict[str, Any]:
    """Over comparisons with two judges or more; ordinal without both-bad answers. ``judges``
    names the workers by code."""
    unit, worker = rows.ints("comparison"), rows.ints("worker")
    nominal, ordinal, keep = values_of(rows, scale)
    size, steps = (scale, scale) if scale in {5, 7} else (4, 3)
    whole = value_counts(unit, nominal, size)
    ranked = whole if scale in {5, 7} else value_counts(unit[keep], ordinal[keep], steps)
    found = {
        "nominal": _over_units(_alpha(lambda: krippendorff_alpha(whole, metric="nominal"))),
        "ordinal": _over_units(_alpha(lambda: krippendorff_alpha(ranked, metric="ordinal"))),
        "judges": _of_judges(unit, nominal, worker, None, size, "nominal"),
        "judges_ordinal": _of_judges(unit, ordinal, worker, keep, steps, "ordinal"),
        "percent": _over_units(_coefficient(lambda: percent_agreement(whole))),
        "fleiss": _over_units(_coefficient(lambda: fleiss_kappa(whole))),
        "cohen": _cohen(unit, nominal, worker, size, judges),
        "ac1": _over_units(_coefficient(lambda: gwet_ac(whole))),
        "ac2": _over_units(_coefficient(lambda: gwet_ac(ranked, weights="quadratic"))),
    }
    # Several judges per comparison are what all of it rests on.
    times = np.bincount(whole.sum(axis=1)) if len(whole) else np.zeros(1, dtype=int)
    return found | {
        "units": int(times[2:].sum()),
        "judgements": int((times[2:] * np.arange(2, max(2, len(times)))).sum()),
        "judges_per_comparison": {str(m): int(n) for m, n in enumerate(times.tolist()) if m and n},
        "method": METHOD,
    }


def _over_units(found: dict[str, Any]) -> dict[str, Any]:
    """With the warning that its interval covers too little for other judges (see the docs)."""
    if found["low"] is None:
        return found
    return found | {"note": f"{found['note']} {THESE_JUDGES}".strip()}


def _cohen(
    unit: Ints, value: Ints, worker: Ints, size: int, judges: list[str]
) -> list[dict[str, Any]]:
    """Cohen's kappa of every two judges with enough in common, where the judges are few."""
    people = np.flatnonzero(np.bincount(worker)).tolist() if len(worker) else []
    if len(people) > MOST_PAIRED:
        return []
    said = {}
    for who in people:
        mine = np.flatnonzero(worker == who)
        units, first = np.unique(unit[mine], return_index=True)
        said[who] = (units, value[mine[first]])
    found = []
    for one, other in combinations(people, 2):
        _, i, j = np.intersect1d(said[one][0], said[other][0], return_indices=True)
        if len(i) >= MIN_SHARED:
            table = cross_table(said[one][1][i], said[other][1][j], size)
            kappa = _coefficient(partial(cohen_kappa, table))
            found.append({"first": judges[one], "second": judges[other]} | kappa)
    return found


def _of_judges(
    unit: Ints, value: Ints, worker: Ints, keep: Bools | None, size: int, metric: Metric
) -> dict[str, Any]:
    """Alpha with an interval for judges like these, not only for comparisons like these; of the
    rows to ``keep``, None for all."""
    note, n = "", len(unit) if keep is None else int(keep.sum())
    if n > MOST_JUDGED:
        chosen = np.random.default_rng(SEED).random(int(unit.max()) + 1) < MOST_JUDGED / n
        keep = chosen[unit] if keep is None else chosen[unit] & keep
        note = f"On a seeded sample of comparisons, {int(keep.sum()):,} judgements."
    if keep is not None:
        at = np.flatnonzero(keep)
        unit, value, worker = unit[at], value[at], worker[at]
    found = _alpha(lambda: alpha_of_judges(unit, value, worker, size, metric=metric))
    return found | {"note": f"{found['note']} {note}".strip()}


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

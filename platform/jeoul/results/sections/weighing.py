"""Verdicts that weigh the judges, always beside the plain ones of the same comparisons."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from jeoul.analysis.aggregation import (
    Aggregate,
    Labels,
    check_overlap,
    dawid_skene,
    mace,
    majority,
    one_coin,
)
from jeoul.analysis.counts import A_WINS, TIE, Votes
from jeoul.analysis.crowd_bt import crowd_bt
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.intervals import two_way_intervals
from jeoul.results.data import Ints, Table, votes_of
from jeoul.results.sections.numbers import attempt, number
from jeoul.results.sections.rankings import Z95

SEED: Final = 0
_VERDICTS: Final = ("a", "b", "tie", "both_bad", "drawn")
_SWAPPED: Final = np.array([1, 0, 2, 3])
RATE_METHOD: Final = (
    "mean of the verdicts' posterior, clustered by prompt; the judges' weights taken as known"
)
# 0 to 84 % in simulation, see the coverage table of docs/statistics.md.
RATE_NOTE: Final = "Where judges err these intervals cover far less than 95 %."
# Above these many judgements a seeded sample of comparisons is weighed: worker reliability is
# known from far fewer, and the plain results never wait for it.
MOST_LABELS: Final = 20_000
MOST_MACE: Final = 5_000
MACE_RESTARTS: Final = 3


@dataclass(frozen=True)
class Units:
    """One judgement per worker and comparison, as labels, with what the codes stand for."""

    labels: Labels
    rows: Ints
    comparisons: int


def weighing_of(rows: Table, names: list[str]) -> tuple[dict[str, Any], dict[int, Any]]:
    """Each method's verdicts and win rates, and the workers' reliability by code."""
    units = _units(rows, MOST_LABELS)
    if units is None:
        return {"error": "No judgement to weigh."}, {}
    try:
        check_overlap(units.labels)
    except AnalysisError as error:
        return {"error": str(error)} | _plain(units, rows, names), {}
    methods: dict[str, Callable[[], Aggregate]] = {
        "dawid_skene": lambda: dawid_skene(units.labels),
        "one_coin": lambda: one_coin(units.labels),
    }
    found: dict[str, Any] = _plain(units, rows, names)
    reliability: dict[int, Any] = {}
    for key, make in methods.items():
        try:
            result = make()
        except AnalysisError as error:
            found[key] = {"error": str(error)}
            continue
        found[key] = _aggregate(result, units, rows, names)
        if key == "dawid_skene":
            reliability = _reliability(result, units, rows)
    found["mace"] = _mace(rows, names)
    found["crowd_bt"] = attempt(lambda: _crowd_bt(rows.select(_mask(units, rows)), names), names)
    return found, reliability


def _plain(units: Units, rows: Table, names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "comparisons": units.comparisons,
        "judgements": len(units.rows),
        "majority": _aggregate(majority(units.labels), units, rows, names),
    }
    if len(units.rows) < len(rows):
        found["note"] = (
            "One judgement per worker and comparison; above "
            f"{MOST_LABELS:,} judgements a seeded sample of comparisons."
        )
    return found


def _units(rows: Table, most: int) -> Units | None:
    """The first judgement of each worker on each comparison, of a sample where there are many."""
    if not len(rows):
        return None
    comparison = rows.ints("comparison")
    at = np.arange(len(rows))
    if len(rows) > most:
        size = int(comparison.max()) + 1
        chosen = np.random.default_rng(SEED).random(size) < most / len(rows)
        at = np.flatnonzero(chosen[comparison])
        if not len(at):
            return None
    unit, worker = comparison[at], rows.ints("worker")[at]
    key = unit.astype(np.int64) * (int(worker.max()) + 1) + worker
    _, first = np.unique(key, return_index=True)
    at = at[np.sort(first)]
    _, unit = np.unique(comparison[at], return_inverse=True)
    _, worker = np.unique(rows.ints("worker")[at], return_inverse=True)
    labels = Labels(unit, worker, rows.ints("outcome")[at].astype(np.int64), 4)
    return Units(labels, at, labels.units)


def _mask(units: Units, rows: Table) -> Any:
    mask = np.zeros(len(rows), dtype=bool)
    mask[units.rows] = True
    return mask


def _aggregate(result: Aggregate, units: Units, rows: Table, names: list[str]) -> dict[str, Any]:
    verdict = np.bincount(result.value[result.value >= 0], minlength=4)
    return {
        "method": result.method,
        "iterations": result.iterations,
        "objective": number(result.objective[-1]) if result.objective else None,
        "note": f"{result.note} {RATE_NOTE}".strip(),
        "verdicts": {
            "a": int(verdict[0]),
            "b": int(verdict[1]),
            "tie": int(verdict[2]),
            "both_bad": int(verdict[3]),
            "drawn": int((result.value < 0).sum()),
        },
        "pairs": _pair_rates(result, units, rows, names),
    }


def _pair_rates(
    result: Aggregate, units: Units, rows: Table, names: list[str]
) -> list[dict[str, Any]]:
    """Each pair's win rate from the posterior of its comparisons, ties and both bad half, and how
    many comparisons each side won."""
    posterior = result.posterior
    score = posterior[:, A_WINS] + posterior[:, TIE:].sum(axis=1) / 2
    unit, first = np.unique(units.labels.unit, return_index=True)
    at = units.rows[first]
    a, b = rows.ints("system_a")[at], rows.ints("system_b")[at]
    low, high = np.minimum(a, b), np.maximum(a, b)
    score = np.clip(np.where(a > b, 1 - score[unit], score[unit]), 0.0, 1.0)
    key = low.astype(np.int64) * len(names) + high
    pairs, code = np.unique(key, return_inverse=True)
    # Verdicts from the first system's view; a draw between values is none of them.
    verdict = result.value[unit]
    verdict = np.where((a > b) & (verdict >= 0), _SWAPPED[verdict], verdict)
    table = np.bincount(code * 5 + np.where(verdict < 0, 4, verdict), minlength=5 * len(pairs))
    # Prompts stand for judges too: with both clusterings alike their two-way variance is theirs.
    prompt = rows.ints("prompt")[at]
    found = two_way_intervals(score, prompt, prompt, code, len(pairs))
    return [
        {
            "system_a": names[int(p) // len(names)],
            "system_b": names[int(p) % len(names)],
            "comparisons": rate.n,
            "win_rate_a": number(rate.estimate),
            "low": number(rate.low),
            "high": number(rate.high),
            "method": RATE_METHOD,
            "verdicts": dict(zip(_VERDICTS, row, strict=True)),
        }
        for p, rate, row in zip(pairs, found, table.reshape(-1, 5).tolist(), strict=True)
    ]


def _reliability(result: Aggregate, units: Units, rows: Table) -> dict[int, Any]:
    workers = np.unique(rows.ints("worker")[units.rows])
    n = np.bincount(units.labels.worker, minlength=len(workers))
    return {
        int(code): {
            "estimate": number(result.reliability[at]),
            "low": number(result.low[at]),
            "high": number(result.high[at]),
            "n": int(n[at]),
            "method": "Dawid-Skene: share equal to the weighed verdict, Wilson",
        }
        for at, code in enumerate(workers.tolist())
    }


def _mace(rows: Table, names: list[str]) -> dict[str, Any]:
    units = _units(rows, MOST_MACE)
    if units is None:
        return {"error": "No judgement to weigh."}

    def make() -> dict[str, Any]:
        check_overlap(units.labels)
        result = mace(units.labels, np.random.default_rng(SEED), MACE_RESTARTS)
        return _aggregate(result, units, rows, names) | {
            "comparisons": units.comparisons,
            "restarts": [number(r) for r in result.restarts],
        }

    return attempt(make)


def _crowd_bt(rows: Table, names: list[str]) -> dict[str, Any]:
    votes: Votes = votes_of(rows, len(names))
    result = crowd_bt(votes)
    order = np.argsort(-result.scores, kind="stable").tolist()
    return {
        "method": result.method,
        "iterations": result.iterations,
        "n": result.n,
        "note": "Read the order and the ratios of gaps; the scale trades against reliability.",
        "systems": [
            {
                "system": names[s],
                "score": number(result.scores[s]),
                "low": number(result.scores[s] - Z95 * result.error[s]),
                "high": number(result.scores[s] + Z95 * result.error[s]),
                "plain": number(result.plain[s]),
            }
            for s in order
        ],
    }

"""The overall criterion by slice of the prompts: pairs, and a ranking where there are several."""

import math
from typing import Any, Final

import numpy as np

from jeoul.analysis.bradley_terry import fit
from jeoul.analysis.counts import Votes
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.intervals import holm
from jeoul.analysis.winrates import pair_rates
from jeoul.results.data import Table, only_systems, votes_of
from jeoul.results.inputs import SLICES, Inputs
from jeoul.results.sections.numbers import number
from jeoul.results.sections.pairs import pair_row

# Under this many judgements a slice says nothing that an interval could carry.
MIN_SLICE: Final = 10
# Under this many systems a ranking per slice says what its pair says.
MIN_SYSTEMS: Final = 3
_Z95: Final = 1.959964


def slices_of(rows: Table, inputs: Inputs) -> list[dict[str, Any]]:
    """Every value of every slice that has enough judgements; p-values adjusted over all of them."""
    if not len(rows):
        return []
    names = inputs.labels
    votes = votes_of(rows, len(names))
    prompts = int(votes.prompt.max()) + 1
    found = []
    for at, name in enumerate(SLICES):
        distinct, code = inputs.slice_codes(at, prompts)
        if len(distinct) < 2 and name != "risk":
            continue
        of_row = code[votes.prompt]
        for place, value in enumerate(distinct):
            part = votes.select(np.flatnonzero(of_row == place))
            if len(part) >= MIN_SLICE:
                found.append({"slice": name, "value": value, "n": len(part)}
                             | _slice(part, names))  # fmt: skip
    _adjust(found)
    return found


def _slice(part: Votes, names: list[str]) -> dict[str, Any]:
    rows = [pair_row(p, names) for p in pair_rates(part)]
    return {"pairs": rows, "ranking": _ranking(part, names)}


def _ranking(part: Votes, names: list[str]) -> list[dict[str, Any]]:
    """Scores in this slice alone; nothing where the slice links not all systems."""
    judged, kept = only_systems(part)
    if len(kept) < MIN_SYSTEMS:
        return []
    try:
        ranking = fit(judged)
    except AnalysisError:
        return []
    return [
        {
            "system": names[kept[s.system]],
            "rank": s.rank,
            "score": number(s.score),
            "low": number(s.low),
            "high": number(s.high),
            "rank_low": s.rank_low,
            "rank_high": s.rank_high,
        }
        for s in ranking.systems
    ]


def _adjust(found: list[dict[str, Any]]) -> None:
    """Holm over every pair of every slice: with many looks some intervals miss by chance."""
    rows = [p for part in found for p in part["pairs"] if p["win_rate_a"] is not None]
    if rows:
        for row, p in zip(rows, holm([_p_of(r) for r in rows]), strict=True):
            row["p_holm"] = number(p)
            row["looks"] = len(rows)


def _p_of(row: dict[str, Any]) -> float:
    """Two-sided p of one half, from the interval that allows for prompts and workers."""
    rate, low, high = (min(max(row[k], 1e-9), 1 - 1e-9) for k in ("win_rate_a", "low", "high"))
    width = _logit(high) - _logit(low)
    if not 0 < row["win_rate_a"] < 1 or width <= 0:
        return float(row["sign_test_p"] or 1.0)
    return math.erfc(abs(_logit(rate)) / (width / (2 * _Z95)) / math.sqrt(2))


def _logit(p: float) -> float:
    return math.log(p / (1 - p))

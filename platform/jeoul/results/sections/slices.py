"""The overall criterion by slice of the prompts: pairs, and a ranking where there are several."""

import math
from typing import Any, Final

import numpy as np

from jeoul.analysis.bradley_terry import fit_tally
from jeoul.analysis.counts import Ints, Votes
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.many_tests import holm
from jeoul.analysis.tally import Tally, tallies
from jeoul.analysis.winrates import tally_rates
from jeoul.results.data import only_systems
from jeoul.results.features import STYLE
from jeoul.results.inputs import SLICES, Inputs
from jeoul.results.sections.numbers import number
from jeoul.results.sections.pairs import pair_row
from jeoul.results.sections.rankings import StyleAt, drawn_prompts, style_model

# Under this many judgements a slice says nothing that an interval could carry.
MIN_SLICE: Final = 10
# Under this many systems a ranking per slice says what its pair says.
MIN_SYSTEMS: Final = 3
# The model with style looks at every row in each step, for every slice: so many tell it.
MOST_STYLED: Final = 20_000
_Z95: Final = 1.959964


def slices_of(
    whole: Tally, votes: Votes, style_at: StyleAt, inputs: Inputs
) -> list[dict[str, Any]]:
    """Every value of every slice that has enough judgements; p-values adjusted over all of them.

    ``whole`` is the tally of the overall criterion's ``votes``, ``style_at`` gives the features
    of some of them.
    """
    if not len(votes):
        return []
    names = inputs.labels
    prompts = int(votes.prompt.max()) + 1
    drawn = drawn_prompts(prompts)
    found = []
    for at, name in enumerate(SLICES):
        distinct, code = inputs.slice_codes(at, prompts)
        if len(distinct) < 2 and name != "risk":
            continue
        parts = tallies(whole, code, len(distinct))
        for place, (value, part) in enumerate(zip(distinct, parts, strict=True)):
            if len(part) >= MIN_SLICE:
                row = {"slice": name, "value": value, "n": len(part)} | _slice(part, names)
                mine = code == place
                sampled = len(part) > MOST_STYLED
                if sampled:
                    mine &= drawn < MOST_STYLED / len(part)
                rows = np.flatnonzero(mine[votes.prompt])
                found.append(row | {"style": _styled(votes, rows, style_at, names, sampled)})
    _adjust(found)
    return found


def _slice(part: Tally, names: list[str]) -> dict[str, Any]:
    rows = [pair_row(p, names) for p in tally_rates(part)]
    return {"pairs": rows} | _ranking(part, names)


def _styled(
    votes: Votes, rows: Ints, style_at: StyleAt, names: list[str], sampled: bool
) -> dict[str, Any]:
    """Scores in this slice (or a sample of it) as judged, and adjusted for length and markdown."""
    part, kept = only_systems(votes.select(rows))
    found = style_model(part, [names[s] for s in kept], style_at(rows), STYLE)
    if sampled:
        found["note"] = " ".join(
            filter(
                None, [found.get("note"), f"A seeded sample of prompts, {len(rows):,} judgements."]
            )
        )
    return found


def _ranking(part: Tally, names: list[str]) -> dict[str, Any]:
    """Scores in this slice alone; nothing where the slice links not all systems."""
    judged, kept = part.compacted()
    if len(kept) < MIN_SYSTEMS:
        return {"ranking": []}
    try:
        ranking = fit_tally(judged)
    except AnalysisError:
        return {"ranking": []}
    rows = [
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
    return {"ranking": rows, "fit": {"method": ranking.method, "note": ranking.note}}


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

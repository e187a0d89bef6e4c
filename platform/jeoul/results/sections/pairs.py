"""Each pair: counts, win rates by every declared win definition, grades, how it looks early."""

from typing import Any, Final

import numpy as np

from jeoul.analysis.counts import BOTH_BAD, TIE, Votes, WinDefinition
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.intervals import ClusteredMoments
from jeoul.analysis.power import votes_needed
from jeoul.analysis.sequential import MIN_CLUSTERS, beta_binomial, sequence_of
from jeoul.analysis.tally import Tally, read, tally
from jeoul.analysis.winrates import PairRate, moments, tally_rates
from jeoul.results.sections.numbers import number

# The first is the verdict's; the others stand beside it, so that nobody needs to trust it.
DEFINITIONS: Final = {
    "half": WinDefinition(),
    "apart": WinDefinition(ties="left_out", both_bad="left_out"),
    "both_bad_left_out": WinDefinition(both_bad="left_out"),
    "better": WinDefinition(min_grade=2),
}
GRADED: Final = (5, 7)
# Looking early is read for as many pairs as someone can look at.
MOST_LOOKS: Final = 200
# The smallest difference that a plan usually wants to see: 55 to 45.
WORTH_SEEING: Final = 0.55
POWER: Final = 0.8


def counted(votes: Votes, scale: int) -> Tally:
    """The votes counted once, weak preferences apart where the scale has grades."""
    graded = scale in GRADED and bool(np.isfinite(votes.grade).any())
    return tally(votes, DEFINITIONS["better"].min_grade if graded else 0.0)


def pairs_of(
    t: Tally, votes: Votes, names: list[str], automatic: dict[frozenset[int], int] | None = None
) -> list[dict[str, Any]]:
    """All pairs that were judged, with everything that is known of each.

    ``automatic``: how many of a pair's ties nobody was asked about.
    """
    rates = tally_rates(t)
    other = {key: tally_rates(t, DEFINITIONS[key]) for key in _definitions(t)}
    looks = _looks(t, rates)
    grades = _grades(t, votes) if t.min_grade else []
    found = []
    for at, rate in enumerate(rates):
        row = pair_row(rate, names)
        row["automatic_ties"] = (automatic or {}).get(frozenset((rate.system_a, rate.system_b)), 0)
        row["definitions"] = {"half": _rate_only(rate)} | {
            name: _rate_only(table[at]) for name, table in other.items() if table[at].used
        }
        row |= {"looking": looks[at] if looks else None, "more": more_needed(rate)}
        if grades:
            row["grades"] = grades[at]
        found.append(row)
    return found


def pair_row(pair: PairRate, names: list[str]) -> dict[str, Any]:
    """Counts and the win rate of one pair."""
    return {
        "system_a": names[pair.system_a],
        "system_b": names[pair.system_b],
        "wins_a": pair.wins_a,
        "wins_b": pair.wins_b,
        "ties": pair.ties,
        "both_bad": pair.both_bad,
        "n": pair.n,
        "win_rate_a": number(pair.win_rate_a),
        "low": number(pair.low),
        "high": number(pair.high),
        "method": pair.method,
        "note": pair.note,
        "sign_test_p": number(pair.sign_test_p),
    }


def _rate_only(pair: PairRate) -> dict[str, Any]:
    return {
        "win_rate_a": number(pair.win_rate_a),
        "low": number(pair.low),
        "high": number(pair.high),
        "n": pair.used,
        "method": pair.method,
        "note": pair.note,
    }


def _definitions(t: Tally) -> list[str]:
    """The definitions that read these votes in another way than the first does."""
    has_bad, has_tie = bool(t.total[:, BOTH_BAD].any()), bool(t.total[:, TIE : BOTH_BAD + 1].any())
    found = ["apart"] if has_tie else []
    return found + ["both_bad_left_out"] * has_bad + ["better"] * bool(t.min_grade)


def _looks(t: Tally, rates: list[PairRate]) -> list[dict[str, Any]]:
    """Confidence sequences: intervals that hold however often somebody has looked."""
    if len(rates) > MOST_LOOKS:
        return []
    m = moments(read(t, DEFINITIONS["half"]), np.arange(len(rates)))
    return [_look(m, at, rate) for at, rate in enumerate(rates)]


def _look(m: ClusteredMoments, at: int, rate: PairRate) -> dict[str, Any]:
    try:
        look = sequence_of(m, at)
        note = ""
    except AnalysisError:
        if not rate.wins_a + rate.wins_b:
            return {"error": "No decided judgement yet."}
        look = beta_binomial(rate.wins_a, rate.wins_b)
        note = (
            f"Under {MIN_CLUSTERS} prompts or workers: read from decided judgements as if each "
            "were independent."
        )
    return {
        "estimate": number(look.estimate),
        "low": number(max(0.0, look.low)),
        "high": number(min(1.0, look.high)),
        "n": look.n,
        "decided": look.decides(),
        "method": look.method,
        "note": note,
    }


def more_needed(rate: PairRate) -> dict[str, Any] | None:
    """How many judgements a decision probably takes, if prompts and workers grow alike.

    The design effect is what the interval seen is wider than independent votes would make it.
    """
    if not 0 < rate.win_rate_a < 1 or not rate.n:
        return None
    tie_share = (rate.ties + rate.both_bad) / rate.n
    spread = rate.win_rate_a * (1 - rate.win_rate_a) - tie_share / 4
    if spread <= 0:
        return None
    error = (rate.high - rate.low) / 2 / 1.959964
    effect = max(1.0, error**2 * rate.n / spread)

    def needed(win_rate: float) -> int | None:
        if abs(win_rate - 0.5) < 0.005:
            return None
        return votes_needed(win_rate, tie_share=tie_share, design_effect=effect, power=POWER)

    as_seen, worth = needed(rate.win_rate_a), needed(WORTH_SEEING)
    return {
        "design_effect": number(effect),
        "needed_as_seen": as_seen,
        "more_as_seen": None if as_seen is None else max(0, as_seen - rate.n),
        "needed_for_55": worth,
        "more_for_55": None if worth is None else max(0, worth - rate.n),
        "power": POWER,
    }


def _grades(t: Tally, votes: Votes) -> list[dict[str, int]]:
    """How often each grade was given, positive for the first system of each pair."""
    known = np.flatnonzero(np.isfinite(votes.grade))
    a, b = votes.system_a[known].astype(np.int64), votes.system_b[known].astype(np.int64)
    grade = votes.grade[known].astype(np.int64) * np.where(a > b, -1, 1)
    most = int(np.abs(grade).max())
    pair = np.searchsorted(t.pairs, np.minimum(a, b) * t.n_systems + np.maximum(a, b))
    width = 2 * most + 1
    table = np.bincount(pair * width + grade + most, minlength=len(t.pairs) * width)
    return [
        {str(at - most): n for at, n in enumerate(row) if n}
        for row in table.reshape(-1, width).tolist()
    ]

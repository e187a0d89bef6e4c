"""Each pair: counts, win rates by every declared win definition, grades, how it looks early."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from jeoul.analysis.counts import BOTH_BAD, TIE, Votes, WinDefinition, apply
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.power import votes_needed
from jeoul.analysis.sequential import MIN_CLUSTERS, beta_binomial, two_way_sequence
from jeoul.analysis.winrates import PairRate, lower_first, pair_rates
from jeoul.results.data import Ints
from jeoul.results.sections.numbers import number

# The first is the verdict's; the others stand beside it, so that nobody needs to trust it.
DEFINITIONS: Final = {
    "half": WinDefinition(),
    "apart": WinDefinition(ties="left_out", both_bad="left_out"),
    "both_bad_left_out": WinDefinition(both_bad="left_out"),
    "better": WinDefinition(min_grade=2),
}
# Looking early is read for as many pairs as someone can look at.
MOST_LOOKS: Final = 200
# The smallest difference that a plan usually wants to see: 55 to 45.
WORTH_SEEING: Final = 0.55
POWER: Final = 0.8


def pairs_of(
    votes: Votes, names: list[str], scale: int, automatic: dict[frozenset[int], int] | None = None
) -> list[dict[str, Any]]:
    """All pairs that were judged, with everything that is known of each.

    ``automatic``: how many of a pair's ties nobody was asked about.
    """
    votes = lower_first(votes)
    rates = pair_rates(votes)
    other = {key: _by_pair(_defined(votes, key)) for key in _definitions(votes, scale)}
    looks = _looks(votes, rates)
    grades = _grades(votes, rates) if scale in {5, 7} else {}
    found = []
    for rate in rates:
        key = (rate.system_a, rate.system_b)
        row = pair_row(rate, names)
        row["automatic_ties"] = (automatic or {}).get(frozenset(key), 0)
        row["definitions"] = {"half": _rate_only(rate)} | {
            name: _rate_only(table[key]) for name, table in other.items() if key in table
        }
        row |= {"looking": looks.get(key), "more": more_needed(rate)}
        if key in grades:
            row["grades"] = grades[key]
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
        "n": pair.n,
        "method": pair.method,
    }


def _definitions(votes: Votes, scale: int) -> list[str]:
    """The definitions that read these votes in another way than the first does."""
    has_bad = bool((votes.outcome == BOTH_BAD).any())
    has_tie = has_bad or bool((votes.outcome == TIE).any())
    found = ["apart"] if has_tie else []
    return found + ["both_bad_left_out"] * has_bad + ["better"] * (scale in {5, 7})


def _defined(votes: Votes, key: str) -> list[PairRate]:
    return pair_rates(apply(votes, DEFINITIONS[key]))


def _by_pair(rates: list[PairRate]) -> dict[tuple[int, int], PairRate]:
    return {(rate.system_a, rate.system_b): rate for rate in rates}


@dataclass(frozen=True)
class Ordered:
    """Rows in the order of their pairs, and where each pair's begin."""

    rows: Ints
    starts: Ints


def by_pair(votes: Votes, rates: list[PairRate]) -> Ordered:
    """Rows grouped by pair without a comparison sort, where the keys are short enough."""
    k = votes.n_systems
    key = votes.system_a.astype(np.int32) * k + votes.system_b
    # NumPy sorts 16-bit keys by radix, in a tenth of the time.
    order = np.argsort(key.astype(np.uint16) if k < 256 else key, kind="stable")
    counts = [rate.n for rate in rates]
    return Ordered(order, np.concatenate([[0], np.cumsum(counts)]))


def _looks(votes: Votes, rates: list[PairRate]) -> dict[tuple[int, int], dict[str, Any]]:
    """Confidence sequences: intervals that hold however often somebody has looked."""
    if len(rates) > MOST_LOOKS:
        return {}
    score, grouped = votes.score, by_pair(votes, rates)
    found = {}
    for at, rate in enumerate(rates):
        rows = grouped.rows[grouped.starts[at] : grouped.starts[at + 1]]
        found[rate.system_a, rate.system_b] = _look(
            score[rows], votes.prompt[rows], votes.worker[rows], rate
        )
    return found


def _look(score: Any, prompt: Ints, worker: Ints, rate: PairRate) -> dict[str, Any]:
    try:
        look = two_way_sequence(score, prompt, worker)
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


def _grades(votes: Votes, rates: list[PairRate]) -> dict[tuple[int, int], dict[str, int]]:
    """How often each grade was given, positive for the first system."""
    grouped = by_pair(votes, rates)
    found = {}
    for at, rate in enumerate(rates):
        grade = votes.grade[grouped.rows[grouped.starts[at] : grouped.starts[at + 1]]]
        values, counts = np.unique(grade[np.isfinite(grade)].astype(int), return_counts=True)
        found[rate.system_a, rate.system_b] = {
            str(v): int(n) for v, n in zip(values.tolist(), counts.tolist(), strict=True)
        }
    return found

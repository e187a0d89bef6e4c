"""Win rates of every pair, and the difference between two, with what each rests on."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from jeoul.analysis.counts import (
    A_WINS,
    B_WINS,
    BOTH_BAD,
    PLAIN,
    TIE,
    Bools,
    BothBad,
    Floats,
    Ints,
    Ties,
    Votes,
    WinDefinition,
    compact,
)
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import (
    ClusteredMoments,
    Interval,
    check_level,
    clustered_variance,
    intervals_of,
    sign_test,
    two_way_moments,
)
from jeoul.analysis.tally import Reading, Tally, clustered, read, tally

_SWAPPED = np.array([B_WINS, A_WINS, TIE, BOTH_BAD])


@dataclass(frozen=True)
class PairRate:
    """What was seen of one pair; `system_a` is the lower code.

    wins_a, wins_b, ties, both_bad and n count every judgement; win_rate_a with its interval
    follows the win definition and rests on `used` judgements; it is NaN (with a note) where that
    definition leaves nothing.
    sign_test_p is NaN without a decided judgement; `definition` is the one that made the rate.
    """

    system_a: int
    system_b: int
    wins_a: int
    wins_b: int
    ties: int
    both_bad: int
    n: int
    win_rate_a: float
    low: float
    high: float
    method: str
    note: str
    sign_test_p: float
    used: int = 0
    definition: WinDefinition = PLAIN
    level: float = 0.95

    @property
    def rates(self) -> tuple[float, float, float, float]:
        """Shares of all judgements: A wins, B wins, tie, both bad; they sum to 1."""
        a, b, tie, bad = (k / self.n for k in (self.wins_a, self.wins_b, self.ties, self.both_bad))
        return a, b, tie, bad


def lower_first(votes: Votes) -> Votes:
    """The same votes with the lower system code as A in every row."""
    swap = votes.system_a > votes.system_b
    return Votes(
        np.where(swap, votes.system_b, votes.system_a),
        np.where(swap, votes.system_a, votes.system_b),
        np.where(swap, _SWAPPED[votes.outcome], votes.outcome),
        votes.prompt,
        votes.worker,
        np.where(swap, -votes.left, votes.left),
        np.where(swap, -votes.grade, votes.grade),
        votes.n_systems,
    )


def pair_rates(
    votes: Votes,
    *,
    both_bad: BothBad = "tie",
    ties: Ties = "half",
    min_grade: float = 0.0,
    level: float = 0.95,
) -> list[PairRate]:
    """Each pair that was judged, once, by rising codes (see PairRate and two_way_interval).

    Win rate: mean of the lower code's scores over the judgements that the definition keeps
    (WinDefinition: ties, both bad, and the least grade that counts). Counts of wins and ties
    are those of the graded reading too. An empty input gives an empty list. Raises BrokenVotes
    for an unknown definition, or a least grade where no grade was given.
    """
    definition = WinDefinition(ties=ties, both_bad=both_bad, min_grade=min_grade)
    check_level(level)
    return tally_rates(tally(votes, min_grade), definition, level)


def tally_rates(t: Tally, definition: WinDefinition = PLAIN, level: float = 0.95) -> list[PairRate]:
    """pair_rates of votes that were counted before (see jeoul.analysis.tally)."""
    if not len(t.pairs):
        return []
    # Weak preferences are ties in the counts too, or they would not explain the rate.
    counted = t.outcomes(definition.min_grade)
    reading = read(t, definition)
    some = np.flatnonzero(reading.n)
    found = intervals_of(moments(reading, some), reading.halves[some], level)
    rates = dict(zip(some.tolist(), found, strict=True))
    return [
        _pair_rate(pair, t.n_systems, row, rates.get(at), definition, level)
        for at, (pair, row) in enumerate(zip(t.pairs.tolist(), counted.tolist(), strict=True))
    ]


def moments(r: Reading, groups: Ints) -> ClusteredMoments:
    """Mean and two-way clustered variance of the pairs listed, each with a vote."""
    mean = r.twice / (2 * np.maximum(r.n, 1))
    parts = [(clustered(r, s)[groups], s.clusters[groups]) for s in (r.prompt, r.worker, r.both)]
    return two_way_moments(mean[groups], r.n[groups], *parts)


def _pair_rate(
    pair: int,
    n_systems: int,
    row: list[int],
    rate: Interval | None,
    definition: WinDefinition,
    level: float,
) -> PairRate:
    a, b = divmod(pair, n_systems)
    wins_a, wins_b, ties, both_bad = row
    return PairRate(
        system_a=a,
        system_b=b,
        wins_a=wins_a,
        wins_b=wins_b,
        ties=ties,
        both_bad=both_bad,
        n=sum(row),
        win_rate_a=rate.estimate if rate else np.nan,
        low=rate.low if rate else np.nan,
        high=rate.high if rate else np.nan,
        method=rate.method if rate else "none",
        note=rate.note if rate else "The win definition leaves no judgement of this pair.",
        sign_test_p=sign_test(wins_a, wins_b) if wins_a + wins_b else np.nan,
        used=rate.n if rate else 0,
        definition=definition,
        level=level,
    )


def rate_difference(
    first: tuple[Floats, Ints, Ints], second: tuple[Floats, Ints, Ints], level: float = 0.95
) -> Interval:
    """Difference of two mean scores on the same prompts, clustered by prompt and by worker.

    Each side is (scores, prompt, worker), (n_i,) each. Influence of a judgement of the first
    side: (s − w₁)·n/n₁, of the second: −(s − w₂)·n/n₂; variance of their mean two-way
    clustered, so that what both sides share (a hard prompt) cancels (Miller 2024, section 4).
    Student's t with min(prompts, workers) − 1 degrees of freedom.
    Raises NoVotes for an empty side, BrokenVotes, TooFew with one prompt or one worker.
    """
    check_level(level)
    (s1, p1, r1), (s2, p2, r2) = first, second
    if not len(s1) or not len(s2):
        raise NoVotes("A difference needs judgements on both sides.")
    if not len(s1) == len(p1) == len(r1) or not len(s2) == len(p2) == len(r2):
        raise BrokenVotes("scores, prompt and worker of one side have one length.")
    if not bool(np.isfinite(s1).all() and np.isfinite(s2).all()):
        raise BrokenVotes("Scores are finite numbers.")
    prompt, n_prompts = compact(np.concatenate([p1, p2]))
    worker, n_workers = compact(np.concatenate([r1, r2]))
    n = len(s1) + len(s2)
    influence = np.concatenate(
        [(s1 - np.mean(s1)) * n / len(s1), -(s2 - np.mean(s2)) * n / len(s2)]
    )
    variance = clustered_variance(influence, prompt, worker)
    if variance <= 0:
        raise TooFew("Every judgement of each side is the same: the difference has no error.")
    estimate = float(np.mean(s1) - np.mean(s2))
    few = min(n_prompts, n_workers)
    half = float(stats.t.ppf(0.5 + level / 2, few - 1)) * variance**0.5
    note = f"Only {few} clusters: the interval is approximate." if few < 30 else ""
    method = "paired difference, two-way clustered, Student t"
    return Interval(
        estimate, max(-1.0, estimate - half), min(1.0, estimate + half), method, n, note, level
    )


@dataclass(frozen=True)
class McNemar:
    """Paired verdicts of two sources: how often only one of them was right (or chose A).

    `p` is the exact two-sided probability of a split at least as uneven; NaN where they never
    differ. `difference` is (only_first − only_second)/n.
    """

    only_first: int
    only_second: int
    n: int
    difference: float
    p: float
    method: str = "McNemar, exact binomial of the discordant pairs"


def mcnemar(first: Bools, second: Bools) -> McNemar:
    """Whether two sources differ in their share of "yes" on the same items (McNemar 1947).

    first, second: (n,) booleans on the same items. The exact test: discordant pairs are
    Binomial(b + c, ½). Items are taken as independent. Raises NoVotes, BrokenVotes.
    """
    one, two = np.asarray(first), np.asarray(second)
    if one.shape != two.shape or one.ndim != 1 or one.dtype != bool or two.dtype != bool:
        raise BrokenVotes("Both sources need one true or false verdict for each item.")
    if not len(one):
        raise NoVotes("No item was judged by both sources.")
    b, c, n = int((one & ~two).sum()), int((two & ~one).sum()), len(one)
    return McNemar(b, c, n, (b - c) / n, sign_test(b, c) if b + c else np.nan)

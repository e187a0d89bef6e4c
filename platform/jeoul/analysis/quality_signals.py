"""Facts about one worker's choices: exact tests and times, never a verdict.

The seconds that a text takes to read come from `jeoul.quality.reading`, the one table of rates.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from jeoul.analysis.counts import Floats, Ints
from jeoul.analysis.errors import BrokenVotes, NoVotes
from jeoul.analysis.intervals import clopper_pearson, sign_test, wilson


@dataclass(frozen=True)
class Share:
    """k of n with an interval and, where a test was made, its two-sided p."""

    k: int
    n: int
    share: float
    low: float
    high: float
    p: float
    method: str


@dataclass(frozen=True)
class Run:
    """The longest run of one side and the probability of one at least as long by chance."""

    length: int
    n: int
    p: float


def gold_accuracy(right: int, n: int, level: float = 0.95) -> Share:
    """Share of known answers met, with Clopper–Pearson's exact interval; p is NaN (no test)."""
    low, high = clopper_pearson(right, n, level)
    return Share(right, n, right / n, low, high, math.nan, "Clopper-Pearson")


def left_share(left: int, right: int, level: float = 0.95) -> Share:
    """Share of decided choices that took the answer *shown* left, against one half exactly."""
    low, high = wilson(left, left + right, level)
    n = left + right
    return Share(left, n, left / n, low, high, sign_test(left, right), "exact binomial, Wilson")


def longest_run(sides: ArrayLike, p_first: float = 0.5) -> Run:
    """The longest run of equal entries in a row of 0/1 sides in the order they were given.

    p: exact probability that n independent sides with P(1) = p_first have a run at least as
    long, by recursion on the length of the running run. Raises NoVotes, BrokenVotes.
    """
    values = np.asarray(sides)
    if not len(values):
        raise NoVotes("No side was chosen.")
    if not bool(np.isin(values, (0, 1)).all()) or not 0 < p_first < 1:
        raise BrokenVotes("Sides are 0 or 1, and both must be possible.")
    ends = np.flatnonzero(np.diff(values)) + 1
    length = int(np.diff(np.concatenate([[0], ends, [len(values)]])).max())
    return Run(length, len(values), run_probability(length, len(values), p_first))


def run_probability(length: int, n: int, p_first: float = 0.5) -> float:
    """P(some run of equal sides has at least `length`) among n independent sides."""
    if length <= 1:
        return 1.0
    if length > n:
        return 0.0
    one, other = _no_run(length, n, p_first)
    return max(0.0, 1 - one - other)


def _no_run(length: int, n: int, p: float) -> tuple[float, float]:
    """P(no run of ``length`` among n sides), apart for the last side being one or the other.

    A run of one side that begins at t ends before t + j with the side's chance to the power j:
    P(the next begins at t) is the sum over the last length − 1 beginnings, kept up by adding the
    newest and taking off the one that is too long ago.
    """
    q = 1 - p
    far, near = p**length, q**length
    # Where runs of one and of the other side may begin; before the first side both may.
    ones, others = [1.0], [1.0]
    ended_one = ended_other = 0.0
    for t in range(n):
        ended_one = p * (ended_one + ones[t])
        ended_other = q * (ended_other + others[t])
        if t + 1 >= length:
            ended_one -= far * ones[t + 1 - length]
            ended_other -= near * others[t + 1 - length]
        ones.append(ended_other)
        others.append(ended_one)
    return ended_one, ended_other


def entropy(counts: Iterable[float]) -> float:
    """Entropy in bits of a worker's choices, −Σ p log2 p; 0 for one value only."""
    # Plain floats: a few numbers per worker, and thousands of workers.
    values = [float(c) for c in counts]
    total = sum(values)
    if not total > 0 or min(values) < 0:
        raise NoVotes("No choice was counted.")
    shares = [v / total for v in values if v > 0]
    return max(0.0, -sum([p * math.log2(p) for p in shares]))


def repeat_consistency(first: Ints, again: Ints, level: float = 0.95) -> Share:
    """Share of repeats answered the same, both coded by system (not side), with Wilson."""
    if np.shape(first) != np.shape(again):
        raise BrokenVotes("Each repeat has one first answer.")
    n, same = len(first), int((np.asarray(first) == np.asarray(again)).sum())
    low, high = wilson(same, n, level)
    return Share(same, n, same / n, low, high, math.nan, "Wilson")


def relative_times(seconds: Floats, expected: Floats) -> Floats:
    """log of time taken over the time expected, centred on the study's own median, (n,).

    Learning the rate from the study makes it fair to every language and device.
    Raises NoVotes for empty input and BrokenVotes for times that are not positive.
    """
    taken, needed = np.asarray(seconds, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if not len(taken):
        raise NoVotes("No time was measured.")
    if taken.shape != needed.shape or not bool((taken > 0).all() and (needed > 0).all()):
        raise BrokenVotes("Times are positive, one expected for each taken.")
    ratio = np.log(taken / needed)
    result: Floats = ratio - np.median(ratio)
    return result

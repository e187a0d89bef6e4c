"""Intervals and tests for proportions: exact, Wilson, and clustered by prompt and worker."""

import math
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from jeoul.analysis.counts import Floats, Ints, compact, crossed, repeated_cells, sums
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew

# The variance of each group under one clustering, and how many clusters it has.
OneWay: TypeAlias = tuple[Floats, Ints]

FEW_CLUSTERS: Final = 30
# Under this many cases the exact interval of a share covers more than two points too much.
FEW_CASES: Final = 200
# Below this many (effective) votes for the rarer side the logit is too curved for its own error.
_EDGE: Final = 5.0
# What is equal but for rounding counts as equal.
_MORE: Final = 1 + 1e-9


@dataclass(frozen=True)
class Interval:
    """An estimate between `low` and `high`; `n` judgements; `note` says what limits it."""

    estimate: float
    low: float
    high: float
    method: str
    n: int
    note: str = ""
    level: float = 0.95


def check_level(level: float) -> float:
    """The level itself, if it lies strictly between 0 and 1; ValueError otherwise."""
    if not 0 < level < 1:
        raise ValueError(f"A level lies between 0 and 1, not {level}.")
    return level


def _check_counts(k: float, n: float) -> None:
    if n <= 0:
        raise NoVotes("A proportion of nothing has no interval.")
    if not 0 <= k <= n:
        raise BrokenVotes(f"{k} of {n} is no proportion.")


def wilson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for k of n independent judgements (Wilson 1927; Newcombe 1998).

    (p + z²/2n ± z√(p(1−p)/n + z²/4n²)) / (1 + z²/n). Raises NoVotes for n = 0.
    """
    _check_counts(k, n)
    # Plain floats: thousands of workers have one each, and numpy's own take ten times as long.
    z, p = float(special.ndtri(0.5 + check_level(level) / 2)), float(k / n)
    middle, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    return (0.0 if k == 0 else low), (1.0 if k == n else high)


def wilson_each(share: Floats, n: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's interval for many shares at once, (m,); NaN where n is 0."""
    z = special.ndtri(0.5 + check_level(level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = _wilson(np.asarray(share, dtype=np.float64), np.asarray(n, np.float64), z)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def _wilson(p: Any, n: Any, z: Any) -> tuple[Any, Any]:
    middle = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def clopper_pearson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The exact interval from beta quantiles (Clopper & Pearson 1934). Raises NoVotes for n = 0."""
    _check_counts(k, n)
    tail = (1 - check_level(level)) / 2
    low = 0.0 if k == 0 else float(stats.beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(stats.beta.ppf(1 - tail, k + 1, n - k))
    return low, high


def exact_interval(k: int, n: int, level: float = 0.95) -> Interval:
    """clopper_pearson as an interval that says how wide it is where n is small.

    It never covers less than its level, and with few cases more: 96 to 98 % for 95 in simulation.
    """
    low, high = clopper_pearson(k, n, level)
    note = ""
    if n < FEW_CASES:
        note = f"With n = {n} the exact interval is wider than it need be."
    return Interval(k / n, low, high, "Clopper-Pearson, exact", n, note, level)


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p that wins and losses are equally likely; ties are left out before.

    2·P(X ≤ min(wins, losses)), X ~ Binomial(wins + losses, ½), at most 1.
    The same is the exact McNemar test of discordant pairs. Raises NoVotes for 0 and 0.
    """
    _check_counts(wins, wins + losses)
    fewer = min(wins, losses)
    # P(X ≤ k) as an incomplete beta: a hundred times faster than scipy.stats for many pairs.
    return min(1.0, 2 * float(special.betainc(wins + losses - fewer, fewer + 1, 0.5)))


@dataclass(frozen=True)
class ClusteredMoments:
    """Per group: mean, clustered variance of the mean with its degrees of freedom, clusters of
    each kind, n. Arrays (G,)."""

    mean: Floats
    variance: Floats
    freedom: Floats
    prompts: Ints
    workers: Ints
    n: Ints


def clustered_variance(values: ArrayLike, *clusters: Ints) -> float:
    """Variance of the mean of `values`, one- or two-way clustered.

    One way: V_g = G/(G−1) · Σ_g (Σ_{t∈g} (x_t − x̄))² / n². Two ways (Cameron, Gelbach &
    Miller 2011): V_1 + V_2 − V_{1∩2}, and never less than the largest of the three.
    Raises NoVotes without values, TooFew when a clustering has fewer than two clusters.
    """
    x = np.asarray(values, dtype=np.float64)
    if not len(x):
        raise NoVotes("The mean of nothing has no variance.")
    if len(clusters) not in (1, 2):
        raise ValueError("Give one or two clusterings.")
    parts = [_one_way(x, *compact(np.asarray(c))) for c in clusters]
    if len(clusters) == 1:
        return parts[0]
    both = _one_way(x, *crossed(np.asarray(clusters[0]), np.asarray(clusters[1])))
    total = parts[0] + parts[1] - both
    return max(total, both, *parts)


def _one_way(x: Floats, cluster: Ints, n_clusters: int) -> float:
    if n_clusters < 2:
        raise TooFew("One cluster alone has no variance between clusters.")
    sums = np.bincount(cluster, weights=x - x.mean(), minlength=n_clusters)
    return float(n_clusters / (n_clusters - 1) * (sums @ sums) / len(x) ** 2)


def grouped_moments(
    scores: Floats, prompt: Ints, worker: Ints, group: Ints, n_groups: int
) -> ClusteredMoments:
    """Means and two-way clustered variances of many groups at once (see clustered_variance).

    A clustering with a single cluster in a group is left out of that group's variance; with
    one prompt and one worker the variance is NaN. All inputs (n,), group in 0..n_groups-1.

    Degrees of freedom after Satterthwaite (1946): 2V²/Σ 2V_g²/(G_g − 1) over the clusterings
    whose variance exceeds that of their intersection (the intersection's own where none does),
    held between min(G) − 1 and max(G) − 1 of the clusterings used.
    """
    n = np.bincount(group, minlength=n_groups)
    safe = np.maximum(n, 1)
    mean = np.bincount(group, weights=scores, minlength=n_groups) / safe
    off = scores - mean[group]
    parts = (
        _grouped_one_way(off, group, prompt, n),
        _grouped_one_way(off, group, worker, n),
        _grouped_one_way(off, *_pairs_of(group, prompt, worker), n),
    )
    return two_way_moments(mean, n, *parts)


def two_way_moments(
    mean: Floats, n: Ints, by_prompt: OneWay, by_worker: OneWay, by_both: OneWay
) -> ClusteredMoments:
    """The two-way variance of each group from its one-way variances and numbers of clusters."""
    (v_prompt, prompts), (v_worker, workers), (v_both, cells) = by_prompt, by_worker, by_both
    largest = np.maximum(np.maximum(v_prompt, v_worker), v_both)
    two_way = np.maximum(v_prompt + v_worker - v_both, largest)
    variance = np.where(workers < 2, v_prompt, np.where(prompts < 2, v_worker, two_way))
    variance[cells < 2] = np.nan
    variance[(prompts < 2) & (workers < 2)] = np.nan
    freedom = _freedom(two_way, (v_prompt, v_worker, v_both), (prompts, workers, cells))
    alone = np.maximum(prompts, workers) - 1
    freedom = np.where((workers < 2) | (prompts < 2), alone, freedom)
    return ClusteredMoments(mean, variance, np.maximum(freedom, 1.0), prompts, workers, n)


def _freedom(
    total: Floats, parts: tuple[Floats, Floats, Floats], clusters: tuple[Ints, Ints, Ints]
) -> Floats:
    """Satterthwaite's degrees of freedom of the two-way variance (see grouped_moments)."""
    less = [np.maximum(c - 1.0, 1.0) for c in clusters]
    # Equal variances differ by their rounding, which must not choose the degrees of freedom.
    excess = [v > parts[2] * _MORE for v in parts[:2]]
    used = [*excess, ~(excess[0] | excess[1])]
    noise = sum(np.where(u, v**2 / f, 0.0) for u, v, f in zip(used, parts, less, strict=True))
    found = np.divide(total**2, noise, out=np.ones_like(total), where=noise > 0)
    least, most = np.minimum(less[0], less[1]), np.maximum(less[0], less[1])
    return np.asarray(np.clip(found, least, most), dtype=np.float64)


def _pairs_of(group: Ints, prompt: Ints, worker: Ints) -> tuple[Ints, Ints]:
    """The group, and one code per (prompt, worker)."""
    worker, n_workers = compact(worker)
    return group, prompt.astype(np.int64) * n_workers + worker


def _grouped_one_way(off: Floats, group: Ints, cluster: Ints, n: Ints) -> tuple[Floats, Ints]:
    """V_g of each group (0 where a group has one cluster) and its number of clusters."""
    size = len(n)
    rows, codes, n_codes = repeated_cells(group, cluster)
    owner = np.zeros(n_codes, dtype=np.int64)
    owner[codes] = group[rows]
    counts = n - np.bincount(group[rows], minlength=size) + np.bincount(owner, minlength=size)
    alone = np.ones(len(off), dtype=bool)
    alone[rows] = False
    squares = sums(group[alone], off[alone] ** 2, size)
    squares += sums(owner, sums(codes, off[rows], n_codes) ** 2, size)
    factor = np.where(counts > 1, counts / np.maximum(counts - 1, 1), 0.0)
    return factor * squares / np.maximum(n, 1).astype(np.float64) ** 2, counts


def two_way_interval(
    scores: ArrayLike, prompt: Ints, worker: Ints, level: float = 0.95
) -> Interval:
    """A mean of scores in [0, 1] with an interval that allows for prompts and workers.

    Variance as in clustered_variance, Student's t with the degrees of freedom of
    grouped_moments, on the logit scale: logit w ± t·√V/(w(1−w)); with under five effective votes
    on the rarer side Wilson's form with n = w(1−w)/V instead; at 0 and 1 the exact bound on
    the number of clusters. Wilson's own interval where each judgement has its own prompt and
    its own worker and none is a tie. scores, prompt, worker: (n,).
    Raises NoVotes without scores and BrokenVotes for scores outside [0, 1].
    """
    x = np.asarray(scores, dtype=np.float64)
    if not len(x):
        raise NoVotes("No judgement, no win rate.")
    group = np.zeros(len(x), dtype=np.int64)
    return two_way_intervals(x, np.asarray(prompt), np.asarray(worker), group, 1, level)[0]


def two_way_intervals(
    scores: Floats, prompt: Ints, worker: Ints, group: Ints, n_groups: int, level: float = 0.95
) -> list[Interval]:
    """two_way_interval for many groups of judgements in one pass; each group needs a judgement."""
    check_level(level)
    if not bool(((scores >= 0) & (scores <= 1)).all()):
        raise BrokenVotes("Scores lie between 0 and 1.")
    if not scores.shape == prompt.shape == worker.shape == group.shape:
        raise BrokenVotes("Every score needs its prompt, its worker and its group.")
    m = grouped_moments(scores, prompt, worker, group, n_groups)
    if not bool((m.n > 0).all()):
        raise NoVotes("A group without judgements has no win rate.")
    halves = np.bincount(group[(scores != 0) & (scores != 1)], minlength=n_groups)
    return intervals_of(m, halves, level)


def share_by_worker(k: Ints, n: Ints, level: float = 0.95) -> Interval:
    """A share of yes where each worker said yes k of n times, (G,) each; prompts play no part.

    Variance G/(G−1) · Σ_g (k_g − w·n_g)²/n², Student's t with G − 1 degrees of freedom, bounds
    and notes as in two_way_interval. Raises NoVotes without judgements, BrokenVotes for counts
    that are none.
    """
    check_level(level)
    k, n = np.asarray(k), np.asarray(n)
    if bool(((k < 0) | (k > n)).any()):
        raise BrokenVotes("Nobody says yes more often than he says anything.")
    k, n = k[n > 0], n[n > 0]
    if not len(n):
        raise NoVotes("A proportion of nothing has no interval.")
    total, workers = np.array([n.sum()]), np.array([len(n)])
    w = k.sum() / total
    # Of one worker alone the judgements are all there is.
    off, clusters = ((k - w * n) ** 2, workers) if len(n) > 1 else (total * w * (1 - w), total)
    factor = clusters / np.maximum(clusters - 1, 1)
    variance = factor * off.sum(keepdims=True) / total.astype(np.float64) ** 2
    freedom = np.maximum(clusters - 1.0, 1.0)
    m = ClusteredMoments(w, variance, freedom, total, workers, total)
    (found,) = intervals_of(m, np.array([0]), level)
    return replace(found, method=found.method.replace("two-way clustered", "clustered by worker"))


def intervals_of(m: ClusteredMoments, halves: Ints, level: float) -> list[Interval]:
    """The interval of each group; ``halves`` counts its scores that are neither 0 nor 1."""
    low, high, methods = _bounds(m, halves, level)
    return [
        Interval(w, a, b, _METHODS[k], n, _note(p, r, k), level)
        for w, a, b, k, n, p, r in zip(
            m.mean.tolist(), low.tolist(), high.tolist(), methods.tolist(), m.n.tolist(),
            m.prompts.tolist(), m.workers.tolist(), strict=True,
        )
    ]  # fmt: skip


_LOGIT, _EFFECTIVE, _EXACT, _SAME, _INDEPENDENT, _NONE = range(6)
_METHODS: Final = (
    "two-way clustered, Student t, logit scale",
    "two-way clustered, Student t, Wilson form with effective n",
    "exact bound on the number of clusters",
    "Wilson on the number of clusters (every judgement a tie or balanced out)",
    "Wilson (each judgement its own prompt and worker)",
    "none: one prompt and one worker",
)


def _bounds(m: ClusteredMoments, halves: Ints, level: float) -> tuple[Floats, Floats, Ints]:
    """Low, high and the kind of method for each group."""
    w, alpha = m.mean, 1 - level
    counted = np.where((m.prompts < 2) | (m.workers < 2), np.maximum(m.prompts, m.workers),
                       np.minimum(m.prompts, m.workers))  # fmt: skip
    t = special.stdtrit(m.freedom, 1 - alpha / 2)
    spread = w * (1 - w)
    known = np.isfinite(m.variance) & (m.variance > 1e-15) & (spread > 0)
    variance = np.where(known, m.variance, 1.0)
    effective = np.where(known, spread / variance, 1.0)
    kind = np.full(len(w), _LOGIT)
    kind[effective * np.minimum(w, 1 - w) * _MORE < _EDGE] = _EFFECTIVE
    kind[(m.prompts == m.n) & (m.workers == m.n) & (halves == 0)] = _INDEPENDENT
    kind[~known] = _SAME
    kind[~np.isfinite(m.variance)] = _NONE
    kind[spread <= 0] = _EXACT
    z = np.where(kind == _INDEPENDENT, stats.norm.ppf(1 - alpha / 2), t)
    size = np.select([kind == _INDEPENDENT, kind == _SAME], [m.n, counted], effective)
    low, high = _wilson(w, size, z)
    inner = np.clip(w, 1e-9, 1 - 1e-9)
    centre, half = np.log(inner / (1 - inner)), t * np.sqrt(variance) / (inner * (1 - inner))
    logit = kind == _LOGIT
    low = np.where(logit, _expit(centre - half), low)
    high = np.where(logit, _expit(centre + half), high)
    one_sided = (alpha / 2) ** (1 / np.minimum(m.prompts, m.workers))
    exact = kind == _EXACT
    low = np.where(exact, np.where(w > 0.5, one_sided, 0.0), low)
    high = np.where(exact, np.where(w > 0.5, 1.0, 1 - one_sided), high)
    none = kind == _NONE
    return np.where(none, 0.0, low), np.where(none, 1.0, high), kind


def _expit(x: Floats) -> Floats:
    result: Floats = 0.5 * (1 + np.tanh(x / 2))
    return result


def _note(prompts: int, workers: int, kind: int) -> str:
    if kind == _NONE:
        return "One prompt and one worker: nothing can be said beyond this case."
    if workers == 1:
        return "One worker only: the interval holds for this worker, not for others."
    if prompts == 1:
        return "One prompt only: the interval holds for this prompt, not for others."
    if kind == _INDEPENDENT:
        return ""
    few = [f"{n} {what}" for n, what in ((prompts, "prompts"), (workers, "workers"))
           if n < FEW_CLUSTERS]  # fmt: skip
    if not few:
        return ""
    return f"Only {' and '.join(few)}: under {FEW_CLUSTERS} the interval is approximate."

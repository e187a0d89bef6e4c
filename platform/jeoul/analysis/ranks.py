"""From scores and their covariance to ranks, differences and the chance of being best."""

from dataclasses import dataclass
from itertools import starmap

import numpy as np
from scipy import special

from jeoul.analysis.clustering import Covariance
from jeoul.analysis.counts import Bools, Floats
from jeoul.analysis.many_tests import holm_rejects


@dataclass(frozen=True)
class RankedSystem:
    """One system's place: `score` on the logit scale (the scores sum to 0), its interval, its
    rank (1 is best) with the ranks that the significant differences leave open, and the
    probability of being best."""

    system: int
    score: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int
    p_best: float


@dataclass(frozen=True)
class Difference:
    """score of `first` minus score of `second`, with an interval and its p-value (unadjusted)."""

    first: int
    second: int
    estimate: float
    low: float
    high: float
    p: float


def ranked(
    scores: Floats, covariance: Covariance, level: float, draws: int, seed: int
) -> tuple[RankedSystem, ...]:
    """Every system by rank. Intervals: score ± t·√V_ii.

    rank_low is one more than the number of systems significantly better, rank_high is K less
    the number significantly worse, after Holm over all pairs; p_best by drawing from N(θ, V).
    """
    k = len(scores)
    t = quantile(level, covariance.freedom)
    half = t * np.sqrt(covariance.variances())
    better = significantly_better(scores, covariance, level)
    low, high = 1 + better.sum(axis=0), k - better.sum(axis=1)
    best = probability_best(scores, covariance.matrix, draws, seed)
    rank = 1 + (scores[None, :] > scores[:, None]).sum(axis=1)
    order = np.argsort(-scores, kind="stable")
    columns = (order, *(c[order] for c in (scores, scores - half, scores + half)),
               *(c[order] for c in (rank, low, high, best)))  # fmt: skip
    return tuple(starmap(RankedSystem, zip(*(c.tolist() for c in columns), strict=True)))


def quantile(level: float, freedom: float) -> float:
    """Two-sided quantile of Student's t; the normal's for infinite degrees of freedom."""
    upper = 0.5 + level / 2
    return float(special.ndtri(upper) if np.isinf(freedom) else special.stdtrit(freedom, upper))


def significantly_better(scores: Floats, covariance: Covariance, level: float) -> Bools:
    """better[i, j]: i beats j at this level after Holm over all K(K−1)/2 differences."""
    k = len(scores)
    i, j = np.triu_indices(k, 1)
    gap = np.abs(scores[i] - scores[j])
    p = _two_sided(gap, np.sqrt(covariance.difference_variances()[i, j]), covariance.freedom)
    found = np.zeros((k, k), dtype=bool)
    sure = holm_rejects(p, 1 - level)
    up = scores[i] > scores[j]
    found[i[sure & up], j[sure & up]] = True
    found[j[sure & ~up], i[sure & ~up]] = True
    return found


def difference_p(scores: Floats, covariance: Covariance) -> Floats:
    """Two-sided p of every difference, (K, K), 1 on the diagonal."""
    gap = np.abs(scores[:, None] - scores[None, :])
    error = np.sqrt(covariance.difference_variances())
    return _two_sided(gap, error, covariance.freedom)


def _two_sided(gap: Floats, error: Floats, freedom: float) -> Floats:
    with np.errstate(over="ignore"):
        ratio = np.divide(gap, error, out=np.where(gap > 0, np.inf, 0.0), where=error > 0)
    # 2·P(T > t) for Student's t is the normal's in the limit; the special functions skip the
    # checks of scipy.stats, which cost more than the sum itself.
    tail = special.ndtr(-ratio) if np.isinf(freedom) else special.stdtr(freedom, -ratio)
    return np.minimum(2 * np.asarray(tail, dtype=np.float64), 1.0)


def probability_best(scores: Floats, covariance: Floats, draws: int, seed: int) -> Floats:
    """Share of draws from N(scores, covariance) in which each system is on top, (K,).

    Systems more than six standard errors under the leader (chance under 1e-9) are not drawn.
    """
    top = int(np.argmax(scores))
    own = np.diagonal(covariance)
    error = np.sqrt(np.maximum(own + own[top] - 2 * covariance[top], 0.0))
    near = np.flatnonzero(scores + 6 * error >= scores[top])
    values, vectors = np.linalg.eigh(covariance[np.ix_(near, near)])
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    noise = np.random.default_rng(seed).standard_normal((draws, len(near)))
    first = near[np.argmax(scores[near] + noise @ root.T, axis=1)]
    result: Floats = np.bincount(first, minlength=len(scores)) / draws
    return result


def differences(
    scores: Floats, covariance: Covariance, level: float, reference: int | None = None
) -> list[Difference]:
    """Differences from `reference`, or of all pairs, from the full covariance."""
    k = len(scores)
    pairs = (
        [(i, j) for i in range(k) for j in range(i + 1, k)]
        if reference is None
        else [(i, reference) for i in range(k) if i != reference]
    )
    t = quantile(level, covariance.freedom)
    error = np.sqrt(covariance.difference_variances())
    p = difference_p(scores, covariance)
    found = []
    for i, j in pairs:
        gap, half = float(scores[i] - scores[j]), t * float(error[i, j])
        found.append(Difference(i, j, gap, gap - half, gap + half, float(p[i, j])))
    return found

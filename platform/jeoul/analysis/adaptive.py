"""Which pair to ask next, for each of four aims, and when the best system is known.

Every rule is a (K, K) table of choice probabilities over i < j that sums to 1; `mixed` keeps a
share of uniform choice in it, and what was chosen is stored with its probability.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special, stats

from jeoul.analysis.counts import Floats
from jeoul.analysis.errors import BrokenVotes, TooFew
from jeoul.analysis.intervals import check_level
from jeoul.analysis.sequential import beta_binomial

# The share of uniform choice that keeps intervals and slices honest.
UNIFORM_SHARE: Final = 0.1


@dataclass(frozen=True)
class Choice:
    """The pair to ask next and the probability with which it was chosen."""

    system_a: int
    system_b: int
    probability: float


def uniform(n_systems: int) -> Floats:
    """Every pair equally often."""
    if n_systems < 2:
        raise TooFew("A pair needs two systems.")
    return _normal(np.ones((n_systems, n_systems)))


def _normal(weight: Floats) -> Floats:
    upper = np.triu(weight, 1)
    total = upper.sum()
    if not np.isfinite(total) or total < 0 or bool((upper < 0).any()):
        raise BrokenVotes("Weights of pairs are finite and not negative.")
    if total == 0:
        return uniform(len(weight))
    result: Floats = upper / total
    return result


def mixed(probabilities: Floats, uniform_share: float = UNIFORM_SHARE) -> Floats:
    """The rule in most cases, uniform choice in `uniform_share` of them."""
    if not 0 < uniform_share <= 1:
        raise ValueError("Some uniform choice must stay: a share above 0, up to 1.")
    result: Floats = (1 - uniform_share) * probabilities + uniform_share * uniform(
        len(probabilities)
    )
    return result


def choose(probabilities: Floats, rng: np.random.Generator) -> Choice:
    """Draws a pair from a table of choice probabilities."""
    flat = probabilities.ravel()
    if abs(float(flat.sum()) - 1) > 1e-9 or bool((flat < 0).any()):
        raise BrokenVotes("Choice probabilities are not negative and sum to 1.")
    at = int(rng.choice(flat.size, p=flat))
    k = len(probabilities)
    return Choice(at // k, at % k, float(flat[at]))


def for_best(
    scores: Floats, covariance: Floats, rng: np.random.Generator, draws: int = 2_000
) -> Floats:
    """Aim "name the best": how often each pair is on top in draws from N(θ, V), (K, K).

    Top-two sampling after Russo (2020): the pairs whose order decides who is best.
    """
    k = len(scores)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    sample = scores + rng.standard_normal((draws, k)) @ root.T
    top = np.argpartition(-sample, 1, axis=1)[:, :2] if k > 2 else np.tile([0, 1], (draws, 1))
    low, high = top.min(axis=1), top.max(axis=1)
    return _normal(np.bincount(low * k + high, minlength=k * k).reshape(k, k).astype(np.float64))


def for_order(scores: Floats, covariance: Floats) -> Floats:
    """Aim "order the neighbours": adjacent systems by the standard deviation of their order.

    Weight √(p(1−p)) with p = Φ(−gap/s.e.) the chance that two neighbours stand the wrong way.
    """
    k = len(scores)
    order = np.argsort(-scores)
    weight = np.zeros((k, k))
    for i, j in itertools.pairwise(order):
        error = float(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]) ** 0.5
        p = float(stats.norm.cdf(-(scores[i] - scores[j]) / error)) if error > 0 else 0.5
        weight[min(i, j), max(i, j)] = (p * (1 - p)) ** 0.5
    return _normal(weight)


def for_matrix(wins: Floats, half_width: float, level: float = 0.95) -> Floats:
    """Aim "fill the win-rate matrix": pairs by the judgements they still lack.

    Needed for ±half_width: z²·w(1−w)/half_width² with w = (wins + 2)/(n + 4) (Agresti & Coull
    1998); once no pair lacks any, uniform. wins (K, K): row beats column, half for ties.
    """
    z = float(stats.norm.ppf(0.5 + check_level(level) / 2))
    games = wins + wins.T
    rate = (wins + 2) / (games + 4)
    lacking = z**2 * rate * (1 - rate) / half_width**2 - games
    return _normal(np.maximum(lacking, 0.0))


def for_pair(n_systems: int, first: int, second: int) -> Floats:
    """Aim "decide one pair": nothing else is asked (mix in uniform choice)."""
    if first == second:
        raise BrokenVotes("A pair has two systems.")
    weight = np.zeros((n_systems, n_systems))
    weight[min(first, second), max(first, second)] = 1.0
    return _normal(weight)


def arena(wins: Floats) -> Floats:
    """The Arena's rule (Chiang et al. 2024): weight √(σ²/n) − √(σ²/(n + 1)) of each pair.

    σ² = w(1−w) with w = (wins + 2)/(n + 4); pairs never asked count as asked once.
    """
    games = np.maximum(wins + wins.T, 1.0)
    rate = (wins + 2) / (wins + wins.T + 4)
    deviation = np.sqrt(rate * (1 - rate))
    return _normal(deviation * (1 / np.sqrt(games) - 1 / np.sqrt(games + 1)))


def a_optimal(scores: Floats, covariance: Floats) -> Floats:
    """Weight: fall of trace(V) from one more judgement of the pair, w‖V d‖²/(1 + w dᵀV d).

    w = p(1−p), d = e_i − e_j; covariance is the model's pseudo-inverse Hessian.
    """
    columns = covariance[:, :, None] - covariance[:, None, :]
    fall = (columns**2).sum(axis=0)
    weight, spread = _information(scores, covariance)
    return _normal(weight * fall / (1 + weight * spread))


def d_optimal(scores: Floats, covariance: Floats) -> Floats:
    """Weight: fall of log det V from one more judgement of the pair, log(1 + w dᵀV d)."""
    weight, spread = _information(scores, covariance)
    return _normal(np.log1p(weight * spread))


def _information(scores: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    p = special.expit(scores[:, None] - scores[None, :])
    own = np.diagonal(covariance)
    spread = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0)
    return p * (1 - p), spread


def still_possible(wins: Floats, level: float = 0.95) -> list[int]:
    """Systems that may still be the best: those no other has been seen to beat.

    j leaves when a beta-binomial confidence sequence at level 1 − α/(K − 1) puts some
    P(i beats j) above ½. A system that truly beats each other one is lost with probability at
    most α, at whatever look and however the pairs were chosen, for independent judgements.
    wins (K, K) of decided judgements: row beats column, whole numbers.
    """
    k = len(wins)
    if k < 2 or bool((wins != np.floor(wins)).any()):
        raise BrokenVotes("Wins of two systems or more, ties left out.")
    each = 1 - (1 - check_level(level)) / (k - 1)
    left = []
    for j in range(k):
        rivals = np.flatnonzero(wins[:, j] > wins[j])
        looks = (beta_binomial(int(wins[i, j]), int(wins[j, i]), level=each) for i in rivals)
        if not any(look.low > 0.5 for look in looks):
            left.append(j)
    return left


def among(probabilities: Floats, systems: list[int]) -> Floats:
    """The rule held to pairs of these systems; uniform among them where it gives them nothing."""
    if len(systems) < 2:
        raise TooFew("One system is left: nothing needs to be asked.")
    keep = np.zeros(len(probabilities), dtype=bool)
    keep[systems] = True
    pairs = np.outer(keep, keep)
    inside = np.where(pairs, probabilities, 0.0)
    return _normal(inside if inside.sum() > 0 else pairs.astype(np.float64))

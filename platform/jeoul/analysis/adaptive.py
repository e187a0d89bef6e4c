"""Which pair to ask next, for each of four aims, and when the best system is known.

Every rule is a (K, K) table of choice probabilities over i < j that sums to 1; `mixed` keeps a
share of uniform choice in it, and what was chosen is stored with its probability.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special, stats

from jeoul.analysis.counts import Bools, Floats, Ints
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import check_level
from jeoul.analysis.sequential import beta_binomial_bounds

# The share of uniform choice that keeps intervals and slices honest.
UNIFORM_SHARE: Final = 0.1
# A wide mixture for cells of a matrix: one held to ½ would ask clear pairs as often as even ones.
MATRIX_PRIOR: Final = 2.0


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

    A pair with n judgements and a confidence sequence of ±h lacks n·((h/half_width)² − 1); one
    never asked lacks what an even pair needs. Once no pair lacks any, uniform. wins (K, K) of
    decided judgements: row beats column, whole numbers. See `matrix_widths` for the stop.
    """
    if not 0 < half_width < 0.5:
        raise BrokenVotes(f"A half width lies between 0 and ½, not {half_width}.")
    games = wins + wins.T
    width = matrix_widths(wins, level)
    z = float(stats.norm.ppf(0.5 + check_level(level) / 2))
    unseen = z**2 / 4 / half_width**2
    lacking = np.where(games > 0, games * ((width / half_width) ** 2 - 1), unseen)
    return _normal(np.maximum(lacking, 0.0))


def matrix_widths(wins: Floats, level: float = 0.95) -> Floats:
    """Half width of each pair's beta-binomial confidence sequence, (K, K), ½ where never asked.

    The mixture is Beta(MATRIX_PRIOR, MATRIX_PRIOR).

    Each holds at every look, so that stopping once all are narrow enough keeps each cell's
    level, for independent decided judgements. The diagonal is 0.
    """
    _check_wins(wins)
    i, j = np.triu_indices(len(wins), 1)
    low, high = beta_binomial_bounds(wins[i, j], wins[j, i], prior=MATRIX_PRIOR, level=level)
    width = np.zeros_like(wins, dtype=np.float64)
    width[i, j] = width[j, i] = (high - low) / 2
    return width


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


def _check_wins(wins: Floats) -> None:
    square = wins.ndim == 2 and wins.shape[0] == wins.shape[1] and len(wins) > 1
    if not square or bool((wins != np.floor(wins)).any()) or bool((wins < 0).any()):
        raise BrokenVotes("Wins of two systems or more, ties left out: whole and not negative.")


def beaten(wins: Floats, level: float) -> Bools:
    """beaten[i, j]: the confidence sequence of P(i beats j) at `level` lies above ½, (K, K)."""
    _check_wins(wins)
    i, j = np.nonzero(wins > wins.T)
    low, _ = beta_binomial_bounds(wins[i, j], wins[j, i], level=level)
    found = np.zeros(wins.shape, dtype=bool)
    found[i, j] = low > 0.5
    return found


def still_possible(wins: Floats, level: float = 0.95) -> list[int]:
    """Systems that may still be the best: those no other has been seen to beat.

    j leaves when a beta-binomial confidence sequence at level 1 − α/(K − 1) puts some
    P(i beats j) above ½. A system that truly beats each other one is lost with probability at
    most α, at whatever look and however the pairs were chosen, for independent judgements.
    wins (K, K) of decided judgements: row beats column, whole numbers.
    """
    _check_wins(wins)
    lost = beaten(wins, 1 - (1 - check_level(level)) / (len(wins) - 1))
    return np.flatnonzero(~lost.any(axis=0)).tolist()


def undecided_neighbours(
    scores: Floats, wins: Floats, level: float = 0.95
) -> list[tuple[int, int]]:
    """Neighbours in the ranking by `scores` whose order is not yet sure, best first.

    Sure: the upper one has been seen to beat the lower at level 1 − α/(K(K − 1)/2). When none is
    left the whole order stands, and with judgements that are independent and systems of which
    the better beats the worse it is wrong with probability at most α, whenever one looks.
    """
    k = len(scores)
    if wins.shape != (k, k):
        raise BrokenVotes("Scores and wins are of the same systems.")
    sure = beaten(wins, 1 - (1 - check_level(level)) / (k * (k - 1) / 2))
    order = np.argsort(-scores, kind="stable").tolist()
    return [(i, j) for i, j in itertools.pairwise(order) if not sure[i, j]]


def only(probabilities: Floats, pairs: list[tuple[int, int]]) -> Floats:
    """The rule held to these pairs; evenly among them where it gives them nothing."""
    if not pairs:
        raise TooFew("No pair is left: nothing needs to be asked.")
    mask = np.zeros(probabilities.shape, dtype=bool)
    for i, j in pairs:
        mask[min(i, j), max(i, j)] = True
    inside = np.where(mask, probabilities, 0.0)
    return _normal(inside if inside.sum() > 0 else mask.astype(np.float64))


def for_prompt(judged: Ints, weight: Floats | None = None) -> Floats:
    """Which prompt to ask the chosen pair about: evenly among those it was asked least, (P,).

    judged (P,): judgements of this pair on each prompt. New prompts come before second opinions
    because σ²_prompt/P falls with prompts alone (statistics: design). `weight` (P,) favours
    prompts, for example to fill slices evenly. Raises BrokenVotes, NoVotes without prompts.
    """
    n = np.asarray(judged)
    if not len(n):
        raise NoVotes("There is no prompt to choose.")
    share = np.ones(len(n)) if weight is None else np.asarray(weight, dtype=np.float64)
    if share.shape != n.shape or not bool((share >= 0).all()) or bool((n < 0).any()):
        raise BrokenVotes("Each prompt has a count and a weight, none negative.")
    if not bool(np.isfinite(share).all()) or not share.any():
        raise BrokenVotes("Weights are finite, and one prompt at least may be asked.")
    least = (n == n[share > 0].min()) & (share > 0)
    result: Floats = np.where(least, share, 0.0) / share[least].sum()
    return result


def among(probabilities: Floats, systems: list[int]) -> Floats:
    """The rule held to pairs of these systems; uniform among them where it gives them nothing."""
    if len(systems) < 2:
        raise TooFew("One system is left: nothing needs to be asked.")
    keep = np.zeros(len(probabilities), dtype=bool)
    keep[systems] = True
    pairs = np.outer(keep, keep)
    inside = np.where(pairs, probabilities, 0.0)
    return _normal(inside if inside.sum() > 0 else pairs.astype(np.float64))

"""Crowd-BT: Bradley–Terry scores and the reliability of each worker at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from jeoul.analysis.bradley_terry import check_connected, fit_counts
from jeoul.analysis.counts import A_WINS, TIE, Floats, Ints, Votes, outcome_counts, sums, win_matrix
from jeoul.analysis.errors import NotConverged, NotIdentifiable, NoVotes
from jeoul.analysis.intervals import check_level

# A beta prior on reliability, worth this many judgements right and wrong: judges are believed
# until they contradict the others, which also fixes the sign of the scores.
PRIOR_RIGHT: Final = 2.0
PRIOR_WRONG: Final = 0.5
# A weak normal prior on scores (variance 25) keeps contrary workers from pushing them away.
SCORE_PRECISION: Final = 0.04
MAX_STEPS: Final = 500
MAX_HALVINGS: Final = 40


@dataclass(frozen=True)
class CrowdRanking:
    """scores (K,) summing to 0 with standard errors; reliability (R,) = P(a worker votes with
    the better answer's odds rather than against) with bounds, NaN for codes without a
    judgement; plain scores beside them. Errors and bounds take judgements as independent."""

    scores: Floats
    error: Floats
    plain: Floats
    reliability: Floats
    low: Floats
    high: Floats
    iterations: int
    objective: float
    n: int
    level: float
    method: str = "Crowd-BT (Chen et al. 2013), joint maximum with beta prior, Newton"


def crowd_bt(votes: Votes, *, level: float = 0.95) -> CrowdRanking:
    """P(r prefers i to j) = η_r·σ(θ_i − θ_j) + (1 − η_r)·σ(θ_j − θ_i) (Chen et al. 2013).

    Ties are half a vote each way; η_r has a Beta(3, 1.5) prior, θ a weak normal one. Counts per
    (pair, worker) once, then Newton on (θ, logit η). The scale of θ trades against η (doubting
    everyone stretches all scores): read the order and the ratios of gaps, not their size.
    Errors from the expected information at the maximum (priors included); a worker's interval
    is normal on the logit of η_r. In simulation it covers an honest worker in 94 to 95 %, a
    contrary one (whom the prior pulls towards belief) in about 80 %.
    Raises NoVotes, Disconnected, NotIdentifiable under three workers or without overlap
    (no pair with judgements of two workers), NotConverged.
    """
    check_level(level)
    if not len(votes):
        raise NoVotes("No judgement to rank from.")
    wins = win_matrix(outcome_counts(votes))
    check_connected(wins)
    pair, worker, won, lost = _cells(votes)
    workers = int(worker.max()) + 1
    _check_overlap(pair, worker)
    k = votes.n_systems
    a, b = pair // k, pair % k
    plain = fit_counts(wins).scores

    def loss(x: Floats) -> tuple[float, Floats]:
        return _loss(x, k, workers, a, b, worker, won, lost)

    def curved(x: Floats, seen: bool) -> Information:
        return _information(x, k, workers, a, b, worker, won, lost, seen=seen)

    start = np.concatenate([plain, np.full(workers, np.log(PRIOR_RIGHT / PRIOR_WRONG))])
    x, value, steps = _minimum(loss, curved, start, 1e-9 * len(votes))
    scores = x[:k] - x[:k].mean()
    error, spread = curved(x, False).errors()
    z = float(special.ndtri(0.5 + level / 2))
    bounds = np.stack([x[k:], x[k:] - z * spread, x[k:] + z * spread])
    bounds = special.expit(bounds)
    bounds[:, np.bincount(worker, minlength=workers) == 0] = np.nan
    return CrowdRanking(
        scores, error, plain, bounds[0], bounds[1], bounds[2],
        steps, -value, len(votes), level,
    )  # fmt: skip


@dataclass(frozen=True)
class Information:
    """Information of (θ, logit η): K × K `own`, diagonal `each` (R,), `cross` (R, K).

    Each judgement has one worker, so the workers' block is diagonal: only K × K is inverted.
    """

    own: Floats
    each: Floats
    cross: Floats

    def _left(self) -> Floats:
        return self.own - (self.cross / self.each[:, None]).T @ self.cross

    def _inner(self) -> Floats:
        return np.asarray(np.linalg.inv(self._left()), dtype=np.float64)

    def convex(self) -> bool:
        """Whether it is positive definite."""
        return bool((self.each > 0).all()) and float(np.linalg.eigvalsh(self._left())[0]) > 0

    def solve(self, gradient: Floats) -> Floats:
        """The step whose product with the information is the gradient."""
        k = len(self.own)
        share = self.cross / self.each[:, None]
        theta = self._inner() @ (gradient[:k] - share.T @ gradient[k:])
        return np.concatenate([theta, gradient[k:] / self.each - share @ theta])

    def errors(self) -> tuple[Floats, Floats]:
        """Standard errors of the scores, which sum to 0, (K,), and of logit η (R,)."""
        inner, share = self._inner(), self.cross / self.each[:, None]
        middle = np.eye(len(self.own)) - 1 / len(self.own)
        return (
            np.sqrt(np.diagonal(middle @ inner @ middle)),
            np.sqrt(1 / self.each + ((share @ inner) * share).sum(axis=1)),
        )


def _information(
    x: Floats, k: int, workers: int, a: Ints, b: Ints, worker: Ints, won: Floats, lost: Floats,
    *, seen: bool,
) -> Information:  # fmt: skip
    """At x, priors included: the expected information, or the curvature of the loss as ``seen``."""
    theta, e = x[:k], special.expit(x[k:])
    s, eta = special.expit(theta[a] - theta[b]), e[worker]
    p = np.clip(eta * s + (1 - eta) * (1 - s), 1e-12, 1 - 1e-12)
    flat, doubt = s * (1 - s), eta * (1 - eta)
    by_score, by_worker = (2 * eta - 1) * flat, (2 * s - 1) * doubt
    if seen:
        slope, weight = lost / (1 - p) - won / p, won / p**2 + lost / (1 - p) ** 2
        scores = weight * by_score**2 + slope * by_score * (1 - 2 * s)
        judges = weight * by_worker**2 + slope * by_worker * (1 - 2 * eta)
        shared = weight * by_score * by_worker + slope * 2 * doubt * flat
    else:
        weight = (won + lost) / (p * (1 - p))
        scores, judges = weight * by_score**2, weight * by_worker**2
        shared = weight * by_score * by_worker
    pair = sums(a * k + b, scores, k * k).reshape(k, k)
    pair = pair + pair.T
    own = np.diag(pair.sum(axis=1)) - pair + SCORE_PRECISION * np.eye(k)
    each = sums(worker, judges, workers) + (PRIOR_RIGHT + PRIOR_WRONG) * e * (1 - e)
    cross = sums(worker * k + a, shared, workers * k) - sums(worker * k + b, shared, workers * k)
    return Information(own, each, cross.reshape(workers, k))


def _minimum(
    loss: Callable[[Floats], tuple[float, Floats]],
    curved: Callable[[Floats, bool], Information],
    x: Floats,
    tolerance: float,
) -> tuple[Floats, float, int]:
    """The minimum by Newton, each step halved until the loss falls; raises NotConverged.

    Where the loss is not convex the expected information takes the place of its curvature: that is
    positive definite everywhere (priors included), so that a step always leads down.
    """
    value, gradient = loss(x)
    for step in range(1, MAX_STEPS + 1):
        if float(np.abs(gradient).max()) <= tolerance:
            return x, value, step - 1
        curve = curved(x, True)
        move = (curve if curve.convex() else curved(x, False)).solve(gradient)
        # No logit moves by more than three at once.
        part = min(1.0, 3.0 / float(np.abs(move).max()))
        slope = float(gradient @ move)
        for _ in range(MAX_HALVINGS):
            there, turned = loss(x - part * move)
            if there <= value - 1e-4 * part * slope:
                break
            part /= 2
        else:
            # The loss cannot fall any more in floating point: this is the minimum.
            if slope <= 1e-9 * max(1.0, abs(value)):
                return x, value, step
            break
        x, value, gradient = x - part * move, there, turned
    raise NotConverged("Crowd-BT", step, float(np.abs(gradient).max()))


def _cells(votes: Votes) -> tuple[Ints, Ints, Floats, Floats]:
    """Distinct (pair, worker) with wins of the lower code and of the higher, ties half."""
    k = votes.n_systems
    swap = votes.system_a > votes.system_b
    low = np.where(swap, votes.system_b, votes.system_a).astype(np.int64)
    high = np.where(swap, votes.system_a, votes.system_b)
    score = np.where(votes.outcome >= TIE, 0.5, (votes.outcome == A_WINS) != swap)
    pairs = low * k + high
    key = votes.worker.astype(np.int64) * (k * k) + pairs
    size = (int(votes.worker.max()) + 1) * k * k
    if size <= 8 * len(votes) + 1_000_000:
        n = np.bincount(key, minlength=size)
        at = np.flatnonzero(n)
        won, n = sums(key, score, size)[at], n[at]
    else:
        at, inverse = np.unique(key, return_inverse=True)
        n, won = np.bincount(inverse), sums(inverse, score, len(at))
    return at % (k * k), at // (k * k), won, np.asarray(n - won, dtype=np.float64)


def _check_overlap(pair: Ints, worker: Ints) -> None:
    if len(np.unique(worker)) < 3:
        raise NotIdentifiable("Fewer than three workers: none can be weighed.")
    _, judges = np.unique(pair, return_counts=True)
    if not bool((judges > 1).any()):
        raise NotIdentifiable("No pair was judged by two workers: none can be weighed.")


def _loss(
    x: Floats,
    k: int,
    workers: int,
    a: Ints,
    b: Ints,
    worker: Ints,
    won: Floats,
    lost: Floats,
) -> tuple[float, Floats]:
    """Negative log posterior and its gradient in (θ, logit η)."""
    theta, e = x[:k], 0.5 * (1 + np.tanh(x[k:] / 2))
    s = 0.5 * (1 + np.tanh((theta[a] - theta[b]) / 2))
    eta = e[worker]
    p = np.clip(eta * s + (1 - eta) * (1 - s), 1e-12, 1 - 1e-12)
    value = -(won * np.log(p) + lost * np.log1p(-p)).sum()
    slope = -(won / p - lost / (1 - p))
    by_score = slope * (2 * eta - 1) * s * (1 - s)
    g_theta = sums(a, by_score, k) - sums(b, by_score, k) + SCORE_PRECISION * theta
    by_worker = sums(worker, slope * (2 * s - 1), workers) * e * (1 - e)
    right, wrong = np.log(np.clip(e, 1e-12, 1)), np.log(np.clip(1 - e, 1e-12, 1))
    value -= (PRIOR_RIGHT * right + PRIOR_WRONG * wrong).sum()
    value += SCORE_PRECISION / 2 * (theta @ theta)
    by_worker -= PRIOR_RIGHT * (1 - e) - PRIOR_WRONG * e
    return float(value), np.concatenate([g_theta, by_worker])

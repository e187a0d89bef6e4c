"""Rao and Kupper's tie model, the alternative to Davidson's: a threshold that hides small gaps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from jeoul.analysis.bradley_terry import check_connected
from jeoul.analysis.counts import (
    A_WINS,
    B_WINS,
    TIE,
    Floats,
    Votes,
    outcome_counts,
    sums,
    win_matrix,
)
from jeoul.analysis.errors import NotConverged, NoVotes, TooFew


@dataclass(frozen=True)
class RaoKupper:
    """scores (K,) summing to 0 and the threshold κ > 1 (1 would mean no ties), with standard
    errors; `covariance` (K, K) of the scores takes judgements as independent."""

    scores: Floats
    error: Floats
    kappa: float
    kappa_error: float
    covariance: Floats
    iterations: int
    log_likelihood: float
    n: int
    method: str = "Rao-Kupper (1967), observed information, judgements independent"


def fit_rao_kupper(votes: Votes) -> RaoKupper:
    """P(i beats j) = π_i/(π_i + κ π_j), P(tie) = (κ² − 1) P(i beats j) P(j beats i).

    Rao & Kupper (1967). Both bad is a tie. Maximum by L-BFGS on (θ, log(κ − 1)), from counts;
    errors from the inverse of the observed information (the analytic gradient's differences).
    Raises NoVotes, Disconnected, TooFew without ties or decisions, NotConverged.
    """
    if not len(votes):
        raise NoVotes("No judgement to rank from.")
    counts = outcome_counts(votes)
    check_connected(win_matrix(counts))
    beats = (counts[A_WINS] + counts[B_WINS].T).astype(np.float64)
    ties = counts[TIE:].sum(axis=0).astype(np.float64)
    if not beats.any() or not ties.any():
        raise TooFew("Rao and Kupper's model needs ties and decided judgements.")
    i, j = np.nonzero(beats + ties + ties.T)
    k = votes.n_systems
    # A tie is a fact about both orders: half of it stands in each direction.
    tied = (ties + ties.T)[i, j]
    won = beats[i, j]

    def loss(x: Floats) -> tuple[float, Floats]:
        return _loss(x, k, i, j, won, tied)

    found: Any = optimize.minimize(
        loss, np.zeros(k + 1), jac=True, method="L-BFGS-B",
        options={"maxiter": 5_000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-8 * len(votes)},
    )  # fmt: skip
    if not found.success:
        raise NotConverged("Rao-Kupper", int(found.nit), float(np.abs(found.jac).max()))
    scores = found.x[:k] - found.x[:k].mean()
    more = float(np.exp(found.x[k]))
    spread = _inverse_information(lambda x: loss(x)[1], np.append(scores, found.x[k]))
    error = np.sqrt(np.maximum(np.diagonal(spread), 0.0))
    return RaoKupper(
        scores, error[:k], 1 + more, more * float(error[k]), spread[:k, :k],
        int(found.nit), -float(found.fun), len(votes),
    )  # fmt: skip


def _inverse_information(gradient: Callable[[Floats], Floats], x: Floats) -> Floats:
    """The covariance of (θ, log(κ − 1)) with Σθ = 0, from central differences of the gradient."""
    k, step = len(x) - 1, 1e-5
    columns = [
        (gradient(x + step * e) - gradient(x - step * e)) / (2 * step) for e in np.eye(k + 1)
    ]
    information = np.array(columns)
    # All scores moving together changes nothing: that direction is filled and taken out again.
    flat = np.append(np.full(k, 1 / np.sqrt(k)), 0.0)
    scale = np.trace(information) / k
    filled = (information + information.T) / 2 + scale * np.outer(flat, flat)
    return np.asarray(np.linalg.inv(filled) - np.outer(flat, flat) / scale, dtype=np.float64)


def _loss(x: Floats, k: int, i: Any, j: Any, won: Floats, tied: Floats) -> tuple[float, Floats]:
    """Negative log likelihood over ordered pairs and its gradient in (θ, log(κ − 1))."""
    kappa = 1 + np.exp(x[k])
    d = x[i] - x[j] - np.log(kappa)
    log_p = -np.logaddexp(0.0, -d)
    miss = 1 - np.exp(log_p)
    # Each tie gives log P(i beats j) + log P(j beats i) + log(κ² − 1), seen from both orders.
    weight = won + tied
    many = tied.sum() / 2
    value = -(weight @ log_p) - many * np.log(kappa**2 - 1)
    slope = -weight * miss
    g_theta = sums(i, slope, k) - sums(j, slope, k)
    g_kappa = -slope.sum() / kappa - many * 2 * kappa / (kappa**2 - 1)
    return float(value), np.append(g_theta, g_kappa * (kappa - 1))

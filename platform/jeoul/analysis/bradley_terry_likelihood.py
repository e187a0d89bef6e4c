"""The likelihood of Bradley-Terry with ties, sides and covariates, and Newton's way up it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from jeoul.analysis import positive
from jeoul.analysis.bradley_terry import MAX_STEPS, TOLERANCE
from jeoul.analysis.counts import A_WINS, B_WINS, TIE, Floats, Ints, Votes
from jeoul.analysis.errors import NotConverged, NotIdentifiable, TooFew

# Under this share of the largest eigenvalue (after scaling) two effects cannot be told apart.
_SINGULAR: Final = 1e-9


@dataclass(frozen=True)
class Rows:
    """Distinct situations: systems a and b (r,), covariates x (r, m), and their outcomes (r,)."""

    a: Ints
    b: Ints
    x: Floats
    wins: Floats
    losses: Floats
    ties: Floats
    n_systems: int
    davidson: bool

    @cached_property
    def total(self) -> Floats:
        """Judgements of each row, (r,)."""
        return self.wins + self.losses + self.ties

    @cached_property
    def cell(self) -> Ints:
        """Where each row stands in a flat table of shape (K, K)."""
        found: Ints = self.a.astype(np.int64) * self.n_systems + self.b
        return found


@dataclass(frozen=True)
class Moments:
    """Model mean of the score and of a tie in each row, with their variances and covariance."""

    score: Floats
    tie: Floats
    score_variance: Floats
    crossed: Floats
    tie_variance: Floats


def rows_of(votes: Votes, x: Floats, davidson: bool, counts: Ints | None) -> Rows:
    """The votes as rows: each by itself, or given their outcome counts (4, K, K), which is right
    where only the pair and the side shown matter, one for each pair and side.

    Raises TooFew where Davidson's model lacks ties or decided judgements.
    """
    k = votes.n_systems
    if counts is not None:
        rows = _counted(_by_side(votes) if x.shape[1] else np.moveaxis(counts, 0, -1)[None])
    else:
        said = (votes.outcome == A_WINS, votes.outcome == B_WINS, votes.outcome > B_WINS)
        rows = (votes.system_a, votes.system_b, x, *said)
    a, b, x, wins, losses, ties = rows
    if davidson and (not ties.any() or not (wins.any() or losses.any())):
        raise TooFew("Davidson's model needs ties and decided judgements.")
    return Rows(a, b, x, wins * 1.0, losses * 1.0, ties * 1.0, k, davidson)


def _by_side(votes: Votes) -> Ints:
    """Counts by side on which A was shown (right, unknown, left), A, B, outcome: (3, K, K, 4)."""
    k = votes.n_systems
    key = (
        ((votes.left.astype(np.int64) + 1) * k + votes.system_a) * k + votes.system_b
    ) * 4 + votes.outcome
    return np.bincount(key, minlength=12 * k * k).reshape(3, k, k, 4)


def _counted(table: Ints) -> tuple[Any, ...]:
    """Rows of the lower code against the higher from counts (sides, K, K, 4): who is called A
    says nothing. Of one side there is no covariate."""
    back = table[::-1].swapaxes(1, 2)
    wins = table[..., A_WINS] + back[..., B_WINS]
    losses = table[..., B_WINS] + back[..., A_WINS]
    ties = table[..., TIE:].sum(axis=-1) + back[..., TIE:].sum(axis=-1)
    at = side, a, b = np.nonzero(np.triu(wins + losses + ties, 1))
    x = side[:, None] - 1.0 if len(table) > 1 else np.zeros((len(a), 0))
    return a, b, x, wins[at], losses[at], ties[at]


def regularised(rows: Rows, wins: Floats, ridge: float) -> Rows:
    """The rows and, for each pair played, `ridge` judgements half won and half lost."""
    i, j = np.nonzero(np.triu(wins + wins.T, 1))
    half = np.full(len(i), ridge / 2)
    return Rows(
        np.concatenate([rows.a, i]),
        np.concatenate([rows.b, j]),
        np.vstack([rows.x, np.zeros((len(i), rows.x.shape[1]))]),
        np.concatenate([rows.wins, half]),
        np.concatenate([rows.losses, half]),
        np.concatenate([rows.ties, np.zeros(len(i))]),
        rows.n_systems,
        rows.davidson,
    )


def _predictor(rows: Rows, found: Floats) -> Floats:
    k, m = rows.n_systems, rows.x.shape[1]
    result: Floats = found[rows.a] - found[rows.b] + rows.x @ found[k : k + m]
    return result


def moments(rows: Rows, found: Floats) -> Moments:
    """First and second moments of (score, tie) in each row under the parameters."""
    d = _predictor(rows, found)
    if not rows.davidson:
        e = 0.5 * (1 + np.tanh(d / 2))
        zero = np.zeros_like(e)
        return Moments(e, zero, e * (1 - e), zero, zero)
    # By the likelier of both, so that nothing overflows: 1 : t² : ν t with t = e^(−|d|/2).
    t, nu = np.exp(-np.abs(d) / 2), np.exp(found[-1])
    likelier = 1 / (1 + t * (t + nu))
    tie = nu * t * likelier
    win = likelier * np.where(d < 0, t * t, 1.0)
    e = win + tie / 2
    return Moments(e, tie, win + tie / 4 - e**2, tie * (0.5 - e), tie * (1 - tie))


def log_likelihood(rows: Rows, found: Floats) -> float:
    """Σ log P of what was seen; a half tie as half a win and half a loss."""
    d = _predictor(rows, found)
    ahead, t = (rows.wins - rows.losses) * d / 2, np.exp(-np.abs(d) / 2)
    if not rows.davidson:
        return float((ahead - rows.total * (np.abs(d) / 2 + np.log1p(t * t))).sum())
    normal = np.abs(d) / 2 + np.log1p(t * (t + np.exp(found[-1])))
    return float((ahead + rows.ties * found[-1] - rows.total * normal).sum())


def saturated(rows: Rows) -> float:
    """The log likelihood of a model that fits each row by itself."""
    parts = (
        (rows.wins, rows.losses, rows.ties)
        if rows.davidson
        else (rows.wins + rows.ties / 2, rows.losses + rows.ties / 2)
    )
    total, best = rows.total, 0.0
    for part in parts:
        share = np.divide(part, total, out=np.ones_like(part), where=part > 0)
        best += float((part * np.log(share)).sum())
    return best


def _across(rows: Rows, weights: Floats) -> Floats:
    """Σ weights (e_a − e_b), (K,)."""
    k = rows.n_systems
    gained = np.bincount(rows.a, weights=weights, minlength=k)
    lost = np.bincount(rows.b, weights=weights, minlength=k)
    return np.asarray(gained - lost, dtype=np.float64)


def _slope(rows: Rows, mean: Moments) -> Floats:
    """Gradient of the log likelihood: [θ, β, log ν]."""
    r = rows.wins + rows.ties / 2 - rows.total * mean.score
    parts = [_across(rows, r), rows.x.T @ r]
    if rows.davidson:
        parts.append(np.array([(rows.ties - rows.total * mean.tie).sum()]))
    return np.concatenate(parts)


def curvature(rows: Rows, mean: Moments) -> Floats:
    """Negative Hessian, the null space of the scores filled at its own scale."""
    k, m = rows.n_systems, rows.x.shape[1]
    v = rows.total * mean.score_variance
    pair = np.bincount(rows.cell, weights=v, minlength=k * k).reshape(k, k)
    weight = pair + pair.T
    size = k + m + rows.davidson
    h = np.zeros((size, size))
    h[:k, :k] = np.diag(weight.sum(axis=1)) - weight
    h[:k, :k] += np.trace(h[:k, :k]) / k**2
    for j in range(m):
        h[:k, k + j] = h[k + j, :k] = _across(rows, v * rows.x[:, j])
    h[k : k + m, k : k + m] = rows.x.T @ (v[:, None] * rows.x)
    if rows.davidson:
        c = rows.total * mean.crossed
        h[:k, -1] = h[-1, :k] = _across(rows, c)
        h[k : k + m, -1] = h[-1, k : k + m] = rows.x.T @ c
        h[-1, -1] = (rows.total * mean.tie_variance).sum()
    return h


def newton(rows: Rows, labels: tuple[str, ...] = ()) -> tuple[Floats, int]:
    """The maximum likelihood [θ (summing to 0), β, log ν] and the steps it took."""
    k = rows.n_systems
    found = np.zeros(k + rows.x.shape[1] + rows.davidson)
    change = np.inf
    for step in range(1, MAX_STEPS + 1):
        mean = moments(rows, found)
        hessian = curvature(rows, mean)
        if step == 1:
            _check_identifiable(hessian, k, labels)
        try:
            move = positive.solve(hessian, _slope(rows, mean))
        except np.linalg.LinAlgError:
            break
        change = float(np.abs(move).max())
        found = found + move * min(1.0, 2.0 / change) if change > 0 else found
        found[:k] -= found[:k].mean()
        if change < TOLERANCE:
            return found, step
        if np.abs(found).max() > 50:
            break
    if len(labels) and np.abs(found[k : k + len(labels)]).max(initial=0.0) > 20:
        worst = labels[int(np.argmax(np.abs(found[k : k + len(labels)])))]
        raise NotIdentifiable(f"{worst} separates the outcomes: its effect has no finite size.")
    raise NotConverged("Bradley-Terry with effects", step, change)


def _check_identifiable(h: Floats, k: int, labels: tuple[str, ...]) -> None:
    scale = np.sqrt(np.diagonal(h))
    if not bool((scale > 0).all()):
        flat = labels[int(np.argmin(scale)) - k] if int(np.argmin(scale)) >= k else "A system"
        raise NotIdentifiable(f"{flat} never varies.")
    scaled = h / np.outer(scale, scale)
    try:
        # No small pivot, no null direction (short of matrices made to deceive): that spares the
        # eigenvectors, which are needed only to name the culprit.
        if np.diagonal(np.linalg.cholesky(scaled)).min() > 0.01:
            return
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(scaled)
    if values[0] < _SINGULAR * values[-1]:
        worst = int(np.argmax(np.abs(vectors[k : k + len(labels), 0]))) if labels else 0
        name = labels[worst] if labels else "A score"
        raise NotIdentifiable(f"{name} cannot be told from the other effects.")

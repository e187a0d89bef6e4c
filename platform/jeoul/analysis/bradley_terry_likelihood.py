"""The likelihood of Bradley-Terry with ties, sides and covariates, and Newton's way up it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from jeoul.analysis.bradley_terry import MAX_STEPS, TOLERANCE
from jeoul.analysis.counts import A_WINS, B_WINS, Floats, Ints, Votes, outcome_counts
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

    @property
    def total(self) -> Floats:
        """Judgements of each row, (r,)."""
        return self.wins + self.losses + self.ties


@dataclass(frozen=True)
class Moments:
    """Model mean of the score and of a tie in each row, with their variances and covariance."""

    score: Floats
    tie: Floats
    score_variance: Floats
    crossed: Floats
    tie_variance: Floats


def rows_of(votes: Votes, x: Floats, davidson: bool, *, collapse: bool) -> Rows:
    """The votes as rows; with `collapse` one for each pair and side shown, counted once.

    Raises TooFew where Davidson's model lacks ties or decided judgements.
    """
    k = votes.n_systems
    if collapse and not x.shape[1]:
        table = outcome_counts(votes).reshape(4, k * k).T
        at = np.flatnonzero(table.sum(axis=1))
        a, b, x = at // k, at % k, np.zeros((len(at), 0))
        wins, losses = table[at, A_WINS], table[at, B_WINS]
    elif not collapse:
        wins, losses = votes.outcome == A_WINS, votes.outcome == B_WINS
        a, b = votes.system_a, votes.system_b
    else:
        # Without free covariates only the pair and the side matter: the cost is one count.
        key = (
            ((votes.left.astype(np.int64) + 1) * k + votes.system_a) * k + votes.system_b
        ) * 4 + votes.outcome
        table = np.bincount(key, minlength=12 * k * k).reshape(-1, 4)
        at = np.flatnonzero(table.sum(axis=1))
        a, b = at // k % k, at % k
        x = np.asarray(at // (k * k) - 1.0, dtype=np.float64)[:, None]
        wins, losses = table[at, A_WINS], table[at, B_WINS]
    ties = table[at, 2:].sum(axis=1) if collapse else ~(wins | losses)
    if davidson and (not ties.any() or not (wins.any() or losses.any())):
        raise TooFew("Davidson's model needs ties and decided judgements.")
    return Rows(a, b, x, wins * 1.0, losses * 1.0, ties * 1.0, k, davidson)


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
    logs = np.stack([d / 2, -d / 2, np.full_like(d, found[-1])])
    p = np.exp(logs - logs.max(axis=0))
    win, _, tie = p / p.sum(axis=0)
    e = win + tie / 2
    return Moments(e, tie, win + tie / 4 - e**2, tie * (0.5 - e), tie * (1 - tie))


def log_likelihood(rows: Rows, found: Floats) -> float:
    """Σ log P of what was seen; a half tie as half a win and half a loss."""
    d = _predictor(rows, found)
    if not rows.davidson:
        won = rows.wins + rows.ties / 2
        lost = rows.total - won
        return float(-(won * np.logaddexp(0, -d) + lost * np.logaddexp(0, d)).sum())
    eta = found[-1]
    normal = np.logaddexp(np.logaddexp(d / 2, -d / 2), eta)
    seen = rows.wins * d / 2 - rows.losses * d / 2 + rows.ties * eta
    return float((seen - rows.total * normal).sum())


def saturated(rows: Rows) -> float:
    """The log likelihood of a model that fits each row by itself."""
    parts = (
        (rows.wins, rows.losses, rows.ties)
        if rows.davidson
        else (rows.wins + rows.ties / 2, rows.losses + rows.ties / 2)
    )
    best = 0.0
    for part in parts:
        seen = part > 0
        best += float((part[seen] * np.log(part[seen] / rows.total[seen])).sum())
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
    pair = np.bincount(rows.a.astype(np.int64) * k + rows.b, weights=v, minlength=k * k)
    weight = pair.reshape(k, k) + pair.reshape(k, k).T
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
    _check_identifiable(curvature(rows, moments(rows, found)), k, labels)
    change = np.inf
    for step in range(1, MAX_STEPS + 1):
        mean = moments(rows, found)
        try:
            move = np.linalg.solve(curvature(rows, mean), _slope(rows, mean))
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

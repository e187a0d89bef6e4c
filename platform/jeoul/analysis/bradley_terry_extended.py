"""Bradley–Terry with ties of their own (Davidson), the side shown, and covariates of the texts."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy import stats

from jeoul.analysis import ranks
from jeoul.analysis.bradley_terry import MAX_STEPS, TOLERANCE, check_connected, with_pseudo_ties
from jeoul.analysis.clustering import Covariance, Kind, single_meat, vote_covariance
from jeoul.analysis.counts import (
    A_WINS,
    B_WINS,
    BOTH_BAD,
    BothBad,
    Floats,
    Ints,
    Votes,
    WinDefinition,
    apply,
    outcome_counts,
    win_matrix,
)
from jeoul.analysis.errors import BrokenVotes, NotConverged, NotIdentifiable, NoVotes, TooFew
from jeoul.analysis.intervals import check_level
from jeoul.analysis.ranks import Difference, RankedSystem

TieModel: TypeAlias = Literal["half", "davidson"]

# Under this share of the largest eigenvalue (after scaling) two effects cannot be told apart.
_SINGULAR: Final = 1e-9


@dataclass(frozen=True)
class Effect:
    """An effect beside the systems' scores, on the logit scale, with its two-sided p."""

    name: str
    estimate: float
    error: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class ExtendedRanking:
    """As bradley_terry.Ranking, with `effects` (position, covariates) and Davidson's `nu`."""

    method: str
    note: str
    systems: tuple[RankedSystem, ...]
    scores: Floats
    covariance: Floats
    effects: tuple[Effect, ...]
    nu: float | None
    iterations: int
    n: int
    log_likelihood: float
    deviance: float
    freedom: float
    level: float
    spread: Covariance
    ridge: float | None
    draws: int
    seed: int

    def differences(self, reference: int | None = None) -> list[Difference]:
        """Differences with intervals from the full covariance; all pairs, or from one system."""
        return ranks.differences(self.scores, self.spread, self.level, reference)


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


def fit_extended(
    votes: Votes,
    *,
    ties: TieModel = "half",
    position: bool = False,
    covariates: Floats | None = None,
    names: tuple[str, ...] = (),
    both_bad: BothBad = "tie",
    level: float = 0.95,
    covariance: Kind = "two_way",
    ridge: float | None = None,
    draws: int = 4000,
    seed: int = 0,
) -> ExtendedRanking:
    """Scores after the side shown and the texts' features are allowed for.

    d = θ_a − θ_b + γ·left + βᵀx with x (n, m) the features of A less those of B, each divided
    by its root mean square. ties="half": P(A) = 1/(1 + e^−d), a tie half a win to each.
    ties="davidson" (Davidson 1970): P(A) : P(B) : P(tie) = e^{d/2} : e^{−d/2} : ν.
    Newton; covariance as in bradley_terry.fit. Style control as the Arena did (2024).
    `ridge` adds to each pair played that many judgements, half won and half lost, shown on no
    side and with equal features; the note names it.
    Raises NoVotes, BrokenVotes, Disconnected, TooFew (Davidson without ties or without
    decisions), NotIdentifiable (an effect that the systems determine, or one that separates
    the outcomes and grows without bound, by its name), NotConverged.
    """
    check_level(level)
    WinDefinition(both_bad=both_bad)
    x, labels = _features(votes, position, covariates, names)
    if both_bad == "left_out":
        keep = votes.outcome != BOTH_BAD
        votes, x = apply(votes, WinDefinition(both_bad="left_out")), x[keep]
    if not len(votes):
        raise NoVotes("No judgement to rank from.")
    wins = win_matrix(outcome_counts(votes))
    check_connected(wins if ridge is None else with_pseudo_ties(wins, ridge))
    rows = _rows_of(votes, x, ties == "davidson", collapse=covariates is None)
    if ridge is not None:
        rows = _regularised(rows, wins, ridge)
    found, iterations = newton(rows, labels)
    k = votes.n_systems
    spread = _spread(votes, x, rows, found, covariance)
    own = Covariance(
        spread.matrix[:k, :k],
        tuple(f[:k, :k] for f in spread.floors),
        spread.freedom,
        spread.method,
        spread.note,
    )
    likelihood = log_likelihood(rows, found)
    notes = [spread.note] if spread.note else []
    if ridge is not None:
        notes.append(f"Regularised: {ridge:g} pseudo-judgements were added to each pair played.")
    kind = "Davidson ties" if rows.davidson else "ties as half a win"
    return ExtendedRanking(
        method=", ".join(["Bradley-Terry", kind, *(f"with {n}" for n in labels), spread.method]),
        note=" ".join(notes),
        systems=ranks.ranked(found[:k], own, level, draws, seed),
        scores=found[:k],
        covariance=own.matrix,
        effects=_effects(labels, found[k:], spread, level, k),
        nu=float(np.exp(found[-1])) if rows.davidson else None,
        iterations=iterations,
        n=len(votes),
        log_likelihood=likelihood,
        deviance=2 * (saturated(rows) - likelihood),
        freedom=spread.freedom,
        level=level,
        spread=own,
        ridge=ridge,
        draws=draws,
        seed=seed,
    )


def _features(
    votes: Votes, position: bool, covariates: Floats | None, names: tuple[str, ...]
) -> tuple[Floats, tuple[str, ...]]:
    """Design (n, m) beside the systems, and a name for each column."""
    columns = [votes.left.astype(np.float64)[:, None]] if position else []
    labels: tuple[str, ...] = ("position",) if position else ()
    if covariates is not None:
        x = np.asarray(covariates, dtype=np.float64)
        if x.ndim != 2 or len(x) != len(votes) or not bool(np.isfinite(x).all()):
            raise BrokenVotes("Covariates are a finite table with a row for each judgement.")
        names = names or tuple(f"covariate {j + 1}" for j in range(x.shape[1]))
        if len(names) != x.shape[1]:
            raise BrokenVotes("Give one name for each covariate.")
        size = np.asarray(np.sqrt((x**2).mean(axis=0)), dtype=np.float64)
        if not bool((size > 0).all()):
            flat = names[int(np.argmin(size))]
            raise NotIdentifiable(f"{flat} is the same on both sides of every comparison.")
        columns.append(np.divide(x, size))
        labels += names
    design = np.hstack(columns) if columns else np.zeros((len(votes), 0))
    return np.asarray(design, dtype=np.float64), labels


def _rows_of(votes: Votes, x: Floats, davidson: bool, *, collapse: bool) -> Rows:
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


def _regularised(rows: Rows, wins: Floats, ridge: float) -> Rows:
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


def _curvature(rows: Rows, mean: Moments) -> Floats:
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
    _check_identifiable(_curvature(rows, moments(rows, found)), k, labels)
    change = np.inf
    for step in range(1, MAX_STEPS + 1):
        mean = moments(rows, found)
        try:
            move = np.linalg.solve(_curvature(rows, mean), _slope(rows, mean))
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


def _spread(votes: Votes, x: Floats, rows: Rows, found: Floats, kind: Kind) -> Covariance:
    """Covariance of all parameters from the scores of single judgements."""
    k = rows.n_systems
    h = _curvature(rows, moments(rows, found))
    bread: Floats = np.asarray(np.linalg.inv(h), dtype=np.float64)
    # The fill of the null space is taken out again: its inverse is 11ᵀ / trace.
    bread[:k, :k] -= 1.0 / _trace_before_fill(h, k)
    if kind == "model":
        nothing = np.zeros(0)
        return vote_covariance(votes, nothing, bread, bread, kind)
    single = Rows(votes.system_a, votes.system_b, x, *(np.zeros(0),) * 3, k, rows.davidson)
    mean = moments(single, found)
    residual = np.asarray(votes.score - mean.score, dtype=np.float64)
    extra: Floats = np.multiply(residual[:, None], x)
    if rows.davidson:
        tied = np.asarray((votes.outcome > B_WINS) - mean.tie, dtype=np.float64)
        extra = np.column_stack([extra, tied])
    return vote_covariance(votes, residual, single_meat(votes, residual, extra), bread, kind, extra)


def _trace_before_fill(h: Floats, k: int) -> float:
    # The fill adds trace/k² to each of the k diagonal entries: trace·(1 + 1/k).
    return float(np.trace(h[:k, :k])) / (1 + 1 / k)


def _effects(
    labels: tuple[str, ...], values: Floats, spread: Covariance, level: float, k: int
) -> tuple[Effect, ...]:
    error = np.sqrt(spread.variances()[k:])
    t = ranks.quantile(level, spread.freedom)
    found = []
    for name, value, se in zip(labels, values.tolist(), error.tolist(), strict=False):
        p = float(2 * stats.t.sf(abs(value) / se, spread.freedom)) if se > 0 else 0.0
        found.append(Effect(name, value, se, value - t * se, value + t * se, p))
    return tuple(found)

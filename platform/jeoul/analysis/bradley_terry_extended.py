"""Bradley–Terry with ties of their own (Davidson), the side shown, and covariates of the texts."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy import stats

from jeoul.analysis import positive, ranks
from jeoul.analysis.bradley_terry import check_connected, with_pseudo_ties
from jeoul.analysis.bradley_terry_likelihood import (
    Rows,
    curvature,
    log_likelihood,
    moments,
    newton,
    regularised,
    rows_of,
    saturated,
)
from jeoul.analysis.clustering import Covariance, Kind, single_meat, vote_covariance
from jeoul.analysis.counts import (
    B_WINS,
    BOTH_BAD,
    BothBad,
    Floats,
    Votes,
    WinDefinition,
    apply,
    outcome_counts,
    win_matrix,
)
from jeoul.analysis.errors import BrokenVotes, NotIdentifiable, NoVotes
from jeoul.analysis.intervals import check_level
from jeoul.analysis.ranks import Difference, RankedSystem

TieModel: TypeAlias = Literal["half", "davidson"]


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
    counts = outcome_counts(votes)
    wins = win_matrix(counts)
    check_connected(wins if ridge is None else with_pseudo_ties(wins, ridge))
    rows = rows_of(votes, x, ties == "davidson", counts if covariates is None else None)
    if ridge is not None:
        rows = regularised(rows, wins, ridge)
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


def _spread(votes: Votes, x: Floats, rows: Rows, found: Floats, kind: Kind) -> Covariance:
    """Covariance of all parameters from the scores of single judgements."""
    k = rows.n_systems
    h = curvature(rows, moments(rows, found))
    bread = positive.inverse(h)
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

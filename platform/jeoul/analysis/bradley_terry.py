"""Bradley–Terry scores from pair counts by Newton, with a covariance that knows its judges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse, stats

from jeoul.analysis import positive, ranks
from jeoul.analysis.clustering import (
    Covariance,
    Kind,
    pair_meat,
    tally_covariance,
    vote_covariance,
)
from jeoul.analysis.counts import (
    BOTH_BAD,
    BothBad,
    Floats,
    Ints,
    Votes,
    WinDefinition,
    apply,
    looked_up,
    outcome_counts,
    win_matrix,
)
from jeoul.analysis.errors import BrokenVotes, Disconnected, NotConverged, NoVotes
from jeoul.analysis.intervals import check_level
from jeoul.analysis.ranks import Difference, RankedSystem
from jeoul.analysis.tally import Tally

MAX_STEPS: Final = 100
# Newton is done when the last step moved no system by more than this on the logit scale: the
# error that is left is about its square.
TOLERANCE: Final = 1e-8
# Scores further apart than this would be worth nothing beside each other in floating point.
_FAR: Final = 500.0


@dataclass(frozen=True)
class Ranking:
    """Bradley–Terry scores of K systems with everything that made them.

    `systems` by rank; `scores` (K,) by code, summing to 0; `covariance` (K, K) of the scores;
    `freedom`: degrees of freedom of Student's t; `wins` (K, K) as fitted, `seen` (K, K) without
    the pseudo-ties of a `ridge`; `goodness`: Pearson's test against the saturated model, None
    where no degree of freedom is left; `draws` and `seed` made the probabilities of being best.
    """

    method: str
    note: str
    systems: tuple[RankedSystem, ...]
    scores: Floats
    covariance: Floats
    iterations: int
    n: int
    log_likelihood: float
    goodness: "Goodness | None"
    freedom: float
    level: float
    wins: Floats
    seen: Floats
    spread: Covariance
    ridge: float | None
    draws: int
    seed: int

    @property
    def fit_p(self) -> float | None:
        """p of the fit test, None where no degree of freedom is left."""
        return None if self.goodness is None else self.goodness.p

    @property
    def expected(self) -> Floats:
        """Win rate of row over column as the model has it, (K, K), ½ on the diagonal."""
        return expected_win_rates(self.scores)

    def pairs(self) -> list["PairFit"]:
        """Expected beside seen win rate of every pair that was played."""
        scale = 1.0 if self.goodness is None else self.goodness.dispersion
        return pair_fits(self.seen, self.expected, scale)

    def differences(self, reference: int | None = None) -> list[Difference]:
        """Differences with intervals from the full covariance; all pairs, or from one system."""
        return ranks.differences(self.scores, self.spread, self.level, reference)


@dataclass(frozen=True)
class Goodness:
    """Pearson's X² over the pairs (already divided by `dispersion`), its degrees of freedom, p.

    Judgements are taken as independent: with prompts and workers in common p is too small.
    """

    chi2: float
    freedom: int
    p: float
    dispersion: float
    method: str = "Pearson's X² over pairs, judgements independent"


@dataclass(frozen=True)
class PairFit:
    """One pair's win rate of `first` as seen and as the model expects it; `z` is their distance
    in standard errors of independent judgements."""

    first: int
    second: int
    n: float
    seen: float
    expected: float
    z: float


@dataclass(frozen=True)
class CountsFit:
    """Scores (K,) summing to 0, model covariance (K, K), and how the fit went."""

    scores: Floats
    covariance: Floats
    iterations: int
    log_likelihood: float
    deviance: float


def fit(
    votes: Votes,
    *,
    both_bad: BothBad = "tie",
    level: float = 0.95,
    covariance: Kind = "two_way",
    ridge: float | None = None,
    draws: int = 4000,
    seed: int = 0,
) -> Ranking:
    """Rank systems by P(i beats j) = 1/(1 + exp(θ_j − θ_i)), Σθ = 0; a tie is half a win to each.

    Newton on the K × K Hessian (Bradley & Terry 1952; Ford 1957); covariance H⁺ S H⁺ with S
    clustered by prompt, by worker, two-way (default), from pair cells, or the model's own H⁺.
    `ridge` adds that many pseudo-ties to each pair that was played and is named in the note.
    Raises NoVotes; Disconnected where wins do not link all systems both ways and no ridge is
    given (with a ridge: where no comparisons link them at all); NotConverged; TooFew where
    neither prompts nor workers vary.
    """
    check_level(level)
    WinDefinition(both_bad=both_bad)
    if both_bad == "left_out" and bool((votes.outcome == BOTH_BAD).any()):
        votes = apply(votes, WinDefinition(both_bad="left_out"))
    if not len(votes):
        raise NoVotes("No judgement to rank from.")
    counts = outcome_counts(votes)

    def spread(expected: Floats, bread: Floats) -> Covariance:
        # The cell covariances need no look at single judgements.
        cells_only = covariance in ("model", "sandwich")
        residual = np.zeros(0) if cells_only else looked_up(votes, _residuals(expected))
        return vote_covariance(votes, residual, pair_meat(counts, expected), bread, covariance)

    return _ranking(counts, spread, level=level, ridge=ridge, draws=draws, seed=seed)


def fit_tally(
    t: Tally,
    *,
    level: float = 0.95,
    ridge: float | None = None,
    draws: int = 4000,
    seed: int = 0,
) -> Ranking:
    """fit with its two-way covariance, from votes that were counted by cells before."""
    check_level(level)
    if not len(t):
        raise NoVotes("No judgement to rank from.")
    k = t.n_systems
    counts = np.zeros((4, k, k), dtype=np.int64)
    counts[:, t.low, t.high] = t.outcomes().T

    def spread(expected: Floats, bread: Floats) -> Covariance:
        return tally_covariance(t, expected, bread)

    return _ranking(counts, spread, level=level, ridge=ridge, draws=draws, seed=seed)


def _ranking(
    counts: Ints,
    covariance: Callable[[Floats, Floats], Covariance],
    *,
    level: float,
    ridge: float | None,
    draws: int,
    seed: int,
) -> Ranking:
    """``covariance`` gives that of the scores from the expected win rates and the bread."""
    seen = win_matrix(counts)
    wins = seen if ridge is None else with_pseudo_ties(seen, ridge)
    check_connected(wins)
    scores, iterations = newton(wins)
    expected = expected_win_rates(scores)
    spread = covariance(expected, hessian_inverse(wins + wins.T, expected))
    notes = [spread.note] if spread.note else []
    if ridge is not None:
        notes.append(f"Regularised: {ridge:g} pseudo-ties were added to each pair played.")
    return Ranking(
        method=f"Bradley-Terry, ties as half a win, {spread.method}",
        note=" ".join(notes),
        systems=ranks.ranked(scores, spread, level, draws, seed),
        scores=scores,
        covariance=spread.matrix,
        iterations=iterations,
        n=int(counts.sum()),
        log_likelihood=log_likelihood(wins, scores),
        goodness=fit_test(counts, seen, expected),
        freedom=spread.freedom,
        level=level,
        wins=wins,
        seen=seen,
        spread=spread,
        ridge=ridge,
        draws=draws,
        seed=seed,
    )


def _residuals(expected: Floats) -> Floats:
    """Score less expected win rate for each outcome and pair, (4, K, K)."""
    return np.stack([1 - expected, -expected, 0.5 - expected, 0.5 - expected])


def fit_counts(wins: Floats | Ints, *, ridge: float | None = None) -> CountsFit:
    """Scores from a (K, K) matrix of wins (row beats column, half for ties), model covariance.

    deviance = 2 Σ w log(w / n p). Raises BrokenVotes, NoVotes, Disconnected, NotConverged.
    """
    table = np.asarray(wins, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise BrokenVotes("Wins are a square matrix: row beats column.")
    if not bool(np.isfinite(table).all()) or bool((table < 0).any()) or bool(np.diag(table).any()):
        raise BrokenVotes("Wins are finite, not negative, and nobody beats himself.")
    if not table.any():
        raise NoVotes("No judgement to rank from.")
    if ridge is not None:
        table = with_pseudo_ties(table, ridge)
    check_connected(table)
    scores, iterations = newton(table)
    games = table + table.T
    likelihood = log_likelihood(table, scores)
    share = np.divide(table, games, out=np.ones_like(table), where=table > 0)
    best = float((table * np.log(share)).sum())
    bread = hessian_inverse(games, expected_win_rates(scores))
    return CountsFit(scores, bread, iterations, likelihood, 2 * (best - likelihood))


def with_pseudo_ties(wins: Floats, ridge: float) -> Floats:
    """Wins with `ridge` pseudo-ties added to each pair that was played."""
    if not ridge > 0:
        raise BrokenVotes(f"A ridge is a positive number of pseudo-ties, not {ridge}.")
    result: Floats = wins + 0.5 * ridge * ((wins + wins.T) > 0)
    return result


def components(wins: Floats) -> list[list[int]]:
    """Strongly connected groups of "beats or ties", the largest first."""
    number, label = sparse.csgraph.connected_components(
        np.asarray(wins > 0), directed=True, connection="strong"
    )
    groups = [np.flatnonzero(label == g).tolist() for g in range(number)]
    return sorted(groups, key=lambda group: (-len(group), group))


def check_connected(wins: Floats) -> None:
    """Raises Disconnected unless a finite maximum exists (Ford 1957)."""
    beats, others = wins > 0, len(wins) - 1
    # Somebody who beat and lost to everybody links them all: no need to walk the graph.
    if bool(((beats.sum(axis=1) == others) & (beats.sum(axis=0) == others)).any()):
        return
    groups = components(wins)
    if len(groups) > 1:
        raise Disconnected(groups)


def expected_win_rates(scores: Floats) -> Floats:
    """P(row beats column), (K, K), ½ on the diagonal."""
    if len(scores) and np.ptp(scores) < _FAR:
        # π_i / (π_i + π_j): one exponential per system instead of one per pair.
        worth = np.exp(scores - scores.max())
        return np.asarray(worth[:, None] / (worth[:, None] + worth), dtype=np.float64)
    gap = scores[:, None] - scores[None, :]
    result: Floats = 0.5 * (1 + np.tanh(gap / 2))
    return result


def newton(wins: Floats) -> tuple[Floats, int]:
    """The maximum from a (K, K) matrix of wins whose graph is strongly connected, and its steps."""
    games = wins + wins.T
    won = wins.sum(axis=1)
    scores = np.zeros(len(wins))
    change = np.inf
    for step in range(1, MAX_STEPS + 1):
        move = _newton_step(games, won, scores)
        change = float(np.abs(move).max())
        # On the way in a full step can overshoot; three logits at once is far enough.
        scores = scores + move * min(1.0, 3.0 / change) if change > 0 else scores
        scores -= scores.mean()
        if change < TOLERANCE:
            return scores, step
    raise NotConverged("Bradley-Terry", MAX_STEPS, change)


def _newton_step(games: Floats, won: Floats, scores: Floats) -> Floats:
    expected = expected_win_rates(scores)
    gradient = won - (games * expected).sum(axis=1)
    return positive.solve(_anchored(_laplacian(games, expected)), gradient)


def _laplacian(games: Floats, expected: Floats) -> Floats:
    weight = games * expected * (1 - expected)
    np.fill_diagonal(weight, 0.0)
    result: Floats = np.diag(weight.sum(axis=1)) - weight
    return result


def _anchored(hessian: Floats) -> Floats:
    """The Hessian with its null space (all scores moving together) filled at its own scale."""
    k = len(hessian)
    result: Floats = hessian + np.trace(hessian) / k**2
    return result


def hessian_inverse(games: Floats, expected: Floats) -> Floats:
    """Pseudo-inverse of the Laplacian-shaped Hessian Σ n p(1−p)(e_i − e_j)(e_i − e_j)ᵀ."""
    hessian = _laplacian(games, expected)
    result: Floats = positive.inverse(_anchored(hessian)) - 1.0 / np.trace(hessian)
    return result


def log_likelihood(wins: Floats, scores: Floats) -> float:
    """Σ w_ij log P(i beats j) = Σ w_ij (θ_i − log(e^θ_i + e^θ_j))."""
    if np.ptp(scores) < _FAR:
        top = scores.max()
        worth = np.exp(scores - top)
        both = top + np.log(worth[:, None] + worth)
    else:
        both = np.logaddexp(scores[:, None], scores)
    return float(wins.sum(axis=1) @ scores - (wins * both).sum())


def pair_fits(seen: Floats, expected: Floats, dispersion: float = 1.0) -> list[PairFit]:
    """Every pair played: z = (w − n p)/√(n p(1−p) · dispersion), w wins of n with ties half."""
    found = []
    for i, j in np.argwhere(np.triu(seen + seen.T, 1) > 0).tolist():
        n, w, p = float(seen[i, j] + seen[j, i]), float(seen[i, j]), float(expected[i, j])
        z = (w - n * p) / (n * p * (1 - p) * dispersion) ** 0.5
        found.append(PairFit(i, j, n, w / n, p, z))
    return found


def fit_test(counts: Ints, wins: Floats, expected: Floats) -> Goodness | None:
    """Pearson's X² over the pairs played, with pairs − (K − 1) degrees of freedom.

    A half tie varies less than a win or loss: X² is divided by 1 − (ties/4) / Σ n p(1−p).
    """
    games = wins + wins.T
    played = games > 0
    free = int(played.sum()) // 2 - (len(wins) - 1)
    if free < 1:
        return None
    # Each pair stands here from either side, with the same distance and the same variance.
    variance = games * expected * (1 - expected)
    ties = float(counts[2:].sum())
    dispersion = 1 - ties / 4 / (float(variance.sum()) / 2)
    if dispersion <= 0:
        return None
    off = (wins - games * expected) ** 2
    each = np.divide(off, variance, out=np.zeros_like(off), where=played)
    chi2 = float(each.sum()) / 2 / dispersion
    return Goodness(chi2, free, float(stats.chi2.sf(chi2, free)), dispersion)


def elo(scores: Floats, centre: float = 1000.0) -> Floats:
    """Scores on the Elo scale, for display: centre + 400/ln 10 · θ."""
    result: Floats = centre + 400 / np.log(10) * scores
    return result

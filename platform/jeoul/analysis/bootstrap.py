"""Bradley–Terry intervals by resampling, whose cost does not depend on how many judgements."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse

from jeoul.analysis.bradley_terry import (
    TOLERANCE,
    check_connected,
    components,
    newton,
)
from jeoul.analysis.counts import (
    A_WINS,
    B_WINS,
    Floats,
    Ints,
    Votes,
    compact,
    outcome_counts,
    win_matrix,
)
from jeoul.analysis.errors import BrokenVotes, NotConverged, NoVotes, TooFew
from jeoul.analysis.intervals import check_level

# Resamples whose Newton steps are taken together: (block, K, K) stays within the cache's reach.
_BLOCK_CELLS: Final = 2_000_000
_STEPS: Final = 30


@dataclass(frozen=True)
class Bootstrap:
    """scores (K,) of the data, percentile bounds (K,), and the resamples' scores (B, K).

    `refused`: resamples without a finite maximum, which are left out of the bounds.
    """

    scores: Floats
    low: Floats
    high: Floats
    resampled: Floats
    refused: int
    n: int
    level: float
    method: str

    def difference(self, first: int, second: int) -> tuple[float, float]:
        """Percentile bounds of score(first) − score(second)."""
        gap = self.resampled[:, first] - self.resampled[:, second]
        low, high = np.quantile(gap, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)


def bootstrap(
    votes: Votes,
    rng: np.random.Generator,
    *,
    cluster: Ints | None = None,
    times: int = 1_000,
    level: float = 0.95,
) -> Bootstrap:
    """Percentile intervals of Bradley–Terry scores from Poisson weights (Efron 1979).

    Without `cluster` each distinct (pair, outcome) cell gets a Poisson count with its own count
    as mean: judgements are independent and the cost is that of the cells. With `cluster` (n,)
    each prompt (or worker) gets a Poisson(1) weight for all of its judgements together. Newton
    starts from the scores of the data. Intervals of clustered data want `bradley_terry.fit`'s
    two-way covariance; this is a check on its shape.
    Raises NoVotes, Disconnected, TooFew (one cluster, or more than a tenth refused),
    NotConverged, BrokenVotes.
    """
    check_level(level)
    if times < 1:
        raise BrokenVotes(f"At least one resample is needed, not {times}.")
    if not len(votes):
        raise NoVotes("No judgement to rank from.")
    wins = win_matrix(outcome_counts(votes))
    check_connected(wins)
    start, _ = newton(wins)
    size = max(1, _BLOCK_CELLS // votes.n_systems**2)
    source = _cells(votes, rng) if cluster is None else _clusters(votes, np.asarray(cluster), rng)
    found = []
    for first in range(0, times, size):
        drawn = np.stack([next(source) for _ in range(min(size, times - first))])
        whole = [b for b in range(len(drawn)) if len(components(drawn[b])) == 1]
        if whole:
            found.append(_newton_all(drawn[whole], start))
    kept = np.concatenate(found) if found else np.zeros((0, votes.n_systems))
    if len(kept) < 0.9 * times:
        raise TooFew(f"{times - len(kept)} of {times} resamples have no finite maximum.")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2], axis=0)
    of = "judgements independent" if cluster is None else "clusters resampled whole"
    method = f"percentile bootstrap, {times} Poisson resamples, {of}"
    return Bootstrap(start, low, high, kept, times - len(kept), len(votes), level, method)


def _cells(votes: Votes, rng: np.random.Generator) -> Iterator[Floats]:
    """Win matrices with each (pair, outcome) cell drawn anew."""
    counts = outcome_counts(votes)
    won = np.asarray(counts[A_WINS] + counts[B_WINS].T, dtype=np.float64)
    tied = counts[2:].sum(axis=0)
    upper = np.triu(tied + tied.T, 1).astype(np.float64)
    at_won, at_tied = np.nonzero(won), np.nonzero(upper)
    while True:
        wins = np.zeros_like(won)
        wins[at_won] = rng.poisson(won[at_won])
        ties = np.zeros_like(won)
        ties[at_tied] = 0.5 * rng.poisson(upper[at_tied])
        yield wins + ties + ties.T


def _clusters(votes: Votes, cluster: Ints, rng: np.random.Generator) -> Iterator[Floats]:
    """Win matrices with each cluster's judgements weighted together."""
    if cluster.shape != (len(votes),):
        raise BrokenVotes("Every judgement needs its cluster.")
    code, n = compact(cluster)
    if n < 2:
        raise TooFew("One cluster cannot be resampled.")
    k = votes.n_systems
    score = votes.score
    forward = votes.system_a.astype(np.int64) * k + votes.system_b
    back = votes.system_b.astype(np.int64) * k + votes.system_a
    cells = (np.concatenate([forward, back]), np.concatenate([code, code]))
    table = sparse.csr_array((np.concatenate([score, 1 - score]), cells), shape=(k * k, n))
    while True:
        yield (table @ rng.poisson(1.0, n)).reshape(k, k)


def _newton_all(wins: Floats, start: Floats) -> Floats:
    """The maximum of each matrix of wins (B, K, K), all started at `start`, (B, K)."""
    k = wins.shape[1]
    games = wins + wins.transpose(0, 2, 1)
    won = wins.sum(axis=2)
    scores = np.tile(start, (len(wins), 1))
    diagonal = np.arange(k)
    for _ in range(_STEPS):
        expected = np.tanh((scores[:, :, None] - scores[:, None, :]) / 2)
        expected += 1
        expected /= 2
        weight = games * expected
        gradient = won - weight.sum(axis=2)
        weight *= 1 - expected
        total = weight.sum(axis=2)
        np.negative(weight, out=weight)
        weight[:, diagonal, diagonal] += total
        weight += (total.sum(axis=1) / k**2)[:, None, None]
        move = np.linalg.solve(weight, gradient[:, :, None])[:, :, 0]
        change = np.abs(move).max(axis=1)
        scores += move * np.minimum(1.0, 3.0 / np.maximum(change, 1e-300))[:, None]
        scores -= scores.mean(axis=1, keepdims=True)
        # Newton squares the error: what is left after such a step is far under any percentile.
        if change.max() < TOLERANCE**0.5:
            return scores
    raise NotConverged("bootstrap of Bradley-Terry", _STEPS, float(change.max()))

"""Votes counted once by pair, prompt and worker: what every interval of a win rate is made of.

Each cell holds how often each category was said. Every win definition is a weighing of these
categories, so that its means, its clustered variances and the Bradley–Terry residuals all follow
from the cells, and a million votes are read once instead of once per definition and slice.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from jeoul.analysis.counts import (
    B_WINS,
    BOTH_BAD,
    TIE,
    Bools,
    Floats,
    Ints,
    Votes,
    WinDefinition,
    repeated_cells,
    sums,
)
from jeoul.analysis.errors import BrokenVotes

# A weak preference is its own category: it is a tie for one definition, a win for another.
WEAK_A: Final = 4
WEAK_B: Final = 5
_PLAIN: Final = 4
_GRADED: Final = 6
_SWAPPED: Final = np.array([1, 0, 2, 3], dtype=np.int8)
# What each category gives the lower code; twice that, so that sums of halves stay whole numbers.
SCORE: Final = np.array([1.0, 0.0, 0.5, 0.5, 1.0, 0.0])
_TWICE: Final = (2 * SCORE).astype(np.int64)


@dataclass(frozen=True)
class Cells:
    """Counts (C, Q) of each category in C cells, with each cell's pair and cluster (C,)."""

    pair: Ints
    cluster: Ints
    counts: Ints

    def where(self, keep: Bools | slice) -> "Cells":
        return Cells(self.pair[keep], self.cluster[keep], self.counts[keep])


@dataclass(frozen=True)
class Tally:
    """`pairs` (P,): lower code · n_systems + higher code, rising; `total` (P, Q): categories.

    `prompt` and `worker` cluster the votes of each pair. `repeated` holds the (prompt, worker)
    cells with several votes, `prompt_of` the prompt of each such cluster, and `single` (P, Q) the
    votes alone in theirs. `min_grade` made the weak categories. `rows` are the votes
    themselves, as slices count them anew; None in the tally of a slice.
    """

    n_systems: int
    pairs: Ints
    total: Ints
    prompt: Cells
    worker: Cells
    repeated: Cells
    prompt_of: Ints
    single: Ints
    min_grade: float
    rows: "_Rows | None" = None

    def __len__(self) -> int:
        return int(self.total.sum())

    def outcomes(self, min_grade: float = 0.0) -> Ints:
        """How often A wins, B wins, tie, both bad, (P, 4); weak preferences as they are, or ties
        under a least grade."""
        counted = self.total[:, :_PLAIN].copy()
        weak = self.total[:, _PLAIN:]
        if min_grade > 0:
            counted[:, TIE] += weak.sum(axis=1)
        else:
            counted[:, : weak.shape[1]] += weak
        return counted

    def compacted(self) -> tuple["Tally", list[int]]:
        """The same with codes for the systems that were judged alone, and which those are."""
        judged = np.unique(np.concatenate([self.low, self.high]))
        a, b = np.searchsorted(judged, self.low), np.searchsorted(judged, self.high)
        return replace(self, n_systems=len(judged), pairs=a * len(judged) + b), judged.tolist()

    @property
    def low(self) -> Ints:
        """The lower system code of each pair, which every score is for."""
        return self.pairs // self.n_systems

    @property
    def high(self) -> Ints:
        return self.pairs % self.n_systems


def tally(votes: Votes, min_grade: float = 0.0) -> Tally:
    """The votes counted once, the lower system code first in each pair."""
    if min_grade > 0 and len(votes) and bool(np.isnan(votes.grade).all()):
        raise BrokenVotes("A least grade needs graded judgements; these carry no grade.")
    if not len(votes):
        none = np.zeros(0, dtype=np.int64)
        empty = Cells(none, none, np.zeros((0, _PLAIN), dtype=np.int64))
        return Tally(
            votes.n_systems, none, empty.counts, empty, empty, empty, none, empty.counts, min_grade
        )
    rows = _Rows.of(votes, min_grade)
    repeated, prompt_of, single = rows.repeats()
    return Tally(
        votes.n_systems,
        rows.pairs,
        rows.table(rows.pair, len(rows.pairs)),
        rows.cells(rows.prompt),
        rows.cells(rows.worker),
        repeated,
        prompt_of,
        single,
        min_grade,
        rows,
    )


def tallies(whole: Tally, slice_of: Ints, n_slices: int) -> list[Tally]:
    """The tally of each slice 0..n_slices−1 of the prompts; ``slice_of`` (prompts,), −1 for none.

    ``whole`` is a tally of votes, not of a slice: only the workers' cells are counted again.
    """
    rows = whole.rows
    if rows is None:
        return [whole] * n_slices if not len(whole.pairs) else []
    p, n_pairs = slice_of, len(whole.pairs)
    workers = rows.worker_cells(p, n_slices)
    at, repeats = p[whole.prompt.cluster], p[whole.prompt_of[whole.repeated.cluster]]
    found = []
    for s in range(n_slices):
        prompt = whole.prompt.where(at == s)
        repeated = whole.repeated.where(repeats == s)
        total = _summed(workers[s], n_pairs)
        single = total - _summed(repeated, n_pairs)
        here = np.flatnonzero(total.sum(axis=1))
        code = np.full(n_pairs, -1)
        code[here] = np.arange(len(here))
        found.append(
            Tally(
                whole.n_systems, whole.pairs[here], total[here],
                _recoded(prompt, code), _recoded(workers[s], code), _recoded(repeated, code),
                whole.prompt_of, single[here], whole.min_grade,
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class _Rows:
    """Each vote's pair, category and clusters as codes from 0 up."""

    pairs: Ints
    pair: Ints
    said: Ints
    kinds: int
    prompt: Ints
    worker: Ints
    workers: int

    @classmethod
    def of(cls, votes: Votes, min_grade: float) -> "_Rows":
        k = votes.n_systems
        swap = votes.system_a > votes.system_b
        key = votes.system_a.astype(np.int64) * k + votes.system_b
        said = votes.outcome.astype(np.int8)
        if bool(swap.any()):
            turned = votes.system_b.astype(np.int64) * k + votes.system_a
            key = np.where(swap, turned, key)
            said = np.where(swap, _SWAPPED[said], said)
        if min_grade > 0:
            weak = (np.abs(votes.grade) < min_grade) & (said <= B_WINS)
            said = np.where(weak, said + WEAK_A, said)
        seen = np.bincount(key, minlength=k * k) > 0
        pairs = np.flatnonzero(seen)
        pair = (np.cumsum(seen) - 1)[key]
        workers = int(votes.worker.max()) + 1 if len(votes) else 0
        kinds = _GRADED if min_grade > 0 else _PLAIN
        return cls(pairs, pair, said, kinds, votes.prompt, votes.worker, workers)

    def table(self, code: Ints, size: int, rows: Ints | None = None) -> Ints:
        """Counts of each category by code, (size, Q)."""
        said = self.said if rows is None else self.said[rows]
        at = code.astype(np.int64) * self.kinds + said
        return np.bincount(at, minlength=size * self.kinds).reshape(size, self.kinds)

    def cells(self, cluster: Ints) -> Cells:
        """The cells of a clustering of the votes."""
        if not len(cluster):
            none = np.zeros(0, dtype=np.int64)
            return Cells(none, none, np.zeros((0, self.kinds), dtype=np.int64))
        return self._cells(self._places(cluster), int(cluster.max()) + 1)

    def _places(self, cluster: Ints) -> Ints:
        """Where each vote stands in a table of clusters, pairs and categories."""
        at = cluster.astype(np.int64)
        at *= len(self.pairs)
        at += self.pair
        at *= self.kinds
        at += self.said
        return at

    def _cells(self, places: Ints, clusters: int) -> Cells:
        n_pairs = len(self.pairs)
        size = clusters * n_pairs
        if size <= 4 * len(places) + 1024:
            counts = np.bincount(places, minlength=size * self.kinds)
            counts = counts[: size * self.kinds].reshape(size, self.kinds)
            at = np.flatnonzero(counts @ np.ones(self.kinds, dtype=np.int64))
            return Cells(at % n_pairs, at // n_pairs, counts[at])
        places = places[places < size * self.kinds]
        at, code = np.unique(places // self.kinds, return_inverse=True)
        counts = np.bincount(
            code * self.kinds + places % self.kinds, minlength=len(at) * self.kinds
        )
        return Cells(at % n_pairs, at // n_pairs, counts.reshape(-1, self.kinds))

    def worker_cells(self, slice_of: Ints, n_slices: int) -> list[Cells]:
        """The cells of the workers in each slice of the prompts, in one pass over the votes."""
        # Every slice's workers stand in a range of their own; votes in none stand behind them all.
        width = self.workers * len(self.pairs) * self.kinds
        start = np.where(slice_of < 0, n_slices, slice_of).astype(np.int64) * width
        every = self._cells(self._worker_places + start[self.prompt], n_slices * self.workers)
        ends = np.searchsorted(every.cluster, np.arange(n_slices + 1) * self.workers)
        return [every.where(slice(a, b)) for a, b in pairwise(ends.tolist())]

    @cached_property
    def _worker_places(self) -> Ints:
        return self._places(self.worker)

    def repeats(self) -> tuple[Cells, Ints, Ints]:
        """The (prompt, worker) cells with several votes, their prompts, and the other votes."""
        rows, cell, n_cells = repeated_cells(self.prompt, self.worker)
        prompt_of = np.zeros(n_cells, dtype=np.int64)
        prompt_of[cell] = self.prompt[rows]
        n_pairs = len(self.pairs)
        at, place = np.unique(cell * n_pairs + self.pair[rows], return_inverse=True)
        cells = Cells(at % n_pairs, at // n_pairs, self.table(place, len(at), rows))
        single = self.table(self.pair, n_pairs) - _summed(cells, n_pairs)
        return cells, prompt_of, single


def _summed(cells: Cells, n_pairs: int) -> Ints:
    columns = [sums(cells.pair, c, n_pairs) for c in cells.counts.T]
    return np.stack(columns, axis=1).astype(np.int64)


def _recoded(cells: Cells, code: Ints) -> Cells:
    return Cells(code[cells.pair], cells.cluster, cells.counts)


@dataclass(frozen=True)
class Squares:
    """Over the clusters of each pair, (P,) whole numbers: Σ S², Σ S·N, Σ N² of twice the score S
    and the number N of votes kept, and how many clusters hold a vote."""

    ss: Ints
    sn: Ints
    nn: Ints
    clusters: Ints


@dataclass(frozen=True)
class Reading:
    """A tally read by one win definition: votes kept `n` (P,), twice their score `twice` (P,),
    `halves` votes that gave one half, and the squares of prompts, workers and their cells."""

    n: Ints
    twice: Ints
    halves: Ints
    prompt: Squares
    worker: Squares
    both: Squares


def read(t: Tally, definition: WinDefinition) -> Reading:
    """The tally as the definition has it; its weak categories must be the definition's."""
    if definition.min_grade not in (0, t.min_grade):
        raise BrokenVotes("This tally knows no preferences weaker than that.")
    keep, score = _weights(t.total.shape[1], definition)
    n_pairs = len(t.pairs)
    # Cells of a (prompt, worker) pair that lie in other pairs of systems are no repeats here.
    again = _squares(t.repeated, n_pairs, keep, score)
    single = t.single * keep
    both = Squares(
        again.ss + single @ score**2,
        again.sn + single @ score,
        again.nn + single.sum(axis=1),
        again.clusters + single.sum(axis=1),
    )
    kept = t.total * keep
    return Reading(
        kept.sum(axis=1),
        kept @ score,
        kept @ (score == 1),
        _squares(t.prompt, n_pairs, keep, score),
        _squares(t.worker, n_pairs, keep, score),
        both,
    )


def _weights(kinds: int, d: WinDefinition) -> tuple[Ints, Ints]:
    """Which categories are kept (0 or 1), and twice what each gives the lower code."""
    keep, score = np.ones(kinds, dtype=np.int64), _TWICE[:kinds].copy()
    weak = slice(WEAK_A, None)
    if d.min_grade > 0:
        score[weak] = 1
    if d.both_bad == "left_out":
        keep[BOTH_BAD] = 0
    if d.ties == "left_out":
        keep[TIE] = keep[BOTH_BAD] = 0
        keep[weak] = d.min_grade <= 0
    if d.ties == "apart":
        score[score == 1] = 0
    return keep, score


def _squares(cells: Cells, n_pairs: int, keep: Ints, score: Ints) -> Squares:
    n = cells.counts @ keep
    s = cells.counts @ (keep * score)

    # Whole numbers far under 2^53 each, so that sums of them as floats are exact.
    def total(values: Ints) -> Ints:
        return sums(cells.pair, values, n_pairs).astype(np.int64)

    return Squares(total(s * s), total(s * n), total(n * n), total(n > 0))


def clustered(r: Reading, squares: Squares) -> Floats:
    """V_g = G/(G−1) · Σ_g (Σ_{t∈g} (s_t − w))² / n² of each pair; 0 where it has one cluster.

    In whole numbers until the end: n²ΣS² − 2nT ΣSN + T² ΣN² with T twice the sum of scores. In
    floating point the difference of these large terms would leave noise where the truth is 0.
    """
    n, t = r.n.astype(object), r.twice.astype(object)
    g = squares.clusters
    whole = n * n * squares.ss - 2 * n * t * squares.sn + t * t * squares.nn
    inner = np.array([_ratio(a, 4 * b**4) for a, b in zip(whole, r.n.tolist(), strict=True)])
    factor = np.where(g > 1, g / np.maximum(g - 1, 1), 0.0)
    return np.asarray(factor * inner, dtype=np.float64)


def _ratio(above: int, below: int) -> float:
    return above / below if below else 0.0

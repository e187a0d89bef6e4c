"""Votes as arrays, and what is counted from them in one pass."""

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jeoul.analysis.errors import BrokenVotes

A_WINS: Final = 0
B_WINS: Final = 1
TIE: Final = 2
BOTH_BAD: Final = 3

Ints: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Ties: TypeAlias = Literal["half", "apart", "left_out"]
BothBad: TypeAlias = Literal["tie", "left_out"]

# The two win definitions of a graded scale: what is weaker than this counts as a tie.
ANY_PREFERENCE: Final = 1.0
BETTER_OR_MORE: Final = 2.0

# Blocks that fit the cache: the index of a block is still warm when it is counted.
BLOCK: Final = 1 << 16
# A table of more cells than this is counted into where it stands.
_LARGE: Final = 8_192
# Up to so many systems a position in a table of outcomes and pairs fits 32 bits.
_NARROW: Final = 20_000
_SCORE: Final = np.array([1.0, 0.0, 0.5, 0.5])


@dataclass(frozen=True)
class WinDefinition:
    """What counts as a win, declared before looking.

    `ties`: "half" gives half a win to each side; "apart" gives it to neither and keeps the tie
    in the denominator (win, loss and tie rates sum to 1); "left_out" drops it.
    `both_bad`: "tie" treats it like a tie, "left_out" drops it.
    `min_grade`: on a graded scale a preference weaker than this counts as a tie
    (ANY_PREFERENCE = 1, BETTER_OR_MORE = 2); 0 takes the outcome as it is.
    Raises BrokenVotes for a word or grade that is none of these.
    """

    ties: Ties = "half"
    both_bad: BothBad = "tie"
    min_grade: float = 0.0

    def __post_init__(self) -> None:
        if self.ties not in get_args(Ties) or self.both_bad not in get_args(BothBad):
            raise BrokenVotes(f"No such win definition: {self.ties}, {self.both_bad}.")
        if not 0 <= self.min_grade < np.inf:
            raise BrokenVotes(f"A least grade is 0 or more, not {self.min_grade}.")


# Ties half a win each, both bad a tie, every preference counts.
PLAIN: Final = WinDefinition()


@dataclass(frozen=True)
class Votes:
    """n judgements of pairs among `n_systems` systems; every array has length n.

    system_a, system_b: codes 0..n_systems-1, different in each row.
    outcome: A_WINS, B_WINS, TIE or BOTH_BAD. prompt, worker: codes >= 0.
    left: +1 where A was shown left, -1 where right, 0 unknown.
    grade: strength of the preference, positive for A, NaN where none was given.
    Raises BrokenVotes where any of this does not hold.
    """

    system_a: Ints
    system_b: Ints
    outcome: Ints
    prompt: Ints
    worker: Ints
    left: Ints
    grade: Floats
    n_systems: int

    def __post_init__(self) -> None:
        n = len(self.system_a)
        for name in ("system_a", "system_b", "outcome", "prompt", "worker", "left"):
            _check_ints(name, getattr(self, name), n)
        if np.asarray(self.grade).shape != (n,):
            raise BrokenVotes(f"grade must have the length of system_a, {n}.")
        if not n:
            return
        for name, low, high in (
            ("system_a", 0, self.n_systems - 1),
            ("system_b", 0, self.n_systems - 1),
            ("outcome", A_WINS, BOTH_BAD),
            ("left", -1, 1),
            ("prompt", 0, None),
            ("worker", 0, None),
        ):
            _check_range(name, getattr(self, name), low, high)
        if bool((self.system_a == self.system_b).any()):
            row = int(np.argmax(self.system_a == self.system_b))
            raise BrokenVotes(f"A system is compared with itself in row {row}.")

    def __len__(self) -> int:
        return len(self.system_a)

    def select(self, mask: ArrayLike) -> "Votes":
        """The votes where `mask` is true (or the rows it lists), with the same codes."""
        rows = np.asarray(mask)
        return Votes(
            self.system_a[rows],
            self.system_b[rows],
            self.outcome[rows],
            self.prompt[rows],
            self.worker[rows],
            self.left[rows],
            self.grade[rows],
            self.n_systems,
        )

    @property
    def score(self) -> Floats:
        """1 where A won, 0 where B won, one half for a tie or both bad."""
        return _SCORE[self.outcome]


def _check_ints(name: str, values: Ints, n: int) -> None:
    if not isinstance(values, np.ndarray) or values.shape != (n,):
        raise BrokenVotes(f"{name} must be an array with the length of system_a, {n}.")
    if values.dtype.kind not in "iu":
        raise BrokenVotes(f"{name} must hold integers, not {values.dtype}.")


def _check_range(name: str, values: Ints, low: int, high: int | None) -> None:
    least, most = int(values.min()), int(values.max())
    if least < low or (high is not None and most > high):
        wanted = f"{low}..{high}" if high is not None else f">= {low}"
        raise BrokenVotes(f"{name} must be {wanted}, but goes from {least} to {most}.")


def apply(votes: Votes, definition: WinDefinition) -> Votes:
    """The votes as the declared win definition reads them.

    Weak preferences become ties, and what is left out goes; what a tie that stays gives is not
    said here. Raises BrokenVotes where a least grade is asked of votes without any.
    """
    if definition.min_grade > 0:
        if len(votes) and bool(np.isnan(votes.grade).all()):
            raise BrokenVotes("A least grade needs graded judgements; these carry no grade.")
        weak = np.abs(votes.grade) < definition.min_grade
        outcome = np.where(weak & (votes.outcome <= B_WINS), TIE, votes.outcome)
        votes = _with_outcome(votes, outcome)
    keep = np.ones(len(votes), dtype=bool)
    if definition.both_bad == "left_out":
        keep &= votes.outcome != BOTH_BAD
    if definition.ties == "left_out":
        keep &= votes.outcome != TIE
        if definition.both_bad == "tie":
            keep &= votes.outcome != BOTH_BAD
    return votes if bool(keep.all()) else votes.select(keep)


def _with_outcome(votes: Votes, outcome: Ints) -> Votes:
    return Votes(
        votes.system_a,
        votes.system_b,
        outcome,
        votes.prompt,
        votes.worker,
        votes.left,
        votes.grade,
        votes.n_systems,
    )


def outcome_counts(votes: Votes) -> Ints:
    """Counts of shape (4, K, K): outcome, system a, system b, in one pass over the votes."""
    k = votes.n_systems
    total = np.zeros(4 * k * k, dtype=np.int64)
    for start in range(0, len(votes), BLOCK):
        at = cell_index(votes, slice(start, start + BLOCK))
        if total.size > _LARGE:
            # In place: the tables of all blocks would take longer to add up than to fill.
            np.add.at(total, at.astype(np.intp, copy=False), 1)
        else:
            total += np.bincount(at, minlength=total.size)
    return total.reshape(4, k, k)


def cell_index(votes: Votes, rows: slice) -> Ints:
    """Position of each vote in a flat table of shape (4, K, K)."""
    wide = max(votes.system_a.dtype.itemsize, votes.system_b.dtype.itemsize) > 4
    kind: Any = np.int64 if wide or votes.n_systems > _NARROW else np.int32
    at: Ints = votes.outcome[rows].astype(kind)
    at *= votes.n_systems
    at += votes.system_a[rows]
    at *= votes.n_systems
    at += votes.system_b[rows]
    return at


def looked_up(votes: Votes, table: Floats) -> Floats:
    """The entry of a (4, K, K) table that belongs to each vote, (n,)."""
    flat, found = table.ravel(), np.empty(len(votes))
    for start in range(0, len(votes), BLOCK):
        block = slice(start, start + BLOCK)
        found[block] = flat[cell_index(votes, block)]
    return found


def win_matrix(counts: Ints, both_bad: BothBad = "tie") -> Floats:
    """wins[i, j]: how often i beat j, a tie counting one half for each. Shape (K, K)."""
    ties = counts[TIE] + (counts[BOTH_BAD] if both_bad == "tie" else 0)
    wins = counts[A_WINS] + counts[B_WINS].T
    result: Floats = wins + 0.5 * (ties + ties.T)
    return result


def sums(codes: Ints, weights: Floats, size: int) -> Floats:
    """Sum of the weights of each code, (size,)."""
    return np.asarray(np.bincount(codes, weights=weights, minlength=size), dtype=np.float64)


def compact(codes: Ints, size: int | None = None) -> tuple[Ints, int]:
    """The same grouping with codes 0..G-1, none of them empty, and G."""
    if not len(codes):
        return codes, 0
    size = int(codes.max()) + 1 if size is None else size
    if size > 8 * len(codes) + 1024:
        distinct, inverse = np.unique(codes, return_inverse=True)
        return inverse, len(distinct)
    seen = np.bincount(codes, minlength=size) > 0
    if bool(seen.all()):
        return codes, size
    fresh = np.cumsum(seen) - 1
    return fresh[codes], int(fresh[-1]) + 1


def crossed(first: Ints, second: Ints) -> tuple[Ints, int]:
    """One code per distinct (first, second), and how many there are."""
    first, n_first = compact(first)
    second, n_second = compact(second)
    return compact(first.astype(np.int64) * n_second + second, n_first * n_second)


def repeated_cells(first: Ints, second: Ints) -> tuple[Ints, Ints, int]:
    """Rows whose (first, second) occurs more than once, their compact codes, and how many codes.

    Most (prompt, worker) cells hold one judgement and need no grouping; sorting only the others
    is what makes millions of judgements cheap.
    """
    first, n_first = compact(first)
    second, n_second = compact(second)
    key = first.astype(np.int64) * n_second + second
    size = n_first * n_second
    if size <= 8 * len(key) + 1024:
        rows = np.flatnonzero(np.bincount(key, minlength=size)[key] > 1)
        codes, n_codes = compact(key[rows], size)
        return rows, codes, n_codes
    rising = np.sort(key)
    twice = np.unique(rising[1:][rising[1:] == rising[:-1]])
    if not len(twice):
        return np.zeros(0, dtype=np.int64), twice, 0
    # A slot shared by chance only costs a look at the row: the decision is made on the key.
    slots = 4 * len(key) + 1
    taken = np.zeros(slots, dtype=bool)
    taken[twice % slots] = True
    rows = np.flatnonzero(taken[key % slots])
    codes = np.minimum(np.searchsorted(twice, key[rows]), len(twice) - 1)
    keep = twice[codes] == key[rows]
    return rows[keep], codes[keep], len(twice)


def counted_cells(first: Ints, second: Ints, n_second: int) -> tuple[Ints, Ints, Ints]:
    """The distinct (first, second), with second under `n_second`, and how often each comes."""
    key = first.astype(np.int64) * n_second + second
    size = (int(first.max()) + 1) * n_second if len(first) else 0
    if size <= 4 * len(key) + 1024:
        table = np.bincount(key, minlength=size)
        at = np.flatnonzero(table)
        times = table[at]
    else:
        at, times = np.unique(key, return_counts=True)
    return at // n_second, at % n_second, times


def order_by(codes: Ints, size: int) -> Ints:
    """Rows by code 0..size−1, in their own order within each: a stable argsort."""
    # Codes of two bytes are sorted digit by digit, in a quarter of the time.
    kind: Any = np.uint16 if size <= 1 << 16 else np.int64
    return np.argsort(codes.astype(kind), kind="stable")

"""One verdict per comparison from several judges: majority, and models that weigh judges."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from jeoul.analysis.agreement import value_counts
from jeoul.analysis.counts import Floats, Ints, counted_cells, order_by
from jeoul.analysis.errors import BrokenVotes, NotConverged, NotIdentifiable, NoVotes
from jeoul.analysis.intervals import wilson_each

# Judgements added to every cell of a confusion matrix, so that no answer is impossible.
SMOOTHING: Final = 0.01
MAX_STEPS: Final = 2_000
TOLERANCE: Final = 1e-7
RESTARTS: Final = 10


@dataclass(frozen=True)
class Labels:
    """n judgements: unit 0..U−1, worker 0..R−1, value 0..q−1. Each unit is judged.

    Raises NoVotes when empty, BrokenVotes for lengths or values that cannot be, and where a
    worker judges a unit twice.
    """

    unit: Ints
    worker: Ints
    value: Ints
    n_values: int

    def __post_init__(self) -> None:
        if not len(self.unit):
            raise NoVotes("No judgement to aggregate.")
        if not self.unit.shape == self.worker.shape == self.value.shape:
            raise BrokenVotes("unit, worker and value are rows of one length.")
        if min(int(x.min()) for x in (self.unit, self.worker, self.value)) < 0:
            raise BrokenVotes("Codes start at 0.")
        if int(self.value.max()) >= self.n_values:
            raise BrokenVotes(f"Values must be 0..{self.n_values - 1}.")
        both = np.sort(self.unit.astype(np.int64) * self.workers + self.worker)
        if bool((both[1:] == both[:-1]).any()):
            raise BrokenVotes("A worker judged the same unit twice.")
        if not bool((np.bincount(self.unit) > 0).all()):
            raise BrokenVotes("Every unit code up to the largest needs a judgement.")

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.unit.max()) + 1

    @property
    def workers(self) -> int:
        """Largest worker code plus one."""
        return int(self.worker.max()) + 1


@dataclass(frozen=True)
class Aggregate:
    """posterior (U, q) of each unit's value; `value` (U,) the most probable, −1 for a draw.

    `reliability` (R,): share of a worker's judgements that equal the verdict, by the posterior,
    with Wilson bounds `low` and `high` at `level` that take the verdicts as known (NaN where a
    worker has none); `n` judgements in all. `confusion` (R, q, q):
    verdict by answer. `objective`: what the steps raised, one entry per step.
    """

    method: str
    posterior: Floats
    value: Ints
    reliability: Floats
    low: Floats
    high: Floats
    iterations: int
    objective: tuple[float, ...]
    confusion: Floats | None = None
    note: str = ""
    restarts: tuple[float, ...] = field(default=())
    n: int = 0
    level: float = 0.95


def check_overlap(labels: Labels) -> None:
    """Raises NotIdentifiable where judges cannot be weighed against each other.

    Needed: three workers or more, two judgements per unit on average, a third judge on some
    units, and all workers linked through units they share.
    """
    per_unit = np.bincount(labels.unit)
    present = np.flatnonzero(np.bincount(labels.worker))
    if len(present) < 3:
        raise NotIdentifiable("Fewer than three workers: none can be weighed. Use the majority.")
    if len(labels.unit) < 2 * labels.units or not bool((per_unit >= 3).any()):
        raise NotIdentifiable(
            "Too little overlap: fewer than two judgements per comparison on average, "
            "or none with three. Use the majority."
        )
    groups = _linked(labels)
    if groups > 1:
        raise NotIdentifiable(
            f"The workers fall into {groups} groups without a shared comparison. Use the majority."
        )


def _linked(labels: Labels) -> int:
    # Whoever judged a unit is linked with one judge of it, whichever that is.
    someone = np.empty(labels.units, dtype=labels.worker.dtype)
    someone[labels.unit] = labels.worker
    one, other, times = counted_cells(someone[labels.unit], labels.worker, labels.workers)
    graph = coo_array((times, (one, other)), shape=(labels.workers, labels.workers)).tocsr()
    _, group = connected_components(graph, directed=False)
    return len(np.unique(group[someone]))


def majority(labels: Labels) -> Aggregate:
    """Shares of the values given to each unit; a draw has value −1."""
    return _result("majority", labels, _shares(labels), 0, ())


def _shares(labels: Labels) -> Floats:
    counts = value_counts(labels.unit, labels.value, labels.n_values)
    result: Floats = counts / (counts @ np.ones(labels.n_values))[:, None]
    return result


def _verdict(posterior: Floats) -> Ints:
    best = posterior.argmax(axis=1)
    near = posterior[np.arange(len(best)), best] - 1e-9
    # Counted column by column: along rows of a few values numpy is ten times slower.
    draws = sum((column > near).astype(np.int8) for column in posterior.T) > 1
    return np.where(draws, -1, best)


def _result(
    method: str,
    labels: Labels,
    posterior: Floats,
    iterations: int,
    objective: tuple[float, ...],
    confusion: Floats | None = None,
    restarts: tuple[float, ...] = (),
) -> Aggregate:
    n = np.bincount(labels.worker, minlength=labels.workers)
    agreed = np.bincount(
        labels.worker, weights=posterior[labels.unit, labels.value], minlength=labels.workers
    )
    share = np.divide(np.minimum(agreed, n), n, out=np.full(len(n), np.nan), where=n > 0)
    low, high = wilson_each(share, n.astype(np.float64))
    return Aggregate(
        method,
        posterior,
        _verdict(posterior),
        share,
        low,
        high,
        iterations,
        objective,
        confusion,
        restarts=restarts,
        n=len(labels.unit),
    )


def _climb(
    method: str, step: Callable[[Floats], tuple[Floats, float]], posterior: Floats
) -> tuple[Floats, tuple[float, ...]]:
    """Repeats one EM step until the objective settles; it must never fall."""
    trail: list[float] = []
    for number in range(1, MAX_STEPS + 1):
        posterior, value = step(posterior)
        trail.append(value)
        if number > 1:
            change = value - trail[-2]
            assert change > -1e-6 * (1 + abs(value)), f"{method} fell by {-change}"
            if change < TOLERANCE * (1 + abs(value)):
                return posterior, tuple(trail)
    raise NotConverged(method, MAX_STEPS, trail[-1] - trail[-2])


def _ones(row: Ints, column: Ints, rows: int, columns: int) -> csr_array:
    """A sparse table of ones at (row, column), no two at one place."""
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))])
    if bool((row[1:] < row[:-1]).any()):
        column = column[order_by(row, rows)]
    return csr_array((np.ones(len(row)), column, ends), shape=(rows, columns))


class _Answers:
    """Labels as a sparse table of units by (worker, value): an EM step is two products with it."""

    def __init__(self, labels: Labels) -> None:
        self.q, self.r, self.units = labels.n_values, labels.workers, labels.units
        at = labels.worker.astype(np.int64) * self.q + labels.value
        size = self.r * self.q
        self.table = _ones(labels.unit, at, self.units, size)
        self.turned = _ones(at, labels.unit, size, self.units)
        self.total = np.bincount(at, minlength=size).reshape(self.r, self.q)

    def cells(self, posterior: Floats) -> Floats:
        """Expected judgements by worker, answer and verdict, (R, q, q)."""
        flat = np.asarray(self.turned @ posterior, dtype=np.float64)
        return flat.reshape(self.r, self.q, self.q)

    def right(self, posterior: Floats) -> Floats:
        """Expected judgements by worker and answer that equal the verdict, (R, q)."""
        return np.asarray(np.diagonal(self.cells(posterior), axis1=1, axis2=2), dtype=np.float64)

    def expect(self, log_prior: Floats, log_answer: Floats) -> tuple[Floats, float]:
        """Posterior (U, q) and log likelihood from log P(answer | verdict), (R, q, q)."""
        # With a handful of values numpy is far faster along long rows than along short ones.
        scores = np.ascontiguousarray((self.table @ log_answer.reshape(-1, self.q)).T)
        scores += log_prior[:, None]
        top = scores.max(axis=0)
        scores -= top
        np.exp(scores, out=scores)
        total = scores.sum(axis=0)
        scores /= total
        likelihood = float(top.sum() + np.log(total).sum())
        return np.ascontiguousarray(scores.T), likelihood


def dawid_skene(labels: Labels) -> Aggregate:
    """EM on a confusion matrix per worker (Dawid & Skene 1979), started at the majority.

    P(answers, verdict k) = p_k Π π^{(r)}_{k, answer}; every cell of π gets SMOOTHING
    judgements, so the objective is the log likelihood plus that prior. The verdicts keep the
    majority's names because EM starts there. Raises NotIdentifiable, NotConverged.
    """
    check_overlap(labels)
    answers, q = _Answers(labels), labels.n_values
    state: dict[str, Floats] = {}

    def step(posterior: Floats) -> tuple[Floats, float]:
        prior = (posterior.sum(axis=0) + SMOOTHING) / (labels.units + q * SMOOTHING)
        cells = answers.cells(posterior) + SMOOTHING
        confusion = cells / cells.sum(axis=1, keepdims=True)
        state["confusion"] = confusion.transpose(0, 2, 1)
        logs = np.log(confusion)
        new, likelihood = answers.expect(np.log(prior), logs)
        return new, likelihood + SMOOTHING * float(logs.sum() + np.log(prior).sum())

    posterior, trail = _climb("Dawid-Skene", step, _shares(labels))
    return _result("Dawid-Skene", labels, posterior, len(trail), trail, state["confusion"])


def one_coin(labels: Labels) -> Aggregate:
    """EM with one accuracy per worker; wrong answers spread evenly over the other values.

    P(answer | verdict) = a_r where equal, (1 − a_r)/(q − 1) elsewhere; one judgement right at
    weight SMOOTHING and one wrong are added per worker. Raises NotIdentifiable, NotConverged.
    """
    check_overlap(labels)
    answers, q = _Answers(labels), labels.n_values
    n, same = answers.total.sum(axis=1), np.eye(q, dtype=bool)

    def step(posterior: Floats) -> tuple[Floats, float]:
        right = answers.right(posterior).sum(axis=1)
        accuracy = (right + SMOOTHING) / (n + 2 * SMOOTHING)
        prior = (posterior.sum(axis=0) + SMOOTHING) / (labels.units + q * SMOOTHING)
        hit, miss = np.log(accuracy), np.log((1 - accuracy) / (q - 1))
        logs = np.where(same, hit[:, None, None], miss[:, None, None])
        new, likelihood = answers.expect(np.log(prior), logs)
        penalty = float((hit + np.log1p(-accuracy)).sum() + np.log(prior).sum())
        return new, likelihood + SMOOTHING * penalty

    posterior, trail = _climb("one-coin", step, _shares(labels))
    return _result("one-coin", labels, posterior, len(trail), trail)


def mace(labels: Labels, rng: np.random.Generator, restarts: int = RESTARTS) -> Aggregate:
    """MACE (Hovy et al. 2013): a worker knows with probability θ_r, else answers by habit ξ_r.

    P(answer | verdict) = θ_r·1[equal] + (1 − θ_r) ξ_r(answer), verdicts uniform; EM with a
    Beta(½, ½)-like smoothing of θ and 0.1/q-smoothing of ξ, from several random starts; the
    best objective is kept, all are reported in `restarts`. Raises NotIdentifiable, NotConverged,
    ValueError without a restart.
    """
    if restarts < 1:
        raise ValueError("MACE needs at least one start.")
    check_overlap(labels)
    answers = _Answers(labels)
    found = [_mace_once(answers, rng, first=number == 0) for number in range(restarts)]
    best = max(found, key=lambda f: f[1][-1])
    return _result(
        "MACE",
        labels,
        best[0],
        len(best[1]),
        best[1],
        restarts=tuple(f[1][-1] for f in found),
    )


def _mace_once(
    answers: _Answers, rng: np.random.Generator, *, first: bool
) -> tuple[Floats, tuple[float, ...]]:
    q, r = answers.q, answers.r
    same, n = np.eye(q, dtype=bool), answers.total.sum(axis=1)
    theta = np.full(r, 0.5) if first else rng.uniform(0.2, 0.95, r)
    habit = np.full((r, q), 1 / q) if first else rng.dirichlet(np.ones(q) * 5, r)
    state = {"theta": theta, "habit": habit}
    add_theta, add_habit = 0.5, 0.1 / q
    log_prior = np.full(q, -np.log(q))

    def step(_: Floats) -> tuple[Floats, float]:
        theta, habit = state["theta"][:, None], state["habit"]
        guess = (1 - theta) * habit
        sure = guess + theta
        logs = np.where(same, np.log(sure)[:, :, None], np.log(guess)[:, :, None])
        new, likelihood = answers.expect(log_prior, logs)
        penalty = float(
            add_theta * (np.log(theta) + np.log1p(-theta)).sum() + add_habit * np.log(habit).sum()
        )
        # A judgement that equals the verdict was known with probability θ / (θ + guess).
        knew = answers.right(new) * theta / sure
        state["theta"] = (knew.sum(axis=1) + add_theta) / (n + 2 * add_theta)
        habits = np.maximum(answers.total - knew, 0.0) + add_habit
        state["habit"] = habits / habits.sum(axis=1, keepdims=True)
        return new, likelihood + penalty

    return _climb("MACE", step, np.zeros(0))

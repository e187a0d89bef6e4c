"""One verdict per comparison from several judges: majority, and models that weigh judges."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import special
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from jeoul.analysis.agreement import value_counts
from jeoul.analysis.counts import Floats, Ints, crossed, sums
from jeoul.analysis.errors import BrokenVotes, NotConverged, NotIdentifiable, NoVotes
from jeoul.analysis.intervals import wilson

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
        if crossed(self.unit, self.worker)[1] < len(self.unit):
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
    with Wilson bounds `low` and `high` (NaN where a worker has none). `confusion` (R, q, q):
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
    size = labels.units + labels.workers
    edges = (np.ones(len(labels.unit)), (labels.unit, labels.units + labels.worker))
    graph = coo_array(edges, shape=(size, size)).tocsr()
    _, group = connected_components(graph, directed=False)
    return len(np.unique(group[: labels.units]))


def majority(labels: Labels) -> Aggregate:
    """Shares of the values given to each unit; a draw has value −1."""
    counts = value_counts(labels.unit, labels.value, labels.n_values)
    posterior = counts / counts.sum(axis=1, keepdims=True)
    return _result("majority", labels, posterior, 0, ())


def _verdict(posterior: Floats) -> Ints:
    top = posterior.max(axis=1, keepdims=True)
    draws = (posterior > top - 1e-9).sum(axis=1) > 1
    return np.where(draws, -1, posterior.argmax(axis=1))


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
    low, high = np.full((2, len(n)), np.nan)
    for w in np.flatnonzero(n):
        low[w], high[w] = wilson(min(float(agreed[w]), float(n[w])), float(n[w]))
    share = np.divide(agreed, n, out=np.full(len(n), np.nan), where=n > 0)
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


def _expect(labels: Labels, log_prior: Floats, log_answer: Floats) -> tuple[Floats, float]:
    """Posterior (U, q) and log likelihood from log P(answer | verdict) of each label (q, n)."""
    scores = np.stack(
        [sums(labels.unit, row, labels.units) for row in log_answer],
        axis=1,
    )
    scores += log_prior
    total = special.logsumexp(scores, axis=1, keepdims=True)
    return np.exp(scores - total), float(total.sum())


def dawid_skene(labels: Labels) -> Aggregate:
    """EM on a confusion matrix per worker (Dawid & Skene 1979), started at the majority.

    P(answers, verdict k) = p_k Π π^{(r)}_{k, answer}; every cell of π gets SMOOTHING
    judgements, so the objective is the log likelihood plus that prior. The verdicts keep the
    majority's names because EM starts there. Raises NotIdentifiable, NotConverged.
    """
    check_overlap(labels)
    q, r = labels.n_values, labels.workers
    at = labels.worker.astype(np.int64) * q + labels.value
    state: dict[str, Floats] = {}

    def step(posterior: Floats) -> tuple[Floats, float]:
        prior = (posterior.sum(axis=0) + SMOOTHING) / (labels.units + q * SMOOTHING)
        cells = np.stack(
            [sums(at, posterior[labels.unit, k], r * q).reshape(r, q) for k in range(q)],
            axis=1,
        )
        cells += SMOOTHING
        confusion = cells / cells.sum(axis=2, keepdims=True)
        state["confusion"] = confusion
        logs = np.log(confusion).transpose(1, 0, 2).reshape(q, r * q)
        new, likelihood = _expect(labels, np.log(prior), logs[:, at])
        return new, likelihood + SMOOTHING * float(logs.sum() + np.log(prior).sum())

    start = majority(labels).posterior
    posterior, trail = _climb("Dawid-Skene", step, start)
    return _result("Dawid-Skene", labels, posterior, len(trail), trail, state["confusion"])


def one_coin(labels: Labels) -> Aggregate:
    """EM with one accuracy per worker; wrong answers spread evenly over the other values.

    P(answer | verdict) = a_r where equal, (1 − a_r)/(q − 1) elsewhere; one judgement right at
    weight SMOOTHING and one wrong are added per worker. Raises NotIdentifiable, NotConverged.
    """
    check_overlap(labels)
    q, r = labels.n_values, labels.workers
    n = np.bincount(labels.worker, minlength=r)
    values = np.arange(q)[:, None]

    def step(posterior: Floats) -> tuple[Floats, float]:
        right = np.bincount(
            labels.worker, weights=posterior[labels.unit, labels.value], minlength=r
        )
        accuracy = (right + SMOOTHING) / (n + 2 * SMOOTHING)
        prior = (posterior.sum(axis=0) + SMOOTHING) / (labels.units + q * SMOOTHING)
        hit, miss = np.log(accuracy), np.log((1 - accuracy) / (q - 1))
        logs = np.where(values == labels.value, hit[labels.worker], miss[labels.worker])
        new, likelihood = _expect(labels, np.log(prior), logs)
        penalty = float((hit + np.log1p(-accuracy)).sum() + np.log(prior).sum())
        return new, likelihood + SMOOTHING * penalty

    posterior, trail = _climb("one-coin", step, majority(labels).posterior)
    return _result("one-coin", labels, posterior, len(trail), trail)


def mace(labels: Labels, rng: np.random.Generator, restarts: int = RESTARTS) -> Aggregate:
    """MACE (Hovy et al. 2013): a worker knows with probability θ_r, else answers by habit ξ_r.

    P(answer | verdict) = θ_r·1[equal] + (1 − θ_r) ξ_r(answer), verdicts uniform; EM with a
    Beta(½, ½)-like smoothing of θ and 0.1/q-smoothing of ξ, from several random starts; the
    best objective is kept, all are reported in `restarts`. Raises NotIdentifiable, NotConverged.
    """
    check_overlap(labels)
    found = [_mace_once(labels, rng, first=number == 0) for number in range(restarts)]
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
    labels: Labels, rng: np.random.Generator, *, first: bool
) -> tuple[Floats, tuple[float, ...]]:
    q, r = labels.n_values, labels.workers
    at = labels.worker.astype(np.int64) * q + labels.value
    n = np.bincount(labels.worker, minlength=r)
    values = np.arange(q)[:, None]
    theta = np.full(r, 0.5) if first else rng.uniform(0.2, 0.95, r)
    habit = np.full((r, q), 1 / q) if first else rng.dirichlet(np.ones(q) * 5, r)
    state = {"theta": theta, "habit": habit}
    add_theta, add_habit = 0.5, 0.1 / q

    def step(_: Floats) -> tuple[Floats, float]:
        theta, habit = state["theta"], state["habit"].reshape(-1)
        guess = (1 - theta[labels.worker]) * habit[at]
        sure = guess + theta[labels.worker]
        logs = np.where(values == labels.value, np.log(sure), np.log(guess))
        new, likelihood = _expect(labels, np.zeros(q) - np.log(q), logs)
        penalty = float(
            add_theta * (np.log(theta) + np.log1p(-theta)).sum() + add_habit * np.log(habit).sum()
        )
        # A judgement that equals the verdict was known with probability θ / (θ + guess).
        knew = new[labels.unit, labels.value] * theta[labels.worker] / sure
        known = np.bincount(labels.worker, weights=knew, minlength=r)
        state["theta"] = (known + add_theta) / (n + 2 * add_theta)
        habits = np.bincount(at, weights=1 - knew, minlength=r * q).reshape(r, q) + add_habit
        state["habit"] = habits / habits.sum(axis=1, keepdims=True)
        return new, likelihood + penalty

    return _climb("MACE", step, np.zeros(0))

"""Weighing workers: known truths, known traps, and a numeric gradient."""

import numpy as np
import pytest
from jeoul.analysis import crowd_bt as crowd
from jeoul.analysis.aggregation import Labels, dawid_skene, mace, majority, one_coin
from jeoul.analysis.counts import Votes
from jeoul.analysis.crowd_bt import crowd_bt
from jeoul.analysis.errors import BrokenVotes, Disconnected, NotIdentifiable, NoVotes
from scipy import optimize

from tests.analysis.examples import random_votes, repeated


def simulated(seed, units=400, workers=20, per_unit=5, q=3, bad=6):
    """Labels of good workers (85 % right) and of `bad` ones who guess."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, q, units)
    unit = np.repeat(np.arange(units), per_unit)
    worker = np.concatenate([rng.permutation(workers)[:per_unit] for _ in range(units)])
    good = worker >= bad
    right = rng.random(len(unit)) < np.where(good, 0.85, 1 / q)
    other = (truth[unit] + rng.integers(1, q, len(unit))) % q
    return truth, Labels(unit, worker, np.where(right, truth[unit], other), q)


@pytest.mark.parametrize(
    "method", [dawid_skene, one_coin, lambda x: mace(x, np.random.default_rng(0))]
)
def test_weighing_beats_the_majority_where_many_guess(method):
    truth, labels = simulated(1, bad=10)
    plain, weighed = majority(labels), method(labels)
    assert (weighed.value == truth).mean() > (plain.value == truth).mean() + 0.03
    assert weighed.reliability[10:].min() > weighed.reliability[:10].max()
    assert weighed.posterior.sum(axis=1) == pytest.approx(np.ones(400))
    assert (np.diff(weighed.objective) > -1e-6).all()
    assert weighed.iterations == len(weighed.objective)
    assert (weighed.low <= weighed.reliability + 1e-9).all()


def test_confusion_is_recovered():
    _, labels = simulated(2, units=3000, bad=0, q=3)
    found = dawid_skene(labels)
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((20, 3)))
    assert np.diagonal(found.confusion, axis1=1, axis2=2) == pytest.approx(
        np.full((20, 3), 0.85), abs=0.08
    )


def test_relabelling_changes_nothing_else():
    _, labels = simulated(3)
    turn = np.random.default_rng(0).permutation(20)
    other = Labels(labels.unit, turn[labels.worker], labels.value, 3)
    for method in (dawid_skene, one_coin):
        assert method(other).posterior == pytest.approx(method(labels).posterior, abs=1e-9)
        assert method(other).reliability[turn] == pytest.approx(method(labels).reliability)


def test_contrary_workers_are_seen_not_followed():
    truth, labels = simulated(4, bad=0, q=2)
    contrary = labels.worker < 4
    labels = Labels(
        labels.unit, labels.worker, np.where(contrary, 1 - labels.value, labels.value), 2
    )
    found = one_coin(labels)
    assert found.reliability[:4].max() < 0.3
    assert (found.value == truth).mean() > (majority(labels).value == truth).mean()


def test_restarts_differ():
    _, labels = simulated(5)
    found = mace(labels, np.random.default_rng(0))
    assert len(set(found.restarts)) > 1
    assert max(found.restarts) == found.objective[-1]
    again = mace(labels, np.random.default_rng(0))
    assert (again.posterior == found.posterior).all()


def test_majority_draw():
    labels = Labels(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0, 1, 1]), 2)
    assert majority(labels).value.tolist() == [-1, 1]


def test_too_little_overlap_is_named():
    one_each = Labels(np.arange(30), np.arange(30) % 5, np.arange(30) % 2, 2)
    for method in (dawid_skene, one_coin, lambda x: mace(x, np.random.default_rng(0))):
        with pytest.raises(NotIdentifiable, match="overlap"):
            method(one_each)
    unit = np.repeat(np.arange(10), 3)
    apart = Labels(unit, np.tile(np.arange(3), 10) + 3 * (unit >= 5), unit % 2, 2)
    with pytest.raises(NotIdentifiable, match="2 groups"):
        dawid_skene(apart)
    with pytest.raises(NotIdentifiable, match="three workers"):
        one_coin(Labels(np.array([0, 0]), np.array([0, 1]), np.array([0, 1]), 2))


def test_broken_labels():
    two = np.array([0, 0])
    with pytest.raises(BrokenVotes, match="twice"):
        Labels(two, two, two, 2)
    with pytest.raises(BrokenVotes, match="Values"):
        Labels(two, np.array([0, 1]), np.array([0, 2]), 2)
    with pytest.raises(NoVotes):
        Labels(two[:0], two[:0], two[:0], 2)


def test_crowd_bt_gradient():
    rng = np.random.default_rng(0)
    pair, worker, won, lost = crowd._cells(random_votes(1, n=200))
    args = (5, 20, pair // 5, pair % 5, worker, won, lost)
    x = rng.normal(size=25)
    numeric = optimize.approx_fprime(x, lambda v: crowd._loss(v, *args)[0], 1e-6)
    assert crowd._loss(x, *args)[1] == pytest.approx(numeric, abs=1e-3)


def test_crowd_bt_with_contrary_workers():
    votes = random_votes(5, n=8_000, workers=40, ties=0.0)
    outcome = np.where(votes.worker < 14, 1 - votes.outcome, votes.outcome)
    votes = type(votes)(votes.system_a, votes.system_b, outcome, votes.prompt, votes.worker,
                        votes.left, votes.grade, 5)  # fmt: skip
    found = crowd_bt(votes)
    # The scale trades against reliability: the shape of the scores is what is recovered.
    truth = np.linspace(-1, 1, 5)
    shape, plain = (x / np.abs(x).mean() * 0.6 for x in (found.scores, found.plain))
    assert np.abs(shape - truth).max() < 0.5 * np.abs(plain - truth).max()
    assert found.reliability[14:].min() > found.reliability[:14].max()


def test_crowd_bt_reliability_intervals_cover():
    """Honest workers at 0.9, contrary ones at 0.1; the intervals are from the information."""
    rng = np.random.default_rng(3)
    honest = contrary = 0.0
    for _ in range(12):
        eta = np.where(np.arange(30) < 5, 0.1, 0.9)
        n = 9_000
        a = rng.integers(0, 6, n)
        b = (a + rng.integers(1, 6, n)) % 6
        theta, worker = np.linspace(-3, 3, 6), rng.integers(0, 30, n)
        s = 1 / (1 + np.exp(theta[b] - theta[a]))
        p = eta[worker] * s + (1 - eta[worker]) * (1 - s)
        outcome = (rng.random(n) >= p).astype(int)
        votes = Votes(a, b, outcome, np.arange(n), worker, np.zeros(n, np.int8),
                      np.full(n, np.nan), 6)  # fmt: skip
        found = crowd_bt(votes)
        inside = (found.low <= eta) & (eta <= found.high)
        honest += inside[5:].mean() / 12
        contrary += inside[:5].mean() / 12
        assert found.low[5:].min() > found.high[:5].max()
        assert (found.error > 0).all()
    assert 0.90 <= honest <= 0.99
    # The prior believes in people: it pulls the contrary towards ½, as the docstring says.
    assert contrary > 0.6


def test_crowd_bt_errors_by_inverting_everything():
    votes = random_votes(1, n=400)
    pair, worker, won, lost = crowd._cells(votes)
    x = np.concatenate([crowd_bt(votes).scores, np.full(20, 1.5)])
    args = (5, 20, pair // 5, pair % 5, worker)
    # Expected information: the mean of the numeric Hessian over outcomes is that of p's counts.
    s = 1 / (1 + np.exp(x[pair % 5] - x[pair // 5]))
    eta = 1 / (1 + np.exp(-x[5 + worker]))
    p = eta * s + (1 - eta) * (1 - s)
    n = won + lost
    full = optimize.approx_fprime(x, lambda v: crowd._loss(v, *args, n * p, n * (1 - p))[1], 1e-6)
    inverse = np.linalg.inv((full + full.T) / 2)
    middle = np.eye(5) - 0.2
    error, spread = crowd._information(x, *args, won, lost, seen=False).errors()
    assert error == pytest.approx(np.sqrt(np.diag(middle @ inverse[:5, :5] @ middle)), rel=1e-3)
    assert spread == pytest.approx(np.sqrt(np.diag(inverse)[5:]), rel=1e-3)
    # The curvature that Newton goes by is that of the votes as they were.
    seen = crowd._information(x, *args, won, lost, seen=True)
    full = optimize.approx_fprime(x, lambda v: crowd._loss(v, *args, won, lost)[1], 1e-6)
    by_hand = np.block([[seen.own, seen.cross.T], [seen.cross, np.diag(seen.each)]])
    assert by_hand == pytest.approx((full + full.T) / 2, abs=1e-3)


def test_crowd_bt_refuses_by_name():
    with pytest.raises(NotIdentifiable):
        crowd_bt(random_votes(1, workers=2))
    with pytest.raises(Disconnected):
        crowd_bt(repeated([(0, 1, 0, 4)], 2))
    with pytest.raises(NoVotes):
        crowd_bt(random_votes(1).select(np.zeros(600, bool)))

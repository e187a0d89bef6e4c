"""Facts about one worker's choices."""

import itertools
import math

import numpy as np
import pytest
from jeoul.analysis.errors import BrokenVotes, NoVotes
from jeoul.analysis.intervals import clopper_pearson
from jeoul.analysis.quality_signals import (
    entropy,
    gold_accuracy,
    left_share,
    longest_run,
    relative_times,
    repeat_consistency,
    run_probability,
)


def test_gold_and_sides():
    found = gold_accuracy(9, 10)
    assert (found.low, found.high) == clopper_pearson(9, 10)
    assert left_share(60, 40).p == pytest.approx(0.05688793364098089)
    with pytest.raises(NoVotes):
        gold_accuracy(0, 0)


@pytest.mark.parametrize("p_first", [0.5, 0.7])
def test_run_probability_by_counting(p_first):
    for length in range(1, 9):
        total = 0.0
        for sides in itertools.product((0, 1), repeat=8):
            if longest_run(sides).length >= length:
                total += math.prod(p_first if s else 1 - p_first for s in sides)
        assert run_probability(length, 8, p_first) == pytest.approx(total, abs=1e-12)
    assert run_probability(9, 8) == 0


def test_longest_run():
    found = longest_run([0, 1, 1, 1, 0, 0])
    assert (found.length, found.n) == (3, 6)
    assert longest_run([1] * 20).p == pytest.approx(2 / 2**20)
    with pytest.raises(NoVotes):
        longest_run([])
    with pytest.raises(BrokenVotes):
        longest_run([0, 2])


def test_entropy_and_repeats():
    assert entropy([5, 5]) == 1
    assert entropy([7, 0, 0]) == 0
    assert repeat_consistency(np.array([0, 1, 2]), np.array([0, 1, 1])).share == pytest.approx(
        2 / 3
    )
    with pytest.raises(NoVotes):
        entropy([0, 0])


def test_times_against_the_studys_median():
    found = relative_times(np.array([10.0, 20.0, 40.0]), np.array([10.0, 10.0, 10.0]))
    assert found == pytest.approx([-math.log(2), 0, math.log(2)])
    with pytest.raises(BrokenVotes):
        relative_times(np.array([0.0]), np.array([1.0]))

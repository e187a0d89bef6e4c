"""Pair rates: counting, definitions and differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeoul.analysis.counts import A_WINS, BOTH_BAD, TIE, Votes, WinDefinition, apply
from jeoul.analysis.errors import BrokenVotes, NoVotes
from jeoul.analysis.intervals import two_way_interval
from jeoul.analysis.winrates import lower_first, pair_rates, rate_difference

from tests.analysis.examples import random_votes, repeated


def test_counts_of_one_pair():
    votes = repeated([(1, 0, A_WINS, 3), (0, 1, A_WINS, 2), (0, 1, TIE, 4), (1, 0, BOTH_BAD, 1)], 3)
    (rate,) = pair_rates(votes)
    assert (rate.system_a, rate.system_b, rate.n) == (0, 1, 10)
    assert (rate.wins_a, rate.wins_b, rate.ties, rate.both_bad) == (2, 3, 4, 1)
    assert rate.win_rate_a == pytest.approx(0.45)
    (apart,) = pair_rates(votes, ties="apart")
    assert apart.win_rate_a == pytest.approx(0.4)
    (left_out,) = pair_rates(votes, both_bad="left_out")
    assert left_out.win_rate_a == pytest.approx(4 / 9)


def test_pair_without_a_decision_has_no_number():
    (rate,) = pair_rates(repeated([(0, 1, TIE, 5)], 2), ties="apart")
    assert np.isnan([rate.win_rate_a, rate.low, rate.high, rate.sign_test_p]).all()
    assert "leaves no judgement" in rate.note
    assert pair_rates(repeated([(0, 1, TIE, 0)], 2)) == []


@given(st.integers(0, 2**32 - 1))
def test_each_pair_alone_gives_the_same(seed):
    votes = random_votes(seed, n=80, n_systems=3, prompts=9, workers=4)
    for rate in pair_rates(votes):
        x = lower_first(votes)
        x = x.select((x.system_a == rate.system_a) & (x.system_b == rate.system_b))
        alone = two_way_interval(x.score, x.prompt, x.worker)
        assert (rate.win_rate_a, rate.low, rate.high) == pytest.approx(
            (alone.estimate, alone.low, alone.high), abs=1e-12
        )


def test_graded_definition():
    votes = random_votes(1, n=6, ties=0.0)
    grade = np.where(votes.outcome == A_WINS, 1.0, -1.0) * np.array([1, 2, 3, 1, 2, 3])
    votes = Votes(*(getattr(votes, f) for f in
                    ("system_a", "system_b", "outcome", "prompt", "worker", "left")),
                  grade, votes.n_systems)  # fmt: skip
    read = apply(votes, WinDefinition(min_grade=2))
    assert read.outcome[[0, 3]].tolist() == [TIE, TIE]
    assert (read.outcome[[1, 2, 4, 5]] == votes.outcome[[1, 2, 4, 5]]).all()


def test_paired_difference_cancels_what_is_shared():
    rng = np.random.default_rng(3)
    prompt, worker = np.repeat(np.arange(100), 4), rng.integers(0, 40, 400)
    hard = np.repeat(rng.random(100), 4)
    one = (rng.random(400) < hard).astype(float)
    two = np.where(rng.random(400) < 0.9, one, 1 - one)
    paired = rate_difference((one, prompt, worker), (two, prompt, worker))
    apart = rate_difference((one, prompt, worker), (two, prompt + 100, worker + 40))
    assert paired.estimate == pytest.approx(one.mean() - two.mean())
    assert paired.high - paired.low < 0.7 * (apart.high - apart.low)
    with pytest.raises(NoVotes):
        rate_difference((one, prompt, worker), (one[:0], prompt[:0], worker[:0]))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("outcome", np.array([0, 4]), "outcome"),
        ("system_b", np.array([0, 1]), "itself"),
        ("system_a", np.array([0, 9]), "system_a"),
        ("left", np.array([0, 2], dtype=np.int8), "left"),
        ("worker", np.array([0, -1]), "worker"),
        ("prompt", np.array([0.0, 1.0]), "integers"),
        ("grade", np.zeros(3), "grade"),
        ("worker", np.zeros(3, int), "length"),
    ],
)
def test_broken_votes_are_named(field, value, says):
    parts = {
        "system_a": np.array([0, 0]),
        "system_b": np.array([1, 1]),
        "outcome": np.array([0, 1]),
        "prompt": np.array([0, 1]),
        "worker": np.array([0, 1]),
        "left": np.zeros(2, np.int8),
        "grade": np.full(2, np.nan),
        "n_systems": 2,
    }
    Votes(**parts)
    with pytest.raises(BrokenVotes, match=says):
        Votes(**(parts | {field: value}))

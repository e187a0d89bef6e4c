"""Pair rates: counting, definitions and differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeoul.analysis.counts import (
    A_WINS,
    ANY_PREFERENCE,
    B_WINS,
    BETTER_OR_MORE,
    BOTH_BAD,
    TIE,
    Votes,
    WinDefinition,
    apply,
)
from jeoul.analysis.errors import BrokenVotes, NoVotes
from jeoul.analysis.intervals import two_way_interval
from jeoul.analysis.winrates import lower_first, mcnemar, pair_rates, rate_difference
from statsmodels.stats import contingency_tables

from tests.analysis.examples import random_votes, repeated


def test_counts_of_one_pair():
    votes = repeated([(1, 0, A_WINS, 3), (0, 1, A_WINS, 2), (0, 1, TIE, 4), (1, 0, BOTH_BAD, 1)], 3)
    (rate,) = pair_rates(votes)
    assert (rate.system_a, rate.system_b, rate.n) == (0, 1, 10)
    assert (rate.wins_a, rate.wins_b, rate.ties, rate.both_bad) == (2, 3, 4, 1)
    assert rate.win_rate_a == pytest.approx(0.45)
    assert rate.rates == pytest.approx((0.2, 0.3, 0.4, 0.1))
    (without,) = pair_rates(votes, ties="left_out")
    assert without.win_rate_a == pytest.approx(0.4)
    (apart,) = pair_rates(votes, ties="apart")
    assert apart.win_rate_a == pytest.approx(0.2)
    (decent,) = pair_rates(votes, ties="apart", both_bad="left_out")
    assert decent.win_rate_a == pytest.approx(2 / 9)
    (left_out,) = pair_rates(votes, both_bad="left_out")
    assert left_out.win_rate_a == pytest.approx(4 / 9)


def test_pair_without_a_decision_has_no_number():
    (rate,) = pair_rates(repeated([(0, 1, TIE, 5)], 2), ties="left_out")
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


def graded(grades):
    """Votes for system 0 against 1 on a seven-point scale."""
    g = np.array(grades, dtype=float)
    n, outcome = len(g), np.select([g > 0, g < 0], [A_WINS, B_WINS], TIE)
    rows = np.arange(n)
    return Votes(np.zeros(n, int), np.ones(n, int), outcome, rows, rows, np.zeros(n, np.int8), g, 2)


def test_any_preference_and_better_or_more():
    votes = graded([3, 2, 1, 1, 0, -1, -2, -3])
    (any_one,) = pair_rates(votes, min_grade=ANY_PREFERENCE)
    assert (any_one.wins_a, any_one.ties, any_one.wins_b) == (4, 1, 3)
    assert any_one.win_rate_a == pytest.approx(4.5 / 8)
    (clear,) = pair_rates(votes, min_grade=BETTER_OR_MORE, ties="left_out")
    assert (clear.wins_a, clear.ties, clear.wins_b) == (2, 4, 2)
    assert clear.win_rate_a == pytest.approx(0.5)
    assert clear.definition == WinDefinition("left_out", "tie", BETTER_OR_MORE)
    with pytest.raises(BrokenVotes, match="no grade"):
        pair_rates(random_votes(1), min_grade=BETTER_OR_MORE)
    for broken in ({"ties": "third"}, {"both_bad": "half"}, {"min_grade": np.nan}):
        with pytest.raises(BrokenVotes):
            pair_rates(votes, **broken)


def test_mcnemar_of_two_sources():
    """statsmodels' exact McNemar on the same table."""
    first = np.array([True] * 30 + [False] * 20)
    second = np.array([True] * 18 + [False] * 12 + [True] * 3 + [False] * 17)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second, found.n) == (12, 3, 50)
    theirs = contingency_tables.mcnemar([[18, 12], [3, 17]], exact=True)
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-12)
    assert found.difference == pytest.approx(0.18)
    assert np.isnan(mcnemar(first, first).p)
    with pytest.raises(BrokenVotes):
        mcnemar(first, second.astype(int))
    with pytest.raises(NoVotes):
        mcnemar(first[:0], second[:0])


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

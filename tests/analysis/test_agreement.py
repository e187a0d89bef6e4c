"""Alpha, percent agreement and left-one-out: published values, the package and simulation."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.analysis import agreement
from jeoul.analysis.agreement import (
    krippendorff_alpha,
    left_one_out,
    percent_agreement,
    value_counts,
)
from jeoul.analysis.agreement_kappas import (
    gwet_ac,
)
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew

from tests.analysis.agreement_examples import (
    BINARY,
    CANONICAL,
    CODERS,
    HAYES_COUNTS,
    LETTERS,
)

METRICS = ("nominal", "ordinal", "interval", "ratio")


@pytest.mark.parametrize(
    ("counts", "expected", "first"),
    [
        (CANONICAL, (0.743421, 0.815388, 0.849107, 0.797403), 1),
        (CODERS, (0.691358, 0.806721, 0.810845, 0.808944), 1),
        (BINARY, (0.095238,) * 4, 0),
        (LETTERS, (0.691964, 0.598062, 0.620283, 0.484244), 0),
        (HAYES_COUNTS, (0.476510, 0.759829, 0.757378, 0.662123), 0),
    ],
)
def test_published_alphas(counts, expected, first):
    # Ratio distances need the true values; the codes of the first value are shifted to it.
    shifted = np.hstack([np.zeros((len(counts), first), dtype=int), counts])
    for metric, value in zip(METRICS, expected, strict=True):
        assert krippendorff_alpha(shifted, metric=metric).alpha == pytest.approx(value, abs=6e-7)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(METRICS))
def test_closed_form_same_as_the_package(seed, metric):
    rng = np.random.default_rng(seed)
    # Enough units that no single one carries all the variation, which is refused by name.
    counts = rng.integers(0, 3, (rng.integers(20, 60), rng.integers(2, 6)))
    ours = krippendorff_alpha(counts, metric=metric)
    found = agreement.patterns(counts)
    pairs = np.tensordot(found.times, agreement._pair_sums(found.rows), axes=1)
    closed = agreement._alpha_from(pairs, found.times @ found.rows, metric)
    theirs = krippendorff.alpha(value_counts=counts, level_of_measurement=metric)
    assert float(closed) == pytest.approx(theirs, abs=1e-10)
    assert ours.alpha == pytest.approx(theirs, abs=1e-12)
    assert ours.low <= ours.alpha <= ours.high


def test_many_units_take_the_closed_form():
    rng = np.random.default_rng(1)
    counts = value_counts(np.repeat(np.arange(6_000), 3), rng.integers(0, 4, 18_000), 4)
    theirs = krippendorff.alpha(value_counts=counts, level_of_measurement="ordinal")
    assert krippendorff_alpha(counts, metric="ordinal").alpha == pytest.approx(theirs, abs=1e-12)


def test_jackknife_by_hand():
    found = krippendorff_alpha(HAYES_COUNTS, metric="ordinal")
    without = [
        krippendorff_alpha(np.delete(HAYES_COUNTS, u, axis=0), metric="ordinal").alpha
        for u in range(40)
    ]
    error = np.sqrt(39 / 40 * ((without - np.mean(without)) ** 2).sum())
    assert found.high - found.alpha == pytest.approx(2.0226909 * error, rel=1e-6)
    # Resampling units gives 0.624 to 0.842, KALPHA's narrower bootstrap 0.716 to 0.813.
    assert found.low == pytest.approx(0.63, abs=0.03)
    assert found.high == pytest.approx(0.86, abs=0.03)


def test_alpha_refuses_by_name():
    with pytest.raises(NoVotes):
        krippendorff_alpha(np.eye(4, dtype=int))
    with pytest.raises(TooFew):
        krippendorff_alpha(np.array([[2, 1]]))
    with pytest.raises(TooFew, match="same"):
        krippendorff_alpha(np.array([[2, 0], [3, 0]]))
    with pytest.raises(TooFew, match="one unit"):
        krippendorff_alpha(np.array([[2, 0], [3, 0], [1, 1]]))
    with pytest.raises(BrokenVotes):
        krippendorff_alpha(np.array([[2, -1], [3, 0]]))
    with pytest.raises(BrokenVotes):
        value_counts(np.arange(2), np.array([0, 5]), 3)


def test_no_disagreement_keeps_its_doubt():
    found = krippendorff_alpha(np.array([[2, 0]] * 15 + [[0, 2]] * 15))
    assert found.alpha == found.high == 1.0
    assert 0.7 < found.low < 0.9


def test_alpha_covers():
    """Units drawn anew: 95 % within 3.5 standard errors of 300 runs; KALPHA's covers 69 to 87."""
    rng = np.random.default_rng(2)
    chance = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])

    def draw(units):
        kind = rng.integers(0, 3, units)
        value = (rng.random((units, 3, 1)) > np.cumsum(chance, axis=1)[kind][:, None, :]).sum(2)
        return value_counts(np.repeat(np.arange(units), 3), value.ravel(), 3)

    truth = krippendorff_alpha(draw(400_000), metric="ordinal").alpha
    hits = sum(
        f.low <= truth <= f.high
        for f in (krippendorff_alpha(draw(80), metric="ordinal") for _ in range(300))
    )
    assert 0.905 <= hits / 300 <= 0.99


def test_resampled_units_of_hayes_and_krippendorff():
    """By units 0.624 to 0.842; KALPHA's bootstrap of pair differences claims 0.716 to 0.813."""
    found = krippendorff_alpha(
        HAYES_COUNTS, metric="ordinal", rng=np.random.default_rng(1), resamples=20_000
    )
    assert (found.low, found.high) == pytest.approx((0.624, 0.842), abs=0.006)
    assert found.resamples == 20_000
    again = krippendorff_alpha(HAYES_COUNTS, metric="ordinal", rng=np.random.default_rng(3))
    same = krippendorff_alpha(HAYES_COUNTS, metric="ordinal", rng=np.random.default_rng(3))
    assert again == same


def test_few_units_are_said():
    assert "12 units" not in krippendorff_alpha(HAYES_COUNTS).note
    assert "units: the interval is approximate" in krippendorff_alpha(CANONICAL).note
    with pytest.raises(BrokenVotes, match="measurement"):
        krippendorff_alpha(CANONICAL, metric="cardinal")
    with pytest.raises(BrokenVotes, match="weights"):
        gwet_ac(CANONICAL, weights="cubic")


def test_percent_and_left_one_out():
    unit = np.array([0, 0, 0, 1, 1, 2])
    value = np.array([1, 1, 2, 0, 0, 1])
    worker = np.array([0, 1, 3, 0, 1, 0])
    found = left_one_out(unit, value, worker)
    assert found.n.tolist() == [2, 2, 0, 1]
    assert found.agreement[[0, 1, 3]] == pytest.approx([0.75, 0.75, 0.0])
    assert np.isnan(found.agreement[2])
    counts = value_counts(unit, value, 3)
    assert percent_agreement(counts).estimate == pytest.approx((1 / 3 + 1) / 2)
    with pytest.raises(BrokenVotes):
        left_one_out(unit, value, worker[:2])


def test_left_one_out_knows_hard_comparisons():
    """A worker who only gets the hard ones agrees little, and no less than is to be expected."""
    rng = np.random.default_rng(4)
    units, judges = 3_000, 4
    hard = np.arange(units) < 1_500
    truth = rng.integers(0, 2, units)
    sure = np.where(hard, 0.55, 0.95)
    unit = np.repeat(np.arange(units), judges)
    # Workers 0 to 3 have the hard ones, 4 to 7 the easy ones; worker 7 guesses.
    worker = np.where(hard[unit], 0, 4) + np.tile(np.arange(judges), units)
    right = rng.random(len(unit)) < np.where(worker == 7, 0.5, sure[unit])
    found = left_one_out(unit, np.where(right, truth[unit], 1 - truth[unit]), worker)
    z = found.excess / found.error
    assert found.agreement[:4].max() < found.agreement[4:7].min()
    assert np.abs(z[:4]).max() < 3.5
    assert z[7] < -10
    assert found.compared.tolist() == [1_500] * 8
    by_hand = [(0.0, 1.0), (0.5, 0.0), (0.5, 0.0)]
    small = left_one_out(np.zeros(3, int), np.array([0, 1, 1]), np.arange(3))
    for w, (agreed, typical) in enumerate(by_hand):
        assert small.agreement[w] == agreed
        assert small.expected[w] == typical
    assert np.isnan(small.error).all()
    assert small.unanimous.tolist() == [1, 0, 0]
    assert small.dissent.tolist() == [1, 0, 0]
    assert small.alone.tolist() == [1, 0, 0]
    apart = left_one_out(np.zeros(3, int), np.arange(3), np.arange(3))
    assert (apart.alone.tolist(), apart.dissent.tolist()) == ([1, 1, 1], [0, 0, 0])

"""Gwet, Cohen, Fleiss and two sources against published values and a second implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeoul.analysis.agreement import krippendorff_alpha
from jeoul.analysis.agreement_kappas import (
    cohen_kappa,
    cross_table,
    fleiss_kappa,
    gwet_ac,
    source_agreement,
)
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from statsmodels.stats import inter_rater

from tests.analysis.agreement_examples import CANONICAL, FLEISS_1971, WIKIPEDIA


def test_fleiss():
    assert fleiss_kappa(FLEISS_1971).estimate == pytest.approx(0.430245, abs=6e-7)
    assert krippendorff_alpha(FLEISS_1971).alpha == pytest.approx(0.433410, abs=6e-7)
    assert gwet_ac(FLEISS_1971).estimate == pytest.approx(0.447885, abs=6e-7)
    assert fleiss_kappa(WIKIPEDIA).estimate == pytest.approx(0.209931, abs=6e-7)
    with pytest.raises(BrokenVotes):
        fleiss_kappa(CANONICAL)


def test_cohen():
    found = cohen_kappa(np.array([[20, 5], [10, 15]]))
    assert (found.estimate, found.error) == pytest.approx((0.4, 0.126996), abs=6e-7)
    assert cohen_kappa(np.array([[45, 15], [25, 15]])).estimate == pytest.approx(0.130435, abs=6e-7)
    assert cohen_kappa(np.array([[25, 35], [5, 35]])).estimate == pytest.approx(0.259259, abs=6e-7)
    with pytest.raises(TooFew):
        cohen_kappa(np.array([[5, 0], [0, 0]]))
    with pytest.raises(NoVotes):
        cohen_kappa(np.zeros((2, 2), int))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["linear", "quadratic"]))
def test_weighted_kappa_same_as_statsmodels(seed, weights):
    counts = np.random.default_rng(seed).integers(1, 20, (4, 4))
    wt = {"linear": "linear", "quadratic": "quadratic"}[weights]
    theirs = inter_rater.cohens_kappa(counts, wt=wt)
    ours = cohen_kappa(counts, weights=weights)
    assert ours.estimate == pytest.approx(theirs.kappa, abs=1e-12)
    assert ours.error == pytest.approx(np.sqrt(theirs.var_kappa), rel=1e-9)


def pairs(cross):
    """Counts (units, q) from a cross table of two raters."""
    cross = np.array(cross)
    q = len(cross)
    rows = [np.eye(q, dtype=int)[i] + np.eye(q, dtype=int)[j] for i in range(q) for j in range(q)]
    return np.repeat(rows, cross.ravel(), axis=0)


@pytest.mark.parametrize(
    ("cross", "kappa", "ac1"),
    [
        ([[13, 0, 0], [0, 20, 7], [0, 4, 56]], 0.796409, 0.849331),
        ([[40, 6, 4, 15], [4, 25, 1, 5], [4, 2, 21, 9], [17, 13, 12, 45]], 0.431501, 0.456158),
        ([[118, 5], [2, 0]], -0.023392, 0.940776),
    ],
)
def test_gwet_2014(cross, kappa, ac1):
    assert cohen_kappa(np.array(cross)).estimate == pytest.approx(kappa, abs=6e-7)
    assert gwet_ac(pairs(cross)).estimate == pytest.approx(ac1, abs=6e-7)


def test_gwet_with_gaps():
    assert gwet_ac(CANONICAL).estimate == pytest.approx(0.775444, abs=6e-7)
    assert gwet_ac(CANONICAL, weights="quadratic").estimate == pytest.approx(0.914001, abs=6e-7)
    assert gwet_ac(CANONICAL, weights="linear").estimate == pytest.approx(0.858739, abs=6e-7)


def test_gwet_error_close_to_the_jackknife():
    found = gwet_ac(FLEISS_1971)
    without = [gwet_ac(np.delete(FLEISS_1971, u, axis=0)).estimate for u in range(30)]
    error = np.sqrt(29 / 30 * ((without - np.mean(without)) ** 2).sum())
    assert found.error == pytest.approx(error, rel=0.1)


def test_two_sources_with_and_without_ties():
    first, second = np.array([0, 0, 1, 2, 2, 1]), np.array([0, 1, 1, 2, 0, 1])
    assert cross_table(first, second, 3).sum() == 6
    assert source_agreement(first, second, 3).share == pytest.approx(4 / 6)
    without = source_agreement(first, second, 3, leave_out=(2,))
    assert (without.share, without.n) == (0.75, 4)
    with pytest.raises(NoVotes):
        source_agreement(first, second, 3, leave_out=(0, 1, 2))

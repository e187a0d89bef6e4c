"""Gwet's own formulas as irrCAC writes them, on random judges with gaps, ties and unused values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from irrCAC import raw, table
from jeoul.analysis.agreement import krippendorff_alpha, percent_agreement, value_counts
from jeoul.analysis.agreement_kappas import cohen_kappa, fleiss_kappa, gwet_ac

from tests.analysis.agreement_examples import CANONICAL, CODERS

THEIR_NAME = {"nominal": "identity"}
SEEDS = st.integers(0, 2**32 - 1)


def judged(seed, *, gaps=0.3):
    """What 2 to 6 raters said of 12 to 60 units, (units, raters) with nan, and how many values."""
    rng = np.random.default_rng(seed)
    units, raters, q = (int(rng.integers(*r)) for r in ((12, 61), (2, 7), (2, 6)))
    said = rng.integers(0, q, (units, raters)).astype(float)
    # Raters who copy the first agree; one value fewer used than there are to choose, at times.
    said = np.where(rng.random(said.shape) < rng.random(), said[:, :1], said)
    said[said == q - 1] = rng.integers(0, q)
    said[rng.random(said.shape) < gaps] = np.nan
    # Two values at least, on two units each: otherwise nothing is defined, or has no jackknife.
    said[:4] = [[0], [1], [0], [1]]
    return said, q


def counted(said, q):
    unit, rater = np.nonzero(np.isfinite(said))
    return value_counts(unit, said[unit, rater].astype(int), q)


def irrcac(said, q, weights="nominal"):
    # Values from 1, so that the ratio of two is defined.
    weights = THEIR_NAME.get(weights, weights)
    return raw.CAC(pd.DataFrame(said + 1), weights, list(range(1, q + 1)), digits=12)


def said_by(counts):
    """One of the tables of raters that has these counts."""
    rows = [np.repeat(np.arange(counts.shape[1]), row).astype(float) for row in counts]
    most = max(len(row) for row in rows)
    return np.array([np.pad(row, (0, most - len(row)), constant_values=np.nan) for row in rows])


def same_as_gwet(said, q, weights):
    ours = gwet_ac(counted(said, q), weights=weights)
    theirs = irrcac(said, q, weights).gwet()["est"]
    assert ours.estimate == pytest.approx(theirs["coefficient_value"], abs=1e-9)
    assert ours.error == pytest.approx(theirs["se"], abs=1e-9)
    assert ours.high == pytest.approx(theirs["confidence_interval"][1], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(["nominal", "ordinal", "linear", "quadratic"]))
def test_gwet_and_its_error_and_interval(seed, weights):
    same_as_gwet(*judged(seed), weights)


@pytest.mark.parametrize("weights", ["nominal", "ordinal", "linear", "quadratic"])
@pytest.mark.parametrize("counts", [CANONICAL, CODERS])
def test_gwet_of_published_tables(counts, weights):
    same_as_gwet(said_by(counts), counts.shape[1], weights)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(["nominal", "interval", "ratio"]))
def test_alpha(seed, metric):
    """Its own error is a linearised one; ours is the jackknife, which is close to it."""
    said, q = judged(seed)
    counts = np.insert(counted(said, q), 0, 0, axis=1)
    ours = krippendorff_alpha(counts, metric=metric)
    weights = {"interval": "quadratic"}.get(metric, metric)
    theirs = irrcac(said, q, weights).krippendorff()["est"]
    assert ours.alpha == pytest.approx(theirs["coefficient_value"], abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_fleiss_and_percent_agreement(seed):
    """Fleiss' error is Gwet's linearised one there and a jackknife here."""
    said, q = judged(seed, gaps=0.0)
    theirs = irrcac(said, q).fleiss()["est"]
    assert fleiss_kappa(counted(said, q)).estimate == pytest.approx(
        theirs["coefficient_value"], abs=1e-9
    )
    said, q = judged(seed)
    theirs = irrcac(said, q).gwet()["est"]
    assert percent_agreement(counted(said, q)).estimate == pytest.approx(theirs["pa"], abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(["nominal", "ordinal", "linear", "quadratic"]))
def test_cohen_and_two_raters(seed, weights):
    rng = np.random.default_rng(seed)
    q = int(rng.integers(2, 6))
    cross = rng.integers(0, 9, (q, q)) + np.eye(q, dtype=int) * rng.integers(1, 9)
    theirs = table.CAC(pd.DataFrame(cross), THEIR_NAME.get(weights, weights), digits=12)
    ours, kappa = cohen_kappa(cross, weights=weights), theirs.cohen()["est"]
    assert ours.estimate == pytest.approx(kappa["coefficient_value"], abs=1e-9)
    assert ours.error == pytest.approx(kappa["se"], abs=1e-9)
    first, second = np.repeat(np.indices((q, q)).reshape(2, -1), cross.ravel(), axis=1)
    n = np.arange(cross.sum())
    counts = value_counts(np.concatenate([n, n]), np.concatenate([first, second]), q)
    alpha = krippendorff_alpha(counts).alpha
    plain = table.CAC(pd.DataFrame(cross), "identity", digits=12)
    assert alpha == pytest.approx(plain.krippendorff()["est"]["coefficient_value"], abs=1e-9)
    share, percent = percent_agreement(counts), plain.pa2()["est"]
    assert share.estimate == pytest.approx(percent["coefficient_value"], abs=1e-9)
    # Over n − 1 here, over n there.
    shrunk = share.error * ((len(n) - 1) / len(n)) ** 0.5
    assert shrunk == pytest.approx(percent["se"], abs=1e-9)

"""The fast ways of grouping give what the slow way gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.analysis import clustering
from jeoul.analysis.bradley_terry import expected_win_rates, fit
from jeoul.analysis.clustering import clusters_of, pair_meat, score_meat, single_meat
from jeoul.analysis.counts import (
    cell_index,
    compact,
    crossed,
    looked_up,
    outcome_counts,
    repeated_cells,
)

from tests.analysis.examples import random_votes


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 60, 100_000]))
def test_repeated_cells(seed, size):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, size, (2, 300)) * rng.integers(1, 1000)
    second[:20], first[:20] = 7, 7
    rows, codes, n_codes = repeated_cells(first, second)
    _, inverse, times = np.unique(
        np.column_stack([first, second]), axis=0, return_inverse=True, return_counts=True
    )
    assert rows.tolist() == np.flatnonzero(times[inverse.ravel()] > 1).tolist()
    assert n_codes == (times > 1).sum() == len(np.unique(codes))
    same = codes[:, None] == codes[None, :]
    expected = inverse.ravel()[rows]
    assert (same == (expected[:, None] == expected[None, :])).all()
    code, cells = crossed(first, second)
    assert cells == len(times) == len(np.unique(code))


def by_hand(votes, residual, cluster, extra):
    k, n = votes.n_systems, len(votes)
    u = np.zeros((n, k + extra.shape[1]))
    u[np.arange(n), votes.system_a] += residual
    u[np.arange(n), votes.system_b] -= residual
    u[:, k:] = extra
    sums = np.array([u[cluster == g].sum(axis=0) for g in np.unique(cluster)])
    return sums.T @ sums


@pytest.mark.parametrize("dense_cells", [0, 10**7])
def test_meat_by_hand(dense_cells, monkeypatch):
    monkeypatch.setattr(clustering, "_DENSE_CELLS", dense_cells)
    votes, rng = random_votes(1, n=200), np.random.default_rng(1)
    residual, extra = rng.normal(size=200), rng.normal(size=(200, 2))
    cluster, n = compact(votes.prompt)
    found = score_meat(votes, residual, cluster, n, extra)
    assert found == pytest.approx(by_hand(votes, residual, cluster, extra), abs=1e-9)
    each = np.arange(200)
    assert single_meat(votes, residual, extra) == pytest.approx(
        by_hand(votes, residual, each, extra), abs=1e-9
    )


def test_pair_meat_is_the_single_meat():
    votes = random_votes(2)
    expected = expected_win_rates(fit(votes).scores)
    residual = votes.score - expected[votes.system_a, votes.system_b]
    assert pair_meat(outcome_counts(votes), expected) == pytest.approx(
        single_meat(votes, residual, None), abs=1e-9
    )
    table = np.random.default_rng(0).normal(size=(4, 5, 5))
    assert (looked_up(votes, table) == table.ravel()[cell_index(votes, slice(None))]).all()


def test_two_way_by_hand():
    votes = random_votes(3, n=500, prompts=15, workers=12)
    ranking = fit(votes)
    expected = expected_win_rates(ranking.scores)
    residual = votes.score - expected[votes.system_a, votes.system_b]
    games = outcome_counts(votes).sum(axis=0)
    weight = (games + games.T) * expected * (1 - expected)
    bread = np.linalg.pinv(np.diag(weight.sum(axis=1)) - weight)
    none = np.zeros((500, 0))
    total = 0
    both = votes.prompt * 12 + votes.worker
    for sign, cluster in ((1, votes.prompt), (1, votes.worker), (-1, both)):
        g = len(np.unique(cluster))
        total = total + sign * g / (g - 1) * by_hand(votes, residual, cluster, none)
    assert ranking.covariance == pytest.approx(
        clustering.positive(bread @ total @ bread), abs=1e-10
    )
    assert clusters_of(votes.prompt, votes.worker).cells == len(np.unique(both))
    assert ranking.freedom == 11

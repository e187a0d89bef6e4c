"""How sure a ranking is: bootstrap, coverage, the fit test, ranks and the chance of being best."""

import numpy as np
import pytest
from jeoul.analysis.bootstrap import bootstrap
from jeoul.analysis.bradley_terry import elo, expected_win_rates, fit
from jeoul.analysis.counts import (
    A_WINS,
    B_WINS,
)
from jeoul.analysis.errors import (
    BrokenVotes,
    TooFew,
)

from tests.analysis.examples import (
    clustered_votes,
    random_votes,
    repeated,
)


def test_bootstrap_is_as_wide_as_the_sandwich():
    votes = random_votes(3, n=4_000)
    ranking = fit(votes, covariance="sandwich")
    found = bootstrap(votes, np.random.default_rng(1), times=2_000)
    assert found.scores == pytest.approx(ranking.scores, abs=1e-9)
    wide = np.array([s.high - s.low for s in sorted(ranking.systems, key=lambda s: s.system)])
    assert found.high - found.low == pytest.approx(wide, rel=0.08)
    assert found.resampled[0].sum() == pytest.approx(0, abs=1e-9)
    low, high = found.difference(4, 0)
    whole = next(d for d in ranking.differences() if (d.first, d.second) == (0, 4))
    assert (low, high) == pytest.approx((-whole.high, -whole.low), abs=0.03)
    again = bootstrap(votes, np.random.default_rng(1), times=2_000)
    assert (again.resampled == found.resampled).all()


def test_bootstrap_of_whole_prompts():
    rng = np.random.default_rng(2)
    votes = clustered_votes(rng, 4_000, 80, 1_000)
    by_prompt = fit(votes, covariance="prompt")
    found = bootstrap(votes, rng, cluster=votes.prompt, times=1_000)
    wide = np.array([s.high - s.low for s in sorted(by_prompt.systems, key=lambda s: s.system)])
    assert found.high - found.low == pytest.approx(wide, rel=0.15)
    with pytest.raises(TooFew):
        bootstrap(votes, rng, cluster=np.zeros(4_000, int))
    with pytest.raises(BrokenVotes):
        bootstrap(votes, rng, cluster=np.zeros(3, int))
    with pytest.raises(BrokenVotes):
        bootstrap(votes, rng, times=0)
    with pytest.raises(TooFew, match="finite"):
        bootstrap(repeated([(0, 1, A_WINS, 20), (0, 1, B_WINS, 1)], 2), rng, times=100)


def test_coverage_of_differences():
    """The truth is the fit of a very large draw; two-way must cover, independent must not."""
    rng = np.random.default_rng(21)
    truth = fit(clustered_votes(rng, 400_000, 20_000, 20_000), covariance="model").scores
    hits = {"two_way": 0, "sandwich": 0}
    for _ in range(60):
        votes = clustered_votes(rng, 2_000, 100, 40)
        for kind in hits:
            for d in fit(votes, covariance=kind, draws=10).differences():
                hits[kind] += d.low <= truth[d.first] - truth[d.second] <= d.high
    assert 0.91 <= hits["two_way"] / 600 <= 0.985
    assert hits["sandwich"] / 600 < 0.9


def test_fit_test_sees_a_cycle():
    line = fit(random_votes(8, n=4_000, ties=0.3)).fit_p
    assert line is not None
    assert line > 0.01
    rows = [(i, (i + 1) % 3, A_WINS, 30) for i in range(3)]
    cycle = fit(repeated([*rows, *((b, a, A_WINS, 10) for a, b, _, _ in rows)], 3)).fit_p
    assert cycle is not None
    assert cycle < 1e-4


def test_ranks_and_chance_of_being_best():
    ranking = fit(random_votes(6, n=3_000))
    assert [s.rank for s in ranking.systems] == [1, 2, 3, 4, 5]
    assert all(s.rank_low <= s.rank <= s.rank_high for s in ranking.systems)
    assert sum(s.p_best for s in ranking.systems) == pytest.approx(1)
    assert fit(random_votes(6, n=3_000)).systems == ranking.systems
    assert elo(np.array([np.log(10)]))[0] == pytest.approx(1400)
    rates = expected_win_rates(ranking.scores)
    assert rates + rates.T == pytest.approx(np.ones((5, 5)))

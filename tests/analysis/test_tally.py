"""Votes counted once give what the votes give, in every slice and by every definition."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.analysis.bradley_terry import fit, fit_tally
from jeoul.analysis.counts import A_WINS, B_WINS, WinDefinition
from jeoul.analysis.errors import BrokenVotes, Disconnected, NoVotes
from jeoul.analysis.tally import read, tallies, tally
from jeoul.analysis.winrates import pair_rates, tally_rates

from tests.analysis.examples import random_votes, repeated

DEFINITIONS = (
    WinDefinition(),
    WinDefinition(ties="left_out"),
    WinDefinition(ties="apart", both_bad="left_out"),
    WinDefinition(min_grade=2),
    WinDefinition(ties="left_out", min_grade=2),
)


def graded(seed):
    votes = random_votes(seed, n=150, n_systems=4, prompts=12, workers=6)
    size = np.random.default_rng(seed).integers(1, 4, len(votes))
    sign = np.select([votes.outcome == A_WINS, votes.outcome == B_WINS], [1, -1], 0)
    return replace(votes, grade=(sign * size).astype(float))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5_000]))
def test_a_slice_of_the_counts_is_the_count_of_the_slice(seed, apart):
    votes = graded(seed)
    votes = replace(votes, worker=votes.worker * apart)
    whole = tally(votes, 2.0)
    slice_of = np.random.default_rng(seed).integers(-1, 3, 12)
    for value, part in enumerate(tallies(whole, slice_of, 3)):
        rows = votes.select(np.flatnonzero(slice_of[votes.prompt] == value))
        assert len(part) == len(rows)
        for d in DEFINITIONS:
            alone = pair_rates(rows, ties=d.ties, both_bad=d.both_bad, min_grade=d.min_grade)
            assert repr(tally_rates(part, d)) == repr(alone)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_ranking_from_counts_is_that_from_votes(seed):
    votes = graded(seed)
    for counted in (tally(votes), tally(votes, 2.0)):
        try:
            from_votes = fit(votes)
        except Disconnected:
            with pytest.raises(Disconnected):
                fit_tally(counted)
            continue
        found = fit_tally(counted)
        assert found.scores == pytest.approx(from_votes.scores, abs=1e-12)
        assert found.covariance == pytest.approx(from_votes.covariance, rel=1e-9, abs=1e-12)
        assert (found.n, found.note, found.method) == (len(votes), from_votes.note,
                                                       from_votes.method)  # fmt: skip
        assert found.fit_p == pytest.approx(from_votes.fit_p)


def test_codes_of_systems_that_nobody_judged_are_left_out():
    votes = repeated([(1, 3, A_WINS, 3), (1, 3, B_WINS, 2)], 6)
    small, judged = tally(votes).compacted()
    assert (judged, small.n_systems, small.pairs.tolist()) == ([1, 3], 2, [1])
    assert fit_tally(small).scores[0] == pytest.approx(np.log(3 / 2) / 2)


def test_what_a_tally_cannot_say_is_refused_by_name():
    none = repeated([(0, 1, A_WINS, 0)], 2)
    with pytest.raises(NoVotes):
        fit_tally(tally(none))
    assert tally_rates(tally(none)) == []
    assert [len(t) for t in tallies(tally(none), np.zeros(0, int), 2)] == [0, 0]
    with pytest.raises(BrokenVotes, match="no preferences weaker"):
        read(tally(graded(1)), WinDefinition(min_grade=2))
    with pytest.raises(BrokenVotes, match="no grade"):
        tally(random_votes(1), 2.0)

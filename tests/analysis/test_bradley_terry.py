"""Bradley-Terry against published fits, oracles and properties."""

import choix
import evalica
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jeoul.analysis import bradley_terry
from jeoul.analysis.bradley_terry import fit, fit_counts
from jeoul.analysis.bradley_terry_extended import fit_extended
from jeoul.analysis.counts import (
    A_WINS,
    B_WINS,
    BOTH_BAD,
    TIE,
    Votes,
    outcome_counts,
    win_matrix,
)
from jeoul.analysis.errors import (
    AnalysisError,
    BrokenVotes,
    Disconnected,
    NoVotes,
    TooFew,
)
from jeoul.analysis.slices import fit_slices

from tests.analysis.examples import (
    BASEBALL,
    CITATIONS,
    HOME,
    TEAMS,
    baseball_at_home,
    difference_errors,
    random_votes,
    repeated,
    with_parts,
)


def test_citations_of_statistics_journals():
    """Stigler (1994); Agresti (2002) p. 448; BradleyTerry2."""
    found = fit_counts(CITATIONS)
    expected = [0, -2.949072, -0.479570, 0.268954]
    assert found.scores - found.scores[0] == pytest.approx(expected, abs=6e-7)
    assert difference_errors(found.covariance) == pytest.approx(
        [0.102545, 0.060589, 0.070830], abs=6e-7
    )
    assert found.deviance == pytest.approx(4.293383969889, abs=1e-10)


def outcomes(scores, home, away, won, lost):
    gap = scores[TEAMS.index(away)] - scores[TEAMS.index(home)]
    p = 1 / (1 + np.exp(gap))
    return (won, won + lost, p), (lost, won + lost, 1 - p)


def test_baseball_1987():
    """Agresti (2002), Table 10.10."""
    found = fit_counts(BASEBALL)
    # By home and away games, as in BradleyTerry2, without the home effect.
    by_place = fit_extended(baseball_at_home(), covariance="model")
    assert by_place.scores == pytest.approx(found.scores, abs=1e-9)
    rows = sum(
        2 * (w * np.log(w / (n * p)) if w else 0.0)
        for home, away, won, lost in HOME
        for w, n, p in outcomes(found.scores, home, away, won, lost)
    )
    assert rows == pytest.approx(44.053461, abs=1e-6)
    assert found.scores - found.scores[0] == pytest.approx(
        [0, 1.107698, 0.683853, 1.436408, 1.581356, 1.247618, 1.294485], abs=6e-7
    )
    assert difference_errors(found.covariance) == pytest.approx(
        [0.333878, 0.331877, 0.339569, 0.343256, 0.335861, 0.336669], abs=6e-7
    )


def test_four_players():
    """Wikipedia, Bradley-Terry model: B beats A three times there."""
    wins = [[0, 2, 0, 1], [3, 0, 5, 0], [0, 3, 0, 1], [4, 0, 3, 0]]
    found = np.exp(fit_counts(np.array(wins)).scores)
    assert found == pytest.approx([0.639835, 1.043314, 0.659810, 2.270377], abs=6e-7)


def some_votes(seed):
    rng = np.random.default_rng(seed)
    votes = random_votes(seed, n=int(rng.integers(20, 300)), n_systems=int(rng.integers(2, 7)))
    assume(len(bradley_terry.components(win_matrix(outcome_counts(votes)))) == 1)
    return votes


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_same_as_choix_and_evalica(seed):
    votes = some_votes(seed)
    wins = win_matrix(outcome_counts(votes))
    ours = fit_counts(wins).scores
    # choix's general optimisers stop at 1e-5 now and then; its spectral ranking ends exactly.
    theirs = choix.ilsr_pairwise(
        votes.n_systems,
        [p for i, j in np.argwhere(wins > 0) for p in [(i, j)] * int(2 * wins[i, j])],
        max_iter=10_000,
        tol=1e-12,
    )
    assert ours == pytest.approx(theirs - theirs.mean(), abs=1e-6)
    winners = [{A_WINS: evalica.Winner.X, B_WINS: evalica.Winner.Y}.get(o, evalica.Winner.Draw)
               for o in votes.outcome.tolist()]  # fmt: skip
    result = evalica.bradley_terry(
        votes.system_a.tolist(), votes.system_b.tolist(), winners, tolerance=1e-12, limit=100_000
    )
    theirs = np.log(result.scores.sort_index().to_numpy())
    assert ours == pytest.approx(theirs - theirs.mean(), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_same_as_a_glm_with_clusters(seed):
    votes = some_votes(seed)
    n, k = len(votes), votes.n_systems
    design = np.zeros((n, k))
    design[np.arange(n), votes.system_a] = 1
    design[np.arange(n), votes.system_b] = -1
    ours = fit(votes, covariance="worker")
    model = sm.GLM(votes.score, design[:, 1:], family=sm.families.Binomial())
    theirs = model.fit(
        tol=1e-14,
        cov_type="cluster",
        cov_kwds={"groups": votes.worker, "use_correction": False},
    )
    assert ours.scores[1:] - ours.scores[0] == pytest.approx(theirs.params, abs=1e-6)
    g = len(np.unique(votes.worker))
    expected = np.sqrt(np.diag(theirs.cov_params()) * g / (g - 1))
    assert difference_errors(ours.covariance) == pytest.approx(expected, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_must_not_change_does_not(seed):
    votes = some_votes(seed)
    base = fit(votes)
    turn = np.random.default_rng(seed).permutation(votes.n_systems)
    renamed = fit(with_parts(votes, system_a=turn[votes.system_a], system_b=turn[votes.system_b]))
    assert renamed.scores[turn] == pytest.approx(base.scores, abs=1e-8)
    assert renamed.covariance[np.ix_(turn, turn)] == pytest.approx(base.covariance, abs=1e-8)
    swapped = fit(
        with_parts(
            votes,
            system_a=votes.system_b,
            system_b=votes.system_a,
            outcome=np.array([B_WINS, A_WINS, TIE, BOTH_BAD])[votes.outcome],
        )
    )
    assert swapped.scores == pytest.approx(base.scores, abs=1e-9)
    assert swapped.covariance == pytest.approx(base.covariance, abs=1e-9)
    shuffled = fit(votes.select(np.random.default_rng(seed).permutation(len(votes))))
    assert shuffled.systems == pytest.approx(base.systems) or [
        s.rank for s in shuffled.systems
    ] == [s.rank for s in base.systems]


def test_adding_a_win_raises_the_winner():
    votes = random_votes(2)
    more = Votes(*(np.append(getattr(votes, f), v).astype(getattr(votes, f).dtype) for f, v in
                   (("system_a", 0), ("system_b", 4), ("outcome", 0), ("prompt", 0), ("worker", 0),
                    ("left", 1), ("grade", np.nan))), 5)  # fmt: skip
    assert fit(more).scores[0] > fit(votes).scores[0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_splitting_rows_changes_nothing(seed):
    """Two halves counted apart and added are the whole; so are votes in any order and width."""
    votes = some_votes(seed)
    cut = np.random.default_rng(seed).random(len(votes)) < 0.5
    halves = outcome_counts(votes.select(cut)) + outcome_counts(votes.select(~cut))
    assert (halves == outcome_counts(votes)).all()
    narrow = with_parts(
        votes, **{f: getattr(votes, f).astype(np.int16) for f in ("system_a", "system_b", "prompt")}
    )
    assert fit(narrow).scores == pytest.approx(fit(votes).scores, abs=1e-12)
    assert fit(narrow).covariance == pytest.approx(fit(votes).covariance, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_difference_does_not_depend_on_the_reference(seed):
    ranking = fit(some_votes(seed))
    whole = {(d.first, d.second): d for d in ranking.differences()}
    for reference in range(len(ranking.scores)):
        for d in ranking.differences(reference):
            low = min(d.first, reference), max(d.first, reference)
            sign = 1 if d.first < reference else -1
            other = whole[low]
            assert d.estimate == pytest.approx(sign * other.estimate, abs=1e-12)
            assert d.high - d.low == pytest.approx(other.high - other.low, abs=1e-12)
            assert d.p == pytest.approx(other.p, abs=1e-12)


def test_seen_beside_expected():
    ranking = fit(random_votes(8, n=3_000))
    pairs = ranking.pairs()
    assert len(pairs) == 10
    assert sum(p.n for p in pairs) == 3_000
    # As many wins are expected of each system as were seen: the likelihood equations.
    for s in range(5):
        gap = sum(
            p.n * (p.seen - p.expected) * (1 if p.first == s else -1)
            for p in pairs
            if s in (p.first, p.second)
        )
        assert gap == pytest.approx(0, abs=1e-6)
    assert ranking.goodness.chi2 == pytest.approx(sum(p.z**2 for p in pairs))
    assert ranking.goodness.freedom == 6
    assert ranking.expected[0, 1] == pytest.approx(pairs[0].expected)


def test_slices_are_ranked_alone_and_refused_alone():
    votes = random_votes(7, n=900)
    slices = votes.prompt % 3
    lonely = (slices == 2) & ~((votes.outcome == A_WINS) & (votes.system_a == 3))
    lonely &= ~((votes.outcome == B_WINS) & (votes.system_b == 3))
    lonely &= ~((votes.outcome == TIE) & ((votes.system_a == 3) | (votes.system_b == 3)))
    votes = votes.select(lonely | (slices < 2))
    slices = votes.prompt % 3
    one, two, three = fit_slices(votes, slices, level=0.9)
    alone = fit(votes.select(slices == 1), level=0.9)
    assert two.ranking.scores == pytest.approx(alone.scores)
    assert two.ranking.level == 0.9
    assert one.n + two.n + three.n == len(votes)
    assert three.ranking is None
    assert three.apart == ((0, 1, 2, 4), (3,))
    assert "3" in three.refusal
    few = votes.select((votes.system_a < 2) & (votes.system_b < 2))
    (part,) = fit_slices(with_parts(few, n_systems=5), np.zeros(len(few), int))
    assert part.systems == (0, 1)
    with pytest.raises(BrokenVotes):
        fit_slices(votes, np.zeros(3, int))


def test_disconnected_systems_are_named():
    votes = repeated([(0, 1, A_WINS, 5), (0, 1, B_WINS, 3), (2, 3, TIE, 4), (0, 2, A_WINS, 2)], 4)
    with pytest.raises(Disconnected) as caught:
        fit(votes)
    assert caught.value.components == ((0, 1), (2, 3))
    ranking = fit(votes, ridge=0.5)
    assert "Regularised: 0.5" in ranking.note
    assert ranking.systems[0].system == 0
    apart = votes.select(votes.system_a != 0)
    with pytest.raises(Disconnected):
        fit(apart, ridge=0.5)
    with pytest.raises(NoVotes):
        fit(votes.select(np.zeros(len(votes), bool)))
    assert isinstance(caught.value, AnalysisError)


def test_broken_matrices_are_refused():
    for wins in ([[0, 1]], [[0, -1], [1, 0]], [[0, np.nan], [1, 0]], [[1, 1], [1, 0]]):
        with pytest.raises(BrokenVotes):
            fit_counts(np.array(wins))
    with pytest.raises(NoVotes):
        fit_counts(np.zeros((2, 2)))


def test_one_worker_is_said():
    votes = random_votes(4, workers=1)
    assert "One worker only" in fit(votes).note
    with pytest.raises(TooFew):
        fit(votes, covariance="worker")
    with pytest.raises(TooFew):
        fit(random_votes(4, workers=1, prompts=1))

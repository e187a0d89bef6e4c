"""Bradley-Terry and its relatives against published fits, oracles and properties."""

import choix
import evalica
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jeoul.analysis import bradley_terry
from jeoul.analysis.bradley_terry import elo, expected_win_rates, fit, fit_counts
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
    NotIdentifiable,
    NoVotes,
    TooFew,
)
from jeoul.analysis.rao_kupper import fit_rao_kupper

from tests.analysis.examples import (
    BASEBALL,
    CITATIONS,
    baseball_at_home,
    puddings,
    random_votes,
    repeated,
)


def difference_errors(covariance):
    own = np.diag(covariance)
    return np.sqrt(own[1:] + own[0] - 2 * covariance[0, 1:])


def test_citations_of_statistics_journals():
    """Stigler (1994); Agresti (2002) p. 448; BradleyTerry2."""
    found = fit_counts(CITATIONS)
    expected = [0, -2.949072, -0.479570, 0.268954]
    assert found.scores - found.scores[0] == pytest.approx(expected, abs=6e-7)
    assert difference_errors(found.covariance) == pytest.approx(
        [0.102545, 0.060589, 0.070830], abs=6e-7
    )
    assert found.deviance == pytest.approx(4.293383969889, abs=1e-10)


def test_baseball_1987():
    """Agresti (2002), Table 10.10."""
    found = fit_counts(BASEBALL)
    assert found.scores - found.scores[0] == pytest.approx(
        [0, 1.107698, 0.683853, 1.436408, 1.581356, 1.247618, 1.294485], abs=6e-7
    )
    assert difference_errors(found.covariance) == pytest.approx(
        [0.333878, 0.331877, 0.339569, 0.343256, 0.335861, 0.336669], abs=6e-7
    )


def test_baseball_with_home_advantage():
    """BradleyTerry2's vignette, data `baseball`."""
    votes = baseball_at_home()
    assert (win_matrix(outcome_counts(votes)) == BASEBALL).all()
    found = fit_extended(votes, position=True, covariance="model")
    assert found.scores - found.scores[0] == pytest.approx(
        [0, 1.143803, 0.704694, 1.475357, 1.619555, 1.281340, 1.327110], abs=6e-7
    )
    (home,) = found.effects
    assert (home.estimate, home.error) == pytest.approx((0.302261, 0.130944), abs=6e-7)
    assert found.deviance == pytest.approx(38.642853, abs=1e-6)


def worths(scores):
    return np.exp(scores) / np.exp(scores).sum()


def test_davidson_1970_puddings():
    found = fit_extended(puddings(), ties="davidson")
    assert worths(found.scores) == pytest.approx(
        [0.138803, 0.173001, 0.161747, 0.165373, 0.158685, 0.202389], abs=6e-7
    )
    assert found.nu == pytest.approx(0.746823, abs=6e-7)
    assert worths(fit(puddings()).scores) == pytest.approx(
        [0.146075, 0.171473, 0.163279, 0.165935, 0.161023, 0.192214], abs=6e-7
    )


def test_rao_and_kupper_on_the_puddings():
    found = fit_rao_kupper(puddings())
    assert worths(found.scores) == pytest.approx(
        [0.144399, 0.171794, 0.162817, 0.166078, 0.160381, 0.194531], abs=2e-6
    )
    assert found.kappa == pytest.approx(1.748457, abs=2e-6)
    with pytest.raises(TooFew):
        fit_rao_kupper(random_votes(3, ties=0.0))


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
    theirs = choix.opt_pairwise(
        votes.n_systems,
        [p for i, j in np.argwhere(wins > 0) for p in [(i, j)] * int(2 * wins[i, j])],
        method="BFGS",
        tol=1e-9,
    )
    assert ours == pytest.approx(theirs - theirs.mean(), abs=1e-5)
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


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_covariates_same_as_a_glm(seed):
    rng = np.random.default_rng(seed)
    votes = random_votes(seed, n=400, position=0.5)
    x = rng.normal(size=(400, 2)) * [1, 30]
    ours = fit_extended(votes, position=True, covariates=x, covariance="sandwich")
    design = np.zeros((400, 5))
    design[np.arange(400), votes.system_a] = 1
    design[np.arange(400), votes.system_b] = -1
    scaled = x / np.sqrt((x**2).mean(axis=0))
    full = np.column_stack([design[:, 1:], votes.left, scaled])
    theirs = sm.GLM(votes.score, full, family=sm.families.Binomial()).fit(tol=1e-14, cov_type="HC0")
    assert [e.estimate for e in ours.effects] == pytest.approx(theirs.params[4:], abs=1e-6)
    assert [e.error for e in ours.effects] == pytest.approx(theirs.bse[4:], rel=1e-5)
    assert ours.scores[1:] - ours.scores[0] == pytest.approx(theirs.params[:4], abs=1e-6)


def with_parts(votes, **parts):
    fields = {f: getattr(votes, f) for f in Votes.__dataclass_fields__}
    return Votes(**(fields | parts))


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


def test_extended_without_effects_is_the_plain_fit():
    votes = random_votes(5)
    plain, extended = fit(votes), fit_extended(votes)
    assert extended.scores == pytest.approx(plain.scores, abs=1e-12)
    assert extended.covariance == pytest.approx(plain.covariance, abs=1e-12)
    assert extended.log_likelihood == pytest.approx(plain.log_likelihood)


def test_adding_a_win_raises_the_winner():
    votes = random_votes(2)
    more = Votes(*(np.append(getattr(votes, f), v).astype(getattr(votes, f).dtype) for f, v in
                   (("system_a", 0), ("system_b", 4), ("outcome", 0), ("prompt", 0), ("worker", 0),
                    ("left", 1), ("grade", np.nan))), 5)  # fmt: skip
    assert fit(more).scores[0] > fit(votes).scores[0]


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


def test_effects_that_cannot_be_told_apart():
    votes = random_votes(3)
    systems = (votes.system_a - votes.system_b).astype(float)[:, None]
    with pytest.raises(NotIdentifiable, match="size"):
        fit_extended(votes, covariates=systems, names=("size",))
    with pytest.raises(NotIdentifiable, match="length"):
        fit_extended(votes, covariates=np.zeros((600, 1)), names=("length",))
    with pytest.raises(TooFew):
        fit_extended(random_votes(3, ties=0.0), ties="davidson")
    with pytest.raises(BrokenVotes):
        fit_extended(votes, covariates=np.zeros((5, 1)))


def test_one_worker_is_said():
    votes = random_votes(4, workers=1)
    assert "One worker only" in fit(votes).note
    with pytest.raises(TooFew):
        fit(votes, covariance="worker")
    with pytest.raises(TooFew):
        fit(random_votes(4, workers=1, prompts=1))


def test_position_bias_is_taken_out():
    rng = np.random.default_rng(9)
    votes = random_votes(9, n=40_000, position=0.0)
    truth = np.linspace(-1, 1, 5)
    better = np.where(votes.system_a > votes.system_b, 1, -1)
    left = np.where(rng.random(40_000) < 0.9, better, -better).astype(np.int8)
    p = 1 / (1 + np.exp(truth[votes.system_b] - truth[votes.system_a] - 0.3 * left))
    outcome = np.where(rng.random(40_000) < p, A_WINS, B_WINS)
    votes = with_parts(votes, left=left, outcome=outcome)
    assert fit(votes).scores[4] - 1 > 0.1
    allowed = fit_extended(votes, position=True)
    assert allowed.scores == pytest.approx(truth, abs=0.06)
    assert allowed.effects[0].low < 0.3 < allowed.effects[0].high


def clustered_votes(rng, n, prompts, workers, k=5):
    """Prompt- and worker-specific system effects around evenly spaced scores."""
    a = rng.integers(0, k, n)
    b = (a + rng.integers(1, k, n)) % k
    p, w = rng.integers(0, prompts, n), rng.integers(0, workers, n)
    skill = np.linspace(-1, 1, k) + rng.normal(0, 0.5, (prompts, k))[p]
    skill += rng.normal(0, 0.4, (workers, k))[w]
    rows = np.arange(n)
    chance = 1 / (1 + np.exp(skill[rows, b] - skill[rows, a]))
    outcome = np.where(rng.random(n) < chance, A_WINS, B_WINS)
    return Votes(a, b, outcome, p, w, np.zeros(n, np.int8), np.full(n, np.nan), k)


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

"""Bradley-Terry and its relatives against published fits, oracles and properties."""

import choix
import evalica
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jeoul.analysis import bradley_terry
from jeoul.analysis.bootstrap import bootstrap
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
from jeoul.analysis.slices import fit_slices
from jeoul.analysis.style import style_control, style_difference, style_features
from statsmodels.tools.numdiff import approx_hess

from tests.analysis.examples import (
    BASEBALL,
    CITATIONS,
    HOME,
    TEAMS,
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
    # The errors by statsmodels' numeric Hessian of a likelihood written in another way.
    gaps = found.scores[1:] - found.scores[0]
    spread = np.linalg.inv(-approx_hess([*gaps, found.kappa], rao_kupper_likelihood(puddings())))
    own = np.diagonal(found.covariance)
    of_gaps = own[1:] + own[0] - 2 * found.covariance[0, 1:]
    assert np.sqrt(of_gaps) == pytest.approx(np.sqrt(np.diagonal(spread)[:5]), rel=1e-4)
    assert found.kappa_error == pytest.approx(spread[5, 5] ** 0.5, rel=1e-4)
    with pytest.raises(TooFew):
        fit_rao_kupper(random_votes(3, ties=0.0))


def rao_kupper_likelihood(votes):
    """Σ log P over single votes, of the gaps to the first system and κ."""

    def value(x):
        worth, kappa = np.exp(np.concatenate([[0.0], x[:-1]])), x[-1]
        a, b = worth[votes.system_a], worth[votes.system_b]
        first, second = a / (a + kappa * b), b / (b + kappa * a)
        tie = (kappa**2 - 1) * first * second
        return np.log(np.choose(np.minimum(votes.outcome, TIE), [first, second, tie])).sum()

    return value


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


def test_style_features_of_markdown():
    text = "# Title\n\n**bold** and __too__\n\n- one\n* two\n3. three\n```\n# no\n- no\n```\n"
    (row,) = style_features([text])
    assert np.expm1(row) == pytest.approx([len(text), 1, 2, 3])
    assert style_features(["", "저울"])[:, 0] == pytest.approx([0, np.log(3)])
    x = style_difference(style_features([text, ""]), np.array([0, 1]), np.array([1, 0]))
    assert x[0] == pytest.approx(-x[1])
    with pytest.raises(BrokenVotes):
        style_difference(x, np.array([2]), np.array([0]))


def test_style_control_takes_the_length_out():
    """System 4 writes at length, and length alone is liked: adjusted, it stands with 3."""
    rng = np.random.default_rng(5)
    n = 20_000
    a = rng.integers(0, 5, n)
    b = (a + rng.integers(1, 5, n)) % 5
    length = rng.normal(0, 1, (n, 2)) + 1.5 * np.column_stack([a == 4, b == 4])
    d = 0.3 * (a - b) + 0.6 * (length[:, 0] - length[:, 1])
    d -= 0.3 * ((a == 4) * 1 - (b == 4) * 1)
    outcome = np.where(rng.random(n) < 1 / (1 + np.exp(-d)), A_WINS, B_WINS)
    votes = with_parts(random_votes(1, n=n), system_a=a, system_b=b, outcome=outcome)
    x = np.column_stack([length[:, 0] - length[:, 1], np.zeros(n)])
    found = style_control(votes, x, ("log length", "log headers"))
    assert found.names == ("log length",)
    assert found.raw.scores[4] - found.raw.scores[3] > 0.5
    assert found.adjusted.scores[4] - found.adjusted.scores[3] == pytest.approx(0, abs=0.1)
    assert found.shift == pytest.approx(found.adjusted.scores - found.raw.scores)


def test_an_effect_that_separates_is_named():
    """Everybody takes the left answer: the position effect has no finite size."""
    votes = random_votes(2, n=300)
    votes = with_parts(votes, outcome=np.where(votes.left == 1, A_WINS, B_WINS))
    with pytest.raises(NotIdentifiable, match="position"):
        fit_extended(votes, position=True)


def test_regularised_effects_are_declared():
    votes = repeated([(0, 1, A_WINS, 5), (0, 1, B_WINS, 3), (0, 2, A_WINS, 4)], 3)
    with pytest.raises(Disconnected):
        fit_extended(votes)
    found = fit_extended(votes, ridge=0.5)
    assert "Regularised: 0.5" in found.note
    assert found.ridge == 0.5
    assert found.scores == pytest.approx(fit(votes, ridge=0.5).scores, abs=1e-9)


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

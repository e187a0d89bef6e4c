"""Ties of their own, the side shown and covariates: published fits, a GLM, and what is refused."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.analysis.bradley_terry import fit
from jeoul.analysis.bradley_terry_extended import fit_extended
from jeoul.analysis.counts import A_WINS, B_WINS, BOTH_BAD, TIE, outcome_counts, win_matrix
from jeoul.analysis.errors import BrokenVotes, Disconnected, NotIdentifiable, TooFew
from jeoul.analysis.rao_kupper import fit_rao_kupper
from jeoul.analysis.style import style_control, style_difference, style_features
from statsmodels.tools.numdiff import approx_hess

from tests.analysis.examples import (
    BASEBALL,
    baseball_at_home,
    puddings,
    random_votes,
    repeated,
    with_parts,
    worths,
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


def test_extended_without_effects_is_the_plain_fit():
    votes = random_votes(5)
    plain, extended = fit(votes), fit_extended(votes)
    assert extended.scores == pytest.approx(plain.scores, abs=1e-12)
    assert extended.covariance == pytest.approx(plain.covariance, abs=1e-12)
    assert extended.log_likelihood == pytest.approx(plain.log_likelihood)


@pytest.mark.parametrize("model", [{}, {"ties": "davidson"}, {"position": True}])
def test_who_is_called_a_changes_nothing(model):
    votes = random_votes(6, position=0.4)
    turn = np.random.default_rng(1).random(len(votes)) < 0.5
    turned = with_parts(
        votes,
        system_a=np.where(turn, votes.system_b, votes.system_a),
        system_b=np.where(turn, votes.system_a, votes.system_b),
        outcome=np.where(turn, np.array([B_WINS, A_WINS, TIE, BOTH_BAD])[votes.outcome],
                         votes.outcome),
        left=np.where(turn, -votes.left, votes.left),
    )  # fmt: skip
    one, other = fit_extended(votes, **model), fit_extended(turned, **model)
    assert other.scores == pytest.approx(one.scores, abs=1e-9)
    assert other.covariance == pytest.approx(one.covariance, abs=1e-9)
    assert other.deviance == pytest.approx(one.deviance, abs=1e-7)
    assert [e.estimate for e in other.effects] == pytest.approx(
        [e.estimate for e in one.effects], abs=1e-9
    )


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

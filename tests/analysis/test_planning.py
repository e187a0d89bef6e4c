"""Power, sequences, people with machines, and the choice of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeoul.analysis import adaptive
from jeoul.analysis.bradley_terry import fit_counts
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.planned_looks import plan_looks, planned_look
from jeoul.analysis.power import (
    Components,
    Design,
    cheapest,
    components,
    half_width,
    power,
    prompts_for_power,
    prompts_for_width,
    variance,
    votes_needed,
)
from jeoul.analysis.ppi import powered_mean
from jeoul.analysis.sequential import (
    asymptotic,
    beta_binomial,
    beta_binomial_bounds,
    boundary,
    paired_difference,
    rate_difference_sequence,
    tuned_prior,
    two_way_sequence,
)
from scipy import stats


@pytest.mark.parametrize(
    ("win_rate", "needed"),
    [(0.52, (4898, 3917, 2936)), (0.55, (778, 621, 464)), (0.60, (189, 150, 110))],
)
def test_votes_needed(win_rate, needed):
    """statistics.md section 6: 80 % power, two-sided 5 %, tie share 0, 0.2, 0.4."""
    assert tuple(votes_needed(win_rate, tie_share=t) for t in (0, 0.2, 0.4)) == needed
    assert votes_needed(1 - win_rate) == needed[0]


def drawn(rng, c, d):
    p = np.repeat(np.arange(d.prompts), d.per_prompt)
    w = rng.integers(0, d.workers, d.judgements)
    x = rng.normal(0, c.prompt**0.5, d.prompts)[p] + rng.normal(0, c.worker**0.5, d.workers)[w]
    return x + rng.normal(0, c.rest**0.5, d.judgements), p, w


def test_components_of_a_pilot():
    truth = Components(0.06, 0.02, 0.17)
    rng = np.random.default_rng(1)
    found = [components(*drawn(rng, truth, Design(120, 5, 40))) for _ in range(60)]
    for name in ("prompt", "worker", "rest"):
        mean = np.mean([getattr(c, name) for c in found])
        assert mean == pytest.approx(getattr(truth, name), rel=0.1)


def test_closed_variance_against_simulation():
    c, d = Components(0.05, 0.01, 0.19), Design(80, 3, 30)
    rng = np.random.default_rng(2)
    means = [drawn(rng, c, d)[0].mean() for _ in range(4000)]
    # Workers are drawn, not dealt out evenly: their share of the variance is a little larger.
    assert np.var(means) == pytest.approx(variance(c, d), rel=0.12)


def test_power_against_simulation():
    c, d = Components(0.05, 0.01, 0.19), Design(200, 2, 20)
    rng = np.random.default_rng(3)
    true = rng.normal(0.6, variance(c, d) ** 0.5, 20_000)
    error = (variance(c, d) * rng.chisquare(19, 20_000) / 19) ** 0.5
    seen = (np.abs(true - 0.5) > stats.t.ppf(0.975, 19) * error).mean()
    assert power(c, d, 0.6) == pytest.approx(seen, abs=0.012)
    assert power(c, d, 0.4) == pytest.approx(power(c, d, 0.6))
    assert power(c, Design(100_000, 2, 20_000), 0.6) == pytest.approx(1.0)


def test_three_points_at_a_thousand_prompts():
    """Miller (2024): about 1,000 prompts show a 3-point difference at 80 % power."""
    rest = Components(0.0, 0.0, 0.12)
    assert power(rest, Design(1_000, 1, 1_000), 0.53) == pytest.approx(0.8, abs=0.05)


def test_prompts_for_a_width():
    c = Components(0.05, 0.01, 0.19)
    d = prompts_for_width(c, 0.03, 1, 100)
    assert half_width(c, d) <= 0.03 < half_width(c, Design(d.prompts - 1, 1, 100))
    with pytest.raises(TooFew, match="workers"):
        prompts_for_width(c, 0.01, 1, 5)
    assert cheapest(c, 0.03, 100).design.per_prompt == 1
    assert cheapest(c, 0.03, 100, new_prompt=5).design.per_prompt > 1


def test_prompts_for_a_decision():
    c = Components(0.05, 0.005, 0.19)
    d = prompts_for_power(c, 0.6, 2, 60)
    assert power(c, d, 0.6) >= 0.8 > power(c, Design(d.prompts - 1, 2, 60), 0.6)
    assert prompts_for_power(c, 0.6, 2, 60, wanted=0.9).prompts > d.prompts
    with pytest.raises(TooFew, match="workers"):
        prompts_for_power(c, 0.52, 1, 5)
    with pytest.raises(BrokenVotes):
        prompts_for_power(c, 0.5, 1, 5)


def test_design_is_never_wider_with_another_spread_of_the_same_judgements():
    """More prompts beat more raters per prompt whenever prompts differ."""
    c = Components(0.05, 0.01, 0.19)
    widths = [half_width(c, Design(600 // m, m, 40)) for m in (1, 2, 3, 5)]
    assert widths == sorted(widths)


def test_planning_refuses_by_name():
    with pytest.raises(BrokenVotes):
        Design(10, 5, 3)
    with pytest.raises(BrokenVotes):
        Components(-0.1, 0, 1)
    with pytest.raises(BrokenVotes):
        votes_needed(0.5)
    with pytest.raises(NoVotes):
        components(np.zeros(0), np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(TooFew):
        components(np.array([0.0, 1.0]), np.arange(2), np.arange(2))


@given(st.integers(0, 300), st.integers(0, 300))
def test_sequence_solves_its_martingale(wins, losses):
    if not wins + losses:
        return
    look = beta_binomial(wins, losses)
    assert 0 <= look.low <= look.estimate <= look.high <= 1
    mirror = beta_binomial(losses, wins)
    assert (mirror.low, mirror.high) == pytest.approx((1 - look.high, 1 - look.low), abs=1e-9)
    for p in (look.low, look.high):
        if 1e-6 < p < 1 - 1e-6:
            mixture = stats.betabinom.logpmf(wins, wins + losses, 20, 20)
            assert mixture - stats.binom.logpmf(wins, wins + losses, p) == pytest.approx(
                np.log(20), abs=1e-6
            )


def test_looking_often_is_safe():
    """Wilson leaves ½ behind at some look in a third of such studies, the sequence in under 5 %."""
    rng = np.random.default_rng(4)
    looks = np.arange(50, 2001, 25)
    wins = np.cumsum(rng.random((400, 2000)) < 0.5, axis=1)[:, looks - 1]
    for prior in (20.0, tuned_prior(2000)):
        low, high = beta_binomial_bounds(wins, looks - wins, prior=prior)
        assert ((low > 0.5) | (high < 0.5)).any(axis=1).mean() <= 0.05
    assert tuned_prior(340) == pytest.approx(20, abs=1)
    plan = plan_looks(tuple((looks / 2000).tolist()))
    bound = np.array(plan.critical) * np.sqrt(looks / 4)
    planned = (np.abs(wins - looks / 2) > bound).any(axis=1).mean()
    assert 0.015 <= planned <= 0.085
    naive = np.abs(wins - looks / 2) > 1.96 * np.sqrt(looks / 4)
    assert naive.any(axis=1).mean() > 0.25


def test_published_critical_values():
    """Jennison & Turnbull (2000), tables 2.1 and 2.3: five looks at 5 %."""
    five = (0.2, 0.4, 0.6, 0.8, 1.0)
    assert plan_looks(five, shape=0.5).critical[-1] == pytest.approx(2.413, abs=1e-3)
    assert plan_looks(five, shape=0.0).critical[-1] == pytest.approx(2.040, abs=1e-3)
    assert plan_looks((1.0,)).critical == pytest.approx((1.959964,), abs=1e-6)
    for broken in ((0.5, 0.4, 1.0), (0.5,), ()):
        with pytest.raises(BrokenVotes):
            plan_looks(broken)
    with pytest.raises(BrokenVotes):
        plan_looks(five, shape=0.7)


def crossed_study(rng, prompts=500, each=4, workers=60):
    """No difference between the systems, but prompts (s.d. 1) and workers (s.d. 0.5) lean."""
    prompt = np.repeat(np.arange(prompts), each)
    worker = rng.integers(0, workers, len(prompt))
    lean = rng.normal(0, 1, prompts)[prompt] + rng.normal(0, 0.5, workers)[worker]
    return (rng.random(len(prompt)) < 1 / (1 + np.exp(-lean))).astype(float), prompt, worker


def test_looking_often_at_clustered_judgements():
    """A look every 200: sequence and planned looks hold their level where both effects are."""
    rng = np.random.default_rng(12)
    ends = np.arange(200, 2001, 200)
    plan = plan_looks(tuple((ends / 2000).tolist()))
    runs, sequence, planned = 80, 0, 0
    for _ in range(runs):
        x, p, w = crossed_study(rng)
        sequence += any(two_way_sequence(x[:n], p[:n], w[:n], planned=500).decides() for n in ends)
        planned += any(
            planned_look(x[:n], p[:n], w[:n], plan, i).decides() for i, n in enumerate(ends)
        )
    assert sequence / runs <= 0.05
    assert planned / runs <= 0.125
    final = planned_look(x, p, w, plan, len(ends) - 1)
    wide = two_way_sequence(x, p, w, planned=500)
    assert final.high - final.low < 0.85 * (wide.high - wide.low)
    with pytest.raises(BrokenVotes):
        planned_look(x, p, w, plan, 99)
    with pytest.raises(TooFew):
        planned_look(np.ones(50), p[:50], w[:50], plan, 0)


def test_difference_of_two_pairs_looked_at_often():
    rng = np.random.default_rng(13)
    missed = 0
    for _ in range(100):
        prompt = np.arange(400)
        p = np.clip(0.5 + rng.normal(0, 0.25, 400), 0, 1)
        one, two = ((rng.random(400) < p).astype(float) for _ in range(2))
        missed += any(
            rate_difference_sequence(
                (one[:g], prompt[:g]), (two[:g], prompt[:g]), planned=200
            ).decides(0.0)
            for g in range(40, 401, 30)
        )
    assert missed <= 5
    # On the same prompts it is the paired sequence; with a gap the sides keep their own n.
    same = rate_difference_sequence((one, prompt), (two, prompt))
    paired = paired_difference(one, two, prompt)
    assert (same.low, same.high) == pytest.approx((paired.low, paired.high), abs=1e-9)
    part = rate_difference_sequence((one, prompt), (two[:100], prompt[:100]))
    assert part.estimate == pytest.approx(one.mean() - two[:100].mean())
    assert part.high - part.low > same.high - same.low


def test_asymptotic_sequence_with_clusters():
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(200):
        prompt = np.repeat(np.arange(400), 3)
        p = np.clip(0.5 + rng.normal(0, 0.25, 400), 0, 1)[prompt]
        x = (rng.random(1200) < p).astype(float)
        missed += any(
            asymptotic(x[: 3 * g], prompt[: 3 * g], planned=200).decides()
            for g in range(30, 401, 20)
        )
    assert missed / 200 <= 0.05


def test_boundary_is_narrowest_where_planned():
    assert boundary(200, 200, 0.05) < min(boundary(200, 50, 0.05), boundary(200, 1000, 0.05))
    assert boundary(200, 200, 0.05) * 200**0.5 < 3.3


def test_sequences_refuse_by_name():
    with pytest.raises(NoVotes):
        beta_binomial(0, 0)
    with pytest.raises(TooFew):
        asymptotic(np.zeros(10), np.arange(10))
    with pytest.raises(TooFew):
        asymptotic(np.zeros(100), np.arange(100))
    x = np.random.default_rng(0).random(200)
    many = np.arange(200) % 50
    wide = two_way_sequence(x, np.arange(200), many)
    assert wide.high - wide.low >= 2 * np.std(x) * boundary(200, 500, 0.05)
    with pytest.raises(TooFew, match="5 workers"):
        two_way_sequence(x, np.arange(200), many % 5)
    for broken in (x[:3], np.where(np.arange(200) == 5, np.nan, x)):
        with pytest.raises(BrokenVotes):
            two_way_sequence(broken, np.arange(200), many)
        with pytest.raises(BrokenVotes):
            asymptotic(broken, np.arange(200))
    with pytest.raises(BrokenVotes):
        beta_binomial(-1, 5)
    assert paired_difference(x, x[::-1], np.arange(200)).estimate == pytest.approx(0)


def verdicts(rng, share, n=300, machine=3000):
    """People prefer A in 60 %; the machine copies them in `share` of cases, else says A in 70 %."""
    y = (rng.random(n + machine) < 0.6).astype(float)
    copies = rng.random(n + machine) < share
    f = np.where(copies, y, rng.random(n + machine) < 0.7)
    prompt = np.arange(n + machine)
    return y[:n], f[:n], f[n:], prompt[:n], prompt[n:]


@pytest.mark.parametrize(("share", "saves"), [(0.5, 1.15), (0.85, 2.2)])
def test_powered_estimates_cover_and_save(share, saves):
    rng = np.random.default_rng(6)
    found = [powered_mean(*verdicts(rng, share)) for _ in range(1000)]
    assert 0.92 <= np.mean([f.low <= 0.6 <= f.high for f in found]) <= 0.975
    assert np.mean([f.effective / f.n_human for f in found]) > saves
    assert all(f.error <= f.human_error * (1 + 1e-12) for f in found)


def test_a_useless_machine_does_no_harm():
    rng = np.random.default_rng(7)
    y, _, _, p, q = verdicts(rng, 0.5)
    f, g = rng.random(300), rng.random(3000)
    found = powered_mean(y, f, g, p, q)
    assert found.error == pytest.approx(found.human_error, rel=0.02)
    with pytest.raises(BrokenVotes):
        powered_mean(y, f[:3], g, p, q)
    with pytest.raises(NoVotes):
        powered_mean(y, f, g[:0], p, q[:0])


WINS = np.array([[0, 30, 40, 45], [20, 0, 30, 40], [10, 20, 0, 25], [5, 10, 25, 0]], dtype=float)


def test_rules_are_probabilities():
    fit = fit_counts(WINS)
    rng = np.random.default_rng(8)
    rules = [
        adaptive.uniform(4),
        adaptive.for_best(fit.scores, fit.covariance, rng),
        adaptive.for_order(fit.scores, fit.covariance),
        adaptive.for_matrix(WINS, 0.05),
        adaptive.for_pair(4, 3, 1),
        adaptive.arena(WINS),
        adaptive.a_optimal(fit.scores, fit.covariance),
        adaptive.d_optimal(fit.scores, fit.covariance),
    ]
    for rule in rules:
        assert rule.sum() == pytest.approx(1)
        assert not np.tril(rule).any()
        whole = adaptive.mixed(rule, 0.2)
        assert whole[np.triu_indices(4, 1)].min() >= 0.2 / 6 - 1e-12
        choice = adaptive.choose(whole, rng)
        assert choice.probability == whole[choice.system_a, choice.system_b]
    assert rules[1][0, 1] == rules[1].max()
    assert rules[4][1, 3] == 1
    with pytest.raises(ValueError, match="uniform"):
        adaptive.mixed(rules[0], 0.0)


def test_a_optimal_is_the_fall_of_the_trace():
    games = WINS + WINS.T
    fit = fit_counts(WINS)
    gain = adaptive.a_optimal(fit.scores, fit.covariance)
    p = 1 / (1 + np.exp(fit.scores[:, None] - fit.scores[None, :]))
    weight = games * p * (1 - p)
    hessian = np.diag(weight.sum(axis=1)) - weight
    falls = {}
    for i, j in ((0, 1), (2, 3)):
        d = np.eye(4)[i] - np.eye(4)[j]
        more = hessian + p[i, j] * (1 - p[i, j]) * np.outer(d, d)
        falls[i, j] = np.trace(np.linalg.pinv(hessian)) - np.trace(np.linalg.pinv(more))
    assert gain[0, 1] / gain[2, 3] == pytest.approx(falls[0, 1] / falls[2, 3], rel=1e-9)


def test_the_best_is_kept_and_named():
    assert adaptive.still_possible(np.zeros((3, 3))) == [0, 1, 2]
    clear = np.array([[0, 80, 90], [20, 0, 60], [10, 40, 0]], dtype=float)
    assert adaptive.still_possible(clear) == [0]
    with pytest.raises(TooFew):
        adaptive.among(adaptive.uniform(3), [0])
    assert adaptive.among(adaptive.uniform(3), [0, 2])[0, 2] == 1
    with pytest.raises(BrokenVotes):
        adaptive.still_possible(clear / 3)


def test_what_the_matrix_lacks():
    wins = np.array([[0, 200, 30], [200, 0, 0], [10, 0, 0]], dtype=float)
    width = adaptive.matrix_widths(wins)
    look = beta_binomial(200, 200, prior=adaptive.MATRIX_PRIOR)
    assert width[0, 1] == width[1, 0] == pytest.approx((look.high - look.low) / 2)
    assert width[1, 2] == 0.5
    rule = adaptive.for_matrix(wins, 0.12)
    assert rule[0, 1] == 0
    assert rule[0, 2] > 0
    assert rule[1, 2] > 0
    assert adaptive.for_matrix(wins, 0.499) == pytest.approx(
        np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    )
    with pytest.raises(BrokenVotes):
        adaptive.for_matrix(wins, 0.0)


def test_neighbours_are_decided_one_by_one():
    wins = np.array([[0, 90, 5], [10, 0, 20], [5, 20, 0]], dtype=float)
    scores = np.array([1.0, 0.2, 0.1])
    assert adaptive.undecided_neighbours(scores, wins) == [(1, 2)]
    rule = adaptive.only(adaptive.uniform(3), [(2, 1)])
    assert rule[1, 2] == 1
    wins[1, 2] = 80
    assert adaptive.undecided_neighbours(scores, wins) == []
    with pytest.raises(TooFew):
        adaptive.only(rule, [])
    with pytest.raises(BrokenVotes):
        adaptive.undecided_neighbours(scores[:2], wins)


def test_new_prompts_come_first():
    assert adaptive.for_prompt(np.array([2, 0, 1, 0])) == pytest.approx([0, 0.5, 0, 0.5])
    weighed = adaptive.for_prompt(np.array([0, 0, 5]), np.array([0.0, 0.0, 2.0]))
    assert weighed == pytest.approx([0, 0, 1])
    with pytest.raises(NoVotes):
        adaptive.for_prompt(np.array([]))
    with pytest.raises(BrokenVotes):
        adaptive.for_prompt(np.array([1]), np.array([0.0]))

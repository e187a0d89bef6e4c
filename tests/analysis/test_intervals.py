"""Intervals and tests against published values, oracles and a simulation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.analysis import intervals
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import (
    clopper_pearson,
    clustered_variance,
    exact_interval,
    grouped_moments,
    intervals_of,
    share_by_worker,
    sign_test,
    two_way_interval,
    wilson,
)
from jeoul.analysis.many_tests import benjamini_hochberg, holm, holm_rejects
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

# Newcombe (1998), Statistics in Medicine 17, table I.
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0, 0.1611), (0, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


@pytest.mark.parametrize(("k", "n", "score", "exact"), NEWCOMBE)
def test_published_intervals(k, n, score, exact):
    assert wilson(k, n) == pytest.approx(score, abs=5.1e-5)
    assert clopper_pearson(k, n) == pytest.approx(exact, abs=5.1e-5)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_same_as_statsmodels(kn):
    k, n = kn
    assert wilson(k, n) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-12)
    assert clopper_pearson(k, n) == pytest.approx(proportion_confint(k, n, method="beta"), abs=1e-9)


def test_sign_test():
    assert sign_test(15, 5) == pytest.approx(0.04138946533203125, abs=1e-15)
    assert sign_test(60, 40) == pytest.approx(0.05688793364098089, abs=1e-15)
    assert sign_test(5, 5) == 1.0
    assert sign_test(3, 17) == pytest.approx(stats.binomtest(3, 20).pvalue)


def test_nothing_seen_in_n_leaves_about_three_in_n():
    """The rule of three (Hanley & Lippman-Hand 1983): the one-sided 95 % bound is about 3/n."""
    for n in (100, 1_000, 10_000):
        assert clopper_pearson(0, n, 0.90)[1] == pytest.approx(3 / n, rel=0.02)


def test_no_number_from_nothing():
    for call in (lambda: wilson(0, 0), lambda: clopper_pearson(0, 0), lambda: sign_test(0, 0)):
        with pytest.raises(NoVotes):
            call()
    with pytest.raises(BrokenVotes):
        wilson(5, 4)
    with pytest.raises(NoVotes):
        two_way_interval([], np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(BrokenVotes):
        two_way_interval([2.0, 0.0], np.arange(2), np.arange(2))
    with pytest.raises(TooFew):
        clustered_variance([0.0, 1.0], np.zeros(2, int))
    with pytest.raises(BrokenVotes):
        two_way_interval([0.5, np.nan], np.arange(2), np.arange(2))
    with pytest.raises(BrokenVotes):
        two_way_interval([0.5, 0.5], np.arange(2), np.arange(3))
    with pytest.raises(BrokenVotes):
        holm([0.5, np.nan])


# Benjamini & Hochberg (1995), section 3.
BH = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
      0.4262, 0.5719, 0.6528, 0.7590, 1.000]  # fmt: skip
BH_ADJUSTED = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06386, 0.06386, 0.0645, 0.0765, 0.486,
               0.58118, 0.71487, 0.75323, 0.81321, 1]  # fmt: skip


def test_benjamini_and_hochberg_1995():
    assert benjamini_hochberg(BH) == pytest.approx(BH_ADJUSTED, abs=5.1e-6)
    assert (benjamini_hochberg(BH) <= 0.05).sum() == 4
    assert (holm(BH) <= 0.05).sum() == 3
    assert (np.array(BH) * 15 <= 0.05).sum() == 3
    assert len(benjamini_hochberg([])) == 0


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_p_values_same_as_statsmodels(p):
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)
    for alpha in (0.05, 0.3, 0.9):
        assert (holm_rejects(p, alpha) == (holm(p) <= alpha)).all()


def by_hand(x, *clusters):
    """The formula of the design page, one cluster at a time."""

    def one(labels):
        groups = {}
        for value, label in zip(x - x.mean(), labels, strict=True):
            groups[label] = groups.get(label, 0.0) + value
        g = len(groups)
        return g / (g - 1) * sum(v**2 for v in groups.values()) / len(x) ** 2

    parts = [one(c.tolist()) for c in clusters]
    if len(parts) == 1:
        return parts[0]
    both = one(list(zip(*(c.tolist() for c in clusters), strict=True)))
    return max(sum(parts) - both, both, *parts)


@given(st.integers(0, 2**32 - 1), st.integers(5, 80))
def test_clustered_variance_by_hand(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.choice([0.0, 0.5, 1.0], n)
    p, w = rng.integers(0, 6, n), rng.integers(0, 10_000, n) % 4 * 10_000
    p[:2], w[:2] = (0, 1), (0, 10_000)
    assert clustered_variance(x, p) == pytest.approx(by_hand(x, p), abs=1e-14)
    assert clustered_variance(x, p, w) == pytest.approx(by_hand(x, p, w), abs=1e-14)


def test_edges():
    one_each = np.arange(20)
    found = two_way_interval(np.zeros(20), one_each, one_each % 5)
    assert (found.low, found.estimate) == (0.0, 0.0)
    assert found.high == pytest.approx(clopper_pearson(0, 5)[1])
    found = two_way_interval(np.ones(20), one_each, one_each % 5)
    assert found.low == pytest.approx(clopper_pearson(5, 5)[0])
    tied = two_way_interval(np.full(20, 0.5), one_each, one_each % 5)
    assert (tied.low, tied.high) == pytest.approx(wilsonish(5), abs=1e-12)
    alone = two_way_interval([1.0, 0.0], np.zeros(2, int), np.zeros(2, int))
    assert (alone.low, alone.high) == (0.0, 1.0)
    assert "One prompt and one worker" in alone.note
    solo = two_way_interval((one_each % 2).astype(float), one_each, np.zeros(20, int))
    assert "One worker only" in solo.note


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_a_share_by_worker_is_the_two_way_interval_of_prompts_judged_once(seed, workers):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 12, workers)
    n[:2] += 1
    k = rng.binomial(n, rng.random(workers))
    found = share_by_worker(k, n)
    worker = np.repeat(np.arange(workers), n)
    x = np.concatenate([np.arange(m) < yes for yes, m in zip(k, n, strict=True)]).astype(float)
    # The same habit within each worker: with prompts that never come again only workers count.
    assert (found.estimate, found.n) == (pytest.approx(x.mean()), len(x))
    if 0 < x.mean() < 1:
        m = grouped_moments(x, worker, worker, np.zeros(len(x), int), 1)
        m = replace(m, prompts=np.array([len(x)]))
        (same,) = intervals_of(m, np.array([0]), 0.95)
        assert (found.low, found.high) == pytest.approx((same.low, same.high), abs=1e-12)
        assert found.note == same.note


def test_a_share_by_worker_at_its_edges():
    alone = share_by_worker(np.array([12]), np.array([40]))
    assert alone.low < 0.3 < alone.high
    assert "One worker only" in alone.note
    assert share_by_worker(np.array([3, 4]), np.array([3, 4])).high == 1.0
    with pytest.raises(NoVotes):
        share_by_worker(np.zeros(2, int), np.zeros(2, int))
    with pytest.raises(BrokenVotes, match="more often"):
        share_by_worker(np.array([3]), np.array([2]))


def test_an_exact_interval_of_few_cases_says_that_it_is_wide():
    few, many = exact_interval(9, 10), exact_interval(900, 1_000)
    assert (few.low, few.high) == clopper_pearson(9, 10)
    assert (few.note, many.note) == (
        "With n = 10 the exact interval is wider than it need be.",
        "",
    )


def wilsonish(clusters):
    t = stats.t.ppf(0.975, clusters - 1)
    half = t * np.sqrt(0.25 / clusters + t**2 / 4 / clusters**2) / (1 + t**2 / clusters)
    return 0.5 - half, 0.5 + half


def test_independent_judgements_get_wilson():
    n = np.arange(40)
    found = two_way_interval((n < 25).astype(float), n, n)
    assert found.method.startswith("Wilson")
    assert (found.low, found.high) == pytest.approx(wilson(25, 40))


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_swapping_sides_mirrors_the_interval(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.choice([0.0, 0.5, 1.0], n)
    p, w = rng.integers(0, 8, n), rng.integers(0, 5, n)
    one, other = two_way_interval(x, p, w), two_way_interval(1 - x, p, w)
    assert 0 <= one.low <= one.estimate <= one.high <= 1
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)
    relabelled = two_way_interval(x, 7 - p, (w * 3 + 1) % 5)
    assert (relabelled.low, relabelled.high) == pytest.approx((one.low, one.high), abs=1e-12)


def simulated(rng, prompts, per_prompt, workers):
    """Scores with prompt s.d. 1.0 and worker s.d. 0.5 on the logit, and the true rate."""
    p = np.repeat(np.arange(prompts), per_prompt)
    w = rng.integers(0, workers, len(p))
    logit = 0.3 + rng.normal(0, 1.0, prompts)[p] + rng.normal(0, 0.5, workers)[w]
    return (rng.random(len(p)) < special.expit(logit)).astype(float), p, w


def test_coverage_with_prompt_and_worker_effects():
    """Wilson covers 69 to 81 % here; 300 runs put an honest 95 % above 91 % almost surely."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    truth = special.expit(0.3 + np.sqrt(1.25) * points) @ weights / weights.sum()
    rng = np.random.default_rng(11)
    hits = naive = 0
    for _ in range(300):
        x, p, w = simulated(rng, 200, 5, 25)
        found = two_way_interval(x, p, w)
        hits += found.low <= truth <= found.high
        low, high = wilson(x.sum(), len(x))
        naive += low <= truth <= high
    assert 0.915 <= hits / 300 <= 0.985
    assert naive / 300 < 0.88


def test_notes_name_few_clusters():
    x = np.tile([0.0, 1.0, 1.0], 20)
    found = two_way_interval(x, np.arange(60) % 40, np.arange(60) % 7)
    assert "7 workers" in found.note
    assert found.method == intervals._METHODS[0]

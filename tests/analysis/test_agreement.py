"""Agreement coefficients against published values, a second implementation and simulation."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.analysis import agreement, agreement_judges
from jeoul.analysis.agreement import (
    krippendorff_alpha,
    left_one_out,
    percent_agreement,
    value_counts,
)
from jeoul.analysis.agreement_judges import alpha_of_judges
from jeoul.analysis.agreement_kappas import (
    cohen_kappa,
    cross_table,
    fleiss_kappa,
    gwet_ac,
    source_agreement,
)
from jeoul.analysis.counts import compact
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from statsmodels.stats import inter_rater


def table(text, first=1):
    """Counts (units, values) from rows of observers; a dot is a missing value."""
    rows = [line.split() for line in text.strip().split("/")]
    found = [(u, int(v) - first) for row in rows for u, v in enumerate(row) if v != "·"]
    unit, value = np.array(found).T
    return value_counts(unit, value, int(value.max()) + 1)


CANONICAL = table(
    "1 2 3 3 2 1 4 1 2 · · · / 1 2 3 3 2 2 4 1 2 5 · 3 / "
    "· 3 3 3 2 3 4 2 2 5 1 · / 1 2 3 3 2 4 4 1 2 5 1 ·"
)
CODERS = table(
    "· · · · · 3 4 1 2 1 1 3 3 · 3 / 1 · 2 1 3 3 4 3 · · · · · · · / · · 2 1 3 4 4 · 2 1 1 3 3 · 4"
)
BINARY = table("1 1 0 0 0 0 0 0 0 0 / 0 1 1 0 0 1 0 1 0 0", first=0)
LETTERS = table("1 1 2 2 4 3 3 3 5 4 4 1 / 2 1 2 2 2 3 3 3 5 4 4 4")
HAYES = """1 1 2 · 2; 1 1 0 1 ·; 2 3 3 3 ·; · 0 0 · 0; 0 0 0 · 0; 0 0 0 · 0; 1 0 2 · 1; 1 · 2 0 ·;
2 2 2 · 2; 2 1 1 1 ·; · 1 0 0 ·; 0 0 0 0 ·; 1 2 2 2 ·; 3 3 2 2 3; 1 1 1 · 1; 1 1 1 · 1; 2 1 2 · 2;
1 2 3 3 ·; 1 1 0 1 ·; 0 0 0 · 0; 0 0 1 1 ·; 0 0 · 0 0; 2 3 3 3 ·; 0 0 0 0 ·; 1 2 · 2 2; 0 1 1 1 ·;
0 0 0 1 0; 1 2 1 2 ·; 1 1 2 2 ·; 1 1 2 · 2; 1 1 0 · 0; 2 1 2 1 ·; 2 2 · 2 2; 3 2 2 2 ·; 2 2 2 · 2;
2 2 3 · 2; 2 2 2 · 2; 2 2 · 1 2; 2 2 2 2 ·; 1 1 1 · 1"""
HAYES_COUNTS = np.array([[row.split().count(str(v)) for v in range(4)] for row in HAYES.split(";")])
METRICS = ("nominal", "ordinal", "interval", "ratio")


@pytest.mark.parametrize(
    ("counts", "expected", "first"),
    [
        (CANONICAL, (0.743421, 0.815388, 0.849107, 0.797403), 1),
        (CODERS, (0.691358, 0.806721, 0.810845, 0.808944), 1),
        (BINARY, (0.095238,) * 4, 0),
        (LETTERS, (0.691964, 0.598062, 0.620283, 0.484244), 0),
        (HAYES_COUNTS, (0.476510, 0.759829, 0.757378, 0.662123), 0),
    ],
)
def test_published_alphas(counts, expected, first):
    # Ratio distances need the true values; the codes of the first value are shifted to it.
    shifted = np.hstack([np.zeros((len(counts), first), dtype=int), counts])
    for metric, value in zip(METRICS, expected, strict=True):
        assert krippendorff_alpha(shifted, metric=metric).alpha == pytest.approx(value, abs=6e-7)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(METRICS))
def test_closed_form_same_as_the_package(seed, metric):
    rng = np.random.default_rng(seed)
    # Enough units that no single one carries all the variation, which is refused by name.
    counts = rng.integers(0, 3, (rng.integers(20, 60), rng.integers(2, 6)))
    ours = krippendorff_alpha(counts, metric=metric)
    found = agreement.patterns(counts)
    pairs = np.tensordot(found.times, agreement._pair_sums(found.rows), axes=1)
    closed = agreement._alpha_from(pairs, found.times @ found.rows, metric)
    theirs = krippendorff.alpha(value_counts=counts, level_of_measurement=metric)
    assert float(closed) == pytest.approx(theirs, abs=1e-10)
    assert ours.alpha == pytest.approx(theirs, abs=1e-12)
    assert ours.low <= ours.alpha <= ours.high


def test_many_units_take_the_closed_form():
    rng = np.random.default_rng(1)
    counts = value_counts(np.repeat(np.arange(6_000), 3), rng.integers(0, 4, 18_000), 4)
    theirs = krippendorff.alpha(value_counts=counts, level_of_measurement="ordinal")
    assert krippendorff_alpha(counts, metric="ordinal").alpha == pytest.approx(theirs, abs=1e-12)


def test_jackknife_by_hand():
    found = krippendorff_alpha(HAYES_COUNTS, metric="ordinal")
    without = [
        krippendorff_alpha(np.delete(HAYES_COUNTS, u, axis=0), metric="ordinal").alpha
        for u in range(40)
    ]
    error = np.sqrt(39 / 40 * ((without - np.mean(without)) ** 2).sum())
    assert found.high - found.alpha == pytest.approx(2.0226909 * error, rel=1e-6)
    # Resampling units gives 0.624 to 0.842, KALPHA's narrower bootstrap 0.716 to 0.813.
    assert found.low == pytest.approx(0.63, abs=0.03)
    assert found.high == pytest.approx(0.86, abs=0.03)


def test_alpha_refuses_by_name():
    with pytest.raises(NoVotes):
        krippendorff_alpha(np.eye(4, dtype=int))
    with pytest.raises(TooFew):
        krippendorff_alpha(np.array([[2, 1]]))
    with pytest.raises(TooFew, match="same"):
        krippendorff_alpha(np.array([[2, 0], [3, 0]]))
    with pytest.raises(TooFew, match="one unit"):
        krippendorff_alpha(np.array([[2, 0], [3, 0], [1, 1]]))
    with pytest.raises(BrokenVotes):
        krippendorff_alpha(np.array([[2, -1], [3, 0]]))
    with pytest.raises(BrokenVotes):
        value_counts(np.arange(2), np.array([0, 5]), 3)


def test_no_disagreement_keeps_its_doubt():
    found = krippendorff_alpha(np.array([[2, 0]] * 15 + [[0, 2]] * 15))
    assert found.alpha == found.high == 1.0
    assert 0.7 < found.low < 0.9


def test_alpha_covers():
    """Units drawn anew: 95 % within 3.5 standard errors of 300 runs; KALPHA's covers 69 to 87."""
    rng = np.random.default_rng(2)
    chance = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])

    def draw(units):
        kind = rng.integers(0, 3, units)
        value = (rng.random((units, 3, 1)) > np.cumsum(chance, axis=1)[kind][:, None, :]).sum(2)
        return value_counts(np.repeat(np.arange(units), 3), value.ravel(), 3)

    truth = krippendorff_alpha(draw(400_000), metric="ordinal").alpha
    hits = sum(
        f.low <= truth <= f.high
        for f in (krippendorff_alpha(draw(80), metric="ordinal") for _ in range(300))
    )
    assert 0.905 <= hits / 300 <= 0.99


# Fleiss (1971), 30 patients, 6 psychiatrists, 5 diagnoses.
FLEISS_1971 = np.array([
    [0,0,0,6,0],[0,3,0,0,3],[0,1,4,0,1],[0,0,0,0,6],[0,3,0,3,0],[2,0,4,0,0],[0,0,4,0,2],
    [2,0,3,1,0],[2,0,0,4,0],[0,0,0,0,6],[1,0,0,5,0],[1,1,0,4,0],[0,3,3,0,0],[1,0,0,5,0],
    [0,2,0,3,1],[0,0,5,0,1],[3,0,0,1,2],[5,1,0,0,0],[0,2,0,4,0],[1,0,2,0,3],[0,0,0,0,6],
    [0,1,0,5,0],[0,2,0,1,3],[2,0,0,4,0],[1,0,0,4,1],[0,5,0,1,0],[4,0,0,0,2],[0,2,0,4,0],
    [1,0,5,0,0],[0,0,0,0,6],
])  # fmt: skip
WIKIPEDIA = np.array([
    [0,0,0,0,14],[0,2,6,4,2],[0,0,3,5,6],[0,3,9,2,0],[2,2,8,1,1],[7,7,0,0,0],[3,2,6,3,0],
    [2,5,3,2,2],[6,5,2,1,0],[0,2,2,3,7],
])  # fmt: skip


def test_fleiss():
    assert fleiss_kappa(FLEISS_1971).estimate == pytest.approx(0.430245, abs=6e-7)
    assert krippendorff_alpha(FLEISS_1971).alpha == pytest.approx(0.433410, abs=6e-7)
    assert gwet_ac(FLEISS_1971).estimate == pytest.approx(0.447885, abs=6e-7)
    assert fleiss_kappa(WIKIPEDIA).estimate == pytest.approx(0.209931, abs=6e-7)
    with pytest.raises(BrokenVotes):
        fleiss_kappa(CANONICAL)


def test_cohen():
    found = cohen_kappa(np.array([[20, 5], [10, 15]]))
    assert (found.estimate, found.error) == pytest.approx((0.4, 0.126996), abs=6e-7)
    assert cohen_kappa(np.array([[45, 15], [25, 15]])).estimate == pytest.approx(0.130435, abs=6e-7)
    assert cohen_kappa(np.array([[25, 35], [5, 35]])).estimate == pytest.approx(0.259259, abs=6e-7)
    with pytest.raises(TooFew):
        cohen_kappa(np.array([[5, 0], [0, 0]]))
    with pytest.raises(NoVotes):
        cohen_kappa(np.zeros((2, 2), int))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["linear", "quadratic"]))
def test_weighted_kappa_same_as_statsmodels(seed, weights):
    counts = np.random.default_rng(seed).integers(1, 20, (4, 4))
    wt = {"linear": "linear", "quadratic": "quadratic"}[weights]
    theirs = inter_rater.cohens_kappa(counts, wt=wt)
    ours = cohen_kappa(counts, weights=weights)
    assert ours.estimate == pytest.approx(theirs.kappa, abs=1e-12)
    assert ours.error == pytest.approx(np.sqrt(theirs.var_kappa), rel=1e-9)


def pairs(cross):
    """Counts (units, q) from a cross table of two raters."""
    cross = np.array(cross)
    q = len(cross)
    rows = [np.eye(q, dtype=int)[i] + np.eye(q, dtype=int)[j] for i in range(q) for j in range(q)]
    return np.repeat(rows, cross.ravel(), axis=0)


@pytest.mark.parametrize(
    ("cross", "kappa", "ac1"),
    [
        ([[13, 0, 0], [0, 20, 7], [0, 4, 56]], 0.796409, 0.849331),
        ([[40, 6, 4, 15], [4, 25, 1, 5], [4, 2, 21, 9], [17, 13, 12, 45]], 0.431501, 0.456158),
        ([[118, 5], [2, 0]], -0.023392, 0.940776),
    ],
)
def test_gwet_2014(cross, kappa, ac1):
    assert cohen_kappa(np.array(cross)).estimate == pytest.approx(kappa, abs=6e-7)
    assert gwet_ac(pairs(cross)).estimate == pytest.approx(ac1, abs=6e-7)


def test_gwet_with_gaps():
    assert gwet_ac(CANONICAL).estimate == pytest.approx(0.775444, abs=6e-7)
    assert gwet_ac(CANONICAL, weights="quadratic").estimate == pytest.approx(0.914001, abs=6e-7)
    assert gwet_ac(CANONICAL, weights="linear").estimate == pytest.approx(0.858739, abs=6e-7)


def half_random():
    """60 units, 5 raters with gaps, half of the values copied: the table irrCAC was given."""
    rng = np.random.default_rng(0)
    said = rng.integers(0, 4, (60, 5)).astype(float)
    said = np.where(rng.random((60, 5)) < 0.5, said[:, :1], said)
    said[rng.random((60, 5)) < 0.3] = np.nan
    said[0] = [np.nan, 1, np.nan, np.nan, np.nan]
    unit, rater = np.nonzero(np.isfinite(said))
    return value_counts(unit, said[unit, rater].astype(int), 4)


@pytest.mark.parametrize(
    ("counts", "weights", "estimate", "error"),
    [
        (CANONICAL, "nominal", 0.775444068127, 0.142949950641),
        (CANONICAL, "linear", 0.858739136433, 0.117329021881),
        (CANONICAL, "quadratic", 0.914000723552, 0.103962244645),
        (CODERS, "nominal", 0.709163917969, 0.164736746835),
        (CODERS, "linear", 0.773421629967, 0.145651007135),
        (CODERS, "quadratic", 0.835238568588, 0.131396647528),
        (half_random(), "nominal", 0.270867607728, 0.063685515099),
        (half_random(), "linear", 0.291896639184, 0.076621546422),
        (half_random(), "quadratic", 0.303068159937, 0.10367499522),
    ],
)
def test_gwet_and_its_error_same_as_irrcac(counts, weights, estimate, error):
    """irrCAC 0.4.4, run in an environment of its own: it pins a scipy that we cannot have."""
    found = gwet_ac(counts, weights=weights)
    assert (found.estimate, found.error) == pytest.approx((estimate, error), abs=1e-10)


def test_alpha_same_as_irrcac():
    """irrCAC 0.4.4 on the same table, one unit of which has a single value."""
    found = krippendorff_alpha(half_random())
    assert found.alpha == pytest.approx(0.276111770916, abs=1e-10)
    assert krippendorff_alpha(half_random(), metric="interval").alpha == pytest.approx(
        0.322302062794, abs=1e-10
    )


def test_resampled_units_of_hayes_and_krippendorff():
    """By units 0.624 to 0.842; KALPHA's bootstrap of pair differences claims 0.716 to 0.813."""
    found = krippendorff_alpha(
        HAYES_COUNTS, metric="ordinal", rng=np.random.default_rng(1), resamples=20_000
    )
    assert (found.low, found.high) == pytest.approx((0.624, 0.842), abs=0.006)
    assert found.resamples == 20_000
    again = krippendorff_alpha(HAYES_COUNTS, metric="ordinal", rng=np.random.default_rng(3))
    same = krippendorff_alpha(HAYES_COUNTS, metric="ordinal", rng=np.random.default_rng(3))
    assert again == same


def judged(rng, units, workers, worker_sd, q=3):
    """Three judges per unit who err more or less by unit and by worker."""
    unit = np.repeat(np.arange(units), 3)
    worker = (rng.integers(0, workers, units)[:, None] + np.arange(3)).ravel() % workers
    skill = 0.6 + rng.normal(0, 0.7, units)[unit] + rng.normal(0, 1, workers)[worker] * worker_sd
    right = rng.random(len(unit)) < 1 / (1 + np.exp(-skill))
    truth = rng.integers(0, q, units)[unit]
    return unit, np.where(right, truth, rng.integers(0, q, len(unit))), worker


@pytest.mark.parametrize("metric", ["nominal", "ordinal"])
def test_alpha_of_judges_by_leaving_out_each(metric):
    unit, value, worker = judged(np.random.default_rng(1), 60, 12, 0.5)
    # Gaps: units of one, two and three values.
    keep = np.random.default_rng(2).random(180) < 0.8
    unit, value, worker = unit[keep], value[keep], worker[keep]
    found = alpha_of_judges(unit, value, worker, 3, metric=metric)
    shared = np.bincount(unit)[unit] > 1
    unit, value, worker = unit[shared], value[shared], worker[shared]

    def spread(groups):
        left = np.array([
            krippendorff.alpha(value_counts=value_counts(unit[groups != g], value[groups != g], 3),
                               level_of_measurement=metric)
            for g in np.unique(groups)
        ])  # fmt: skip
        n = len(left)
        return (n - 1) / n * ((left - left.mean()) ** 2).sum()

    parts = [spread(g) for g in (unit, worker, np.arange(len(unit)))]
    variance = parts[0] + max(0.0, parts[1] - parts[2])
    counts = value_counts(unit, value, 3)
    assert found.alpha == krippendorff_alpha(counts, metric=metric).alpha
    error = (found.high - found.low) / 2
    assert 1.96 * variance**0.5 < error < 2.3 * variance**0.5
    assert "12 workers" in found.note
    codes = compact(unit)[0], value, *compact(worker)
    ours = agreement_judges._variances(counts, *codes, metric)
    assert ours == pytest.approx(tuple(parts), rel=1e-9)


def test_alpha_of_judges_covers_where_judges_differ():
    """Leaving out units alone claims too much: it covers well under 95 % here."""
    rng = np.random.default_rng(3)
    big = judged(rng, 200_000, 50_000, 0.7)
    truth = krippendorff_alpha(value_counts(big[0], big[1], 3)).alpha
    hits = narrow = 0
    for _ in range(250):
        unit, value, worker = judged(rng, 200, 30, 0.7)
        ours = alpha_of_judges(unit, value, worker, 3)
        units_only = krippendorff_alpha(value_counts(unit, value, 3))
        hits += ours.low <= truth <= ours.high
        narrow += units_only.low <= truth <= units_only.high
    assert 0.90 <= hits / 250 <= 0.985
    assert narrow < hits - 12


def test_alpha_of_judges_refuses_by_name():
    unit, value, worker = judged(np.random.default_rng(1), 30, 6, 0.5)
    with pytest.raises(BrokenVotes, match="twice"):
        alpha_of_judges(unit, value, worker * 0, 3)
    with pytest.raises(BrokenVotes):
        alpha_of_judges(unit, value, worker[:3], 3)
    with pytest.raises(NoVotes):
        alpha_of_judges(unit[::3], value[::3], worker[::3], 3)
    same = alpha_of_judges(np.repeat(np.arange(20), 2), np.repeat(np.arange(20) % 2, 2),
                           np.tile([0, 1], 20), 2)  # fmt: skip
    assert same.alpha == same.high == 1.0
    two = alpha_of_judges(np.repeat(np.arange(9), 2), np.arange(18) // 3 % 2, np.tile([0, 1], 9), 2)
    assert "these judges" in two.note


def test_few_units_are_said():
    assert "12 units" not in krippendorff_alpha(HAYES_COUNTS).note
    assert "units: the interval is approximate" in krippendorff_alpha(CANONICAL).note
    with pytest.raises(BrokenVotes, match="measurement"):
        krippendorff_alpha(CANONICAL, metric="cardinal")
    with pytest.raises(BrokenVotes, match="weights"):
        gwet_ac(CANONICAL, weights="cubic")


def test_gwet_error_close_to_the_jackknife():
    found = gwet_ac(FLEISS_1971)
    without = [gwet_ac(np.delete(FLEISS_1971, u, axis=0)).estimate for u in range(30)]
    error = np.sqrt(29 / 30 * ((without - np.mean(without)) ** 2).sum())
    assert found.error == pytest.approx(error, rel=0.1)


def test_percent_and_left_one_out():
    unit = np.array([0, 0, 0, 1, 1, 2])
    value = np.array([1, 1, 2, 0, 0, 1])
    worker = np.array([0, 1, 3, 0, 1, 0])
    found = left_one_out(unit, value, worker)
    assert found.n.tolist() == [2, 2, 0, 1]
    assert found.agreement[[0, 1, 3]] == pytest.approx([0.75, 0.75, 0.0])
    assert np.isnan(found.agreement[2])
    counts = value_counts(unit, value, 3)
    assert percent_agreement(counts).estimate == pytest.approx((1 / 3 + 1) / 2)
    with pytest.raises(BrokenVotes):
        left_one_out(unit, value, worker[:2])


def test_left_one_out_knows_hard_comparisons():
    """A worker who only gets the hard ones agrees little, and no less than is to be expected."""
    rng = np.random.default_rng(4)
    units, judges = 3_000, 4
    hard = np.arange(units) < 1_500
    truth = rng.integers(0, 2, units)
    sure = np.where(hard, 0.55, 0.95)
    unit = np.repeat(np.arange(units), judges)
    # Workers 0 to 3 have the hard ones, 4 to 7 the easy ones; worker 7 guesses.
    worker = np.where(hard[unit], 0, 4) + np.tile(np.arange(judges), units)
    right = rng.random(len(unit)) < np.where(worker == 7, 0.5, sure[unit])
    found = left_one_out(unit, np.where(right, truth[unit], 1 - truth[unit]), worker)
    z = found.excess / found.error
    assert found.agreement[:4].max() < found.agreement[4:7].min()
    assert np.abs(z[:4]).max() < 3.5
    assert z[7] < -10
    assert found.compared.tolist() == [1_500] * 8
    by_hand = [(0.0, 1.0), (0.5, 0.0), (0.5, 0.0)]
    small = left_one_out(np.zeros(3, int), np.array([0, 1, 1]), np.arange(3))
    for w, (agreed, typical) in enumerate(by_hand):
        assert small.agreement[w] == agreed
        assert small.expected[w] == typical
    assert np.isnan(small.error).all()
    assert small.unanimous.tolist() == [1, 0, 0]
    assert small.dissent.tolist() == [1, 0, 0]
    assert small.alone.tolist() == [1, 0, 0]
    apart = left_one_out(np.zeros(3, int), np.arange(3), np.arange(3))
    assert (apart.alone.tolist(), apart.dissent.tolist()) == ([1, 1, 1], [0, 0, 0])


def test_two_sources_with_and_without_ties():
    first, second = np.array([0, 0, 1, 2, 2, 1]), np.array([0, 1, 1, 2, 0, 1])
    assert cross_table(first, second, 3).sum() == 6
    assert source_agreement(first, second, 3).share == pytest.approx(4 / 6)
    without = source_agreement(first, second, 3, leave_out=(2,))
    assert (without.share, without.n) == (0.75, 4)
    with pytest.raises(NoVotes):
        source_agreement(first, second, 3, leave_out=(0, 1, 2))

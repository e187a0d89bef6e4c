"""Alpha for judges drawn anew, against leaving out each by hand and a simulation that knows."""

import krippendorff
import numpy as np
import pytest
from jeoul.analysis import agreement_judges
from jeoul.analysis.agreement import (
    krippendorff_alpha,
    value_counts,
)
from jeoul.analysis.agreement_judges import alpha_of_judges
from jeoul.analysis.counts import compact
from jeoul.analysis.errors import BrokenVotes, NoVotes


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

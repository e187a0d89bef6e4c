"""How far judges of the same comparisons agree, with the units it rests on."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import krippendorff
import numpy as np
from scipy import stats

from jeoul.analysis.counts import Bools, Floats, Ints, compact, counted_cells, sums
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import check_level

Metric: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]

# The krippendorff package builds units × values × values floats; above this many units the
# closed form on patterns gives the same number in a hundredth of the memory.
_PACKAGE_UNITS: Final = 5_000
# Up to so many bits a row of counts is one whole number.
_KEY_BITS: Final = 62
# Under this many units the interval's own error can no longer be overlooked.
FEW_UNITS: Final = 30


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha; `units` with two values or more, `judgements` within them."""

    alpha: float
    low: float
    high: float
    metric: str
    units: int
    judgements: int
    method: str
    note: str = ""
    level: float = 0.95
    resamples: int = 0


@dataclass(frozen=True)
class Agreement:
    """A coefficient with its standard error and interval (normal or t, as `method` says)."""

    estimate: float
    error: float
    low: float
    high: float
    method: str
    units: int
    level: float = 0.95


@dataclass(frozen=True)
class LeftOneOut:
    """Per worker code, all (R,): share of the other judges' values that equal the worker's, and
    how many of the worker's judgements had another judge; NaN where n is 0.

    On the judgements that had two other judges (`compared` of them), `expected` is the share of
    agreeing pairs among those others: what a typical judge would reach on these comparisons,
    hard or easy. `excess` is the worker's agreement there less `expected`, `error` its standard
    error over judgements; NaN under one and two such judgements. Of these, `unanimous` had
    others who all said the same, and in `dissent` the worker said something else; in `alone`
    nobody else gave the worker's value.
    """

    agreement: Floats
    n: Ints
    expected: Floats
    excess: Floats
    error: Floats
    compared: Ints
    unanimous: Ints
    dissent: Ints
    alone: Ints


def value_counts(unit: Ints, value: Ints, n_values: int) -> Ints:
    """How many judges gave each value to each unit, (units, n_values), from (n,) codes.

    Raises BrokenVotes for different lengths or values outside 0..n_values−1.
    """
    unit, value = np.asarray(unit), np.asarray(value)
    if unit.shape != value.shape or unit.ndim != 1:
        raise BrokenVotes("unit and value are rows of one length.")
    if not len(unit):
        return np.zeros((0, n_values), dtype=np.int64)
    if value.min() < 0 or value.max() >= n_values:
        raise BrokenVotes(f"Values must be 0..{n_values - 1}.")
    unit, n_units = compact(unit)
    at = unit.astype(np.int64) * n_values + value
    return np.bincount(at, minlength=n_units * n_values).reshape(n_units, n_values)


@dataclass(frozen=True)
class Patterns:
    """Distinct rows of counts (P, q) among units with two values or more, and their number (P,)."""

    rows: Floats
    times: Floats


def patterns(counts: Ints) -> Patterns:
    """Collapses units with equal counts; units with fewer than two values are dropped.

    Raises BrokenVotes for negative counts, NoVotes without units, TooFew under two units.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or (counts.size and counts.min() < 0):
        raise BrokenVotes("Counts are a table of units by values, none negative.")
    if not counts.size:
        raise NoVotes("No unit was judged twice.")
    # Units with one value go when a few patterns stand for the million.
    found = collapsed(counts)
    keep = found.rows.sum(axis=1) >= 2
    if not bool(keep.any()):
        raise NoVotes("No unit was judged twice.")
    if found.times[keep].sum() < 2:
        raise TooFew("Only one unit was judged twice.")
    return Patterns(found.rows[keep], found.times[keep])


def collapsed(counts: Ints) -> Patterns:
    """The distinct rows of a table of counts and how often each occurs, whatever they sum to."""
    base, q = int(counts.max()) + 1, counts.shape[1]
    if q * np.log2(base) >= _KEY_BITS:
        rows, times = np.unique(counts, axis=0, return_counts=True)
        return Patterns(rows.astype(np.float64), times.astype(np.float64))
    key = counts @ (base ** np.arange(q, dtype=np.int64))
    if base**q <= 4 * len(key) + 1024:
        seen = np.bincount(key, minlength=base**q)
        distinct = np.flatnonzero(seen)
        times = seen[distinct]
    else:
        distinct, times = np.unique(key, return_counts=True)
    return Patterns(_unpacked(distinct, base, q), times.astype(np.float64))


def pattern_of(counts: Ints) -> tuple[Floats, Ints]:
    """The distinct rows of a table of counts, and which of them each row is."""
    base, q = int(counts.max()) + 1, counts.shape[1]
    if q * np.log2(base) >= _KEY_BITS:
        rows, at = np.unique(counts, axis=0, return_inverse=True)
        return rows.astype(np.float64), at.ravel()
    key = counts @ (base ** np.arange(q, dtype=np.int64))
    at, _ = compact(key, base**q)
    first = np.zeros(int(at.max()) + 1, dtype=np.int64)
    first[at] = key
    return _unpacked(first, base, q), at


def _unpacked(keys: Ints, base: int, q: int) -> Floats:
    rows = (keys[:, None] // base ** np.arange(q, dtype=np.int64)) % base
    return np.asarray(rows, dtype=np.float64)


def _distances(totals: Floats, metric: Metric) -> Floats:
    """δ² between values, (..., q, q), from the value totals (..., q)."""
    q = totals.shape[-1]
    values = np.arange(q, dtype=np.float64)
    gap = values[:, None] - values[None, :]
    if metric == "nominal":
        return np.asarray(gap != 0, dtype=np.float64)
    if metric == "interval":
        return gap**2
    if metric == "ratio":
        both = values[:, None] + values[None, :]
        return np.divide(gap, both, out=np.zeros_like(gap), where=both > 0) ** 2
    # Ordinal: all judgements from one value to the other, their own counted half.
    middle = np.cumsum(totals, axis=-1) - totals / 2
    result: Floats = (middle[..., :, None] - middle[..., None, :]) ** 2
    return result


def _pair_sums(rows: Floats) -> Floats:
    """Ordered pairs of values in each unit divided by m − 1: coincidences, (P, q, q)."""
    q = rows.shape[1]
    pairs = rows[:, :, None] * rows[:, None, :]
    pairs[:, np.arange(q), np.arange(q)] -= rows
    result: Floats = pairs / (rows.sum(axis=1) - 1)[:, None, None]
    return result


def _alpha_from(coincidences: Floats, totals: Floats, metric: Metric) -> Floats:
    """1 − (n − 1) Σ o_ck δ² / Σ n_c n_k δ²; NaN without variation. Leading axes broadcast."""
    distance = _distances(totals, metric)
    seen = (coincidences * distance).sum(axis=(-2, -1))
    chance = (totals[..., :, None] * totals[..., None, :] * distance).sum(axis=(-2, -1))
    n = totals.sum(axis=-1)
    ratio = np.divide((n - 1) * seen, chance, out=np.full_like(chance, np.nan), where=chance > 0)
    result: Floats = 1 - ratio
    return result


def krippendorff_alpha(
    counts: Ints,
    *,
    metric: Metric = "nominal",
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    resamples: int = 1_000,
) -> Alpha:
    """α = 1 − D_o/D_e from counts (units, values); values in rising order (Krippendorff 2011).

    Interval: jackknife over units, α ± t_{U−1}·√((U−1)/U Σ (α_{−u} − mean)²), cut at 1; with
    `rng` given, percentiles over that many resamples of whole units (a multinomial on the
    distinct rows of counts). The KALPHA macro's bootstrap of pair differences is narrower and
    covers 69 to 87 % where 95 % is claimed: it is not offered.
    Where no disagreement was seen at all, the exact bound on the share of disagreeing units.
    Raises BrokenVotes, NoVotes; TooFew under two units, without variation, or where all
    variation hangs on one unit.
    """
    check_level(level)
    if metric not in get_args(Metric):
        raise BrokenVotes(f"No such level of measurement: {metric}.")
    found = patterns(counts)
    rows, times = found.rows, found.times
    totals = times @ rows
    if (totals > 0).sum() < 2:
        raise TooFew("Every judgement is the same: without variation alpha is not defined.")
    pairs = _pair_sums(rows)
    coincidences = np.tensordot(times, pairs, axes=1)
    point = _point(np.asarray(counts), coincidences, totals, metric)
    units = int(times.sum())
    without = _alpha_from(coincidences - pairs, totals - rows, metric)
    if not bool(np.isfinite(without).all()):
        raise TooFew("All variation hangs on one unit: alpha has no interval.")
    method, note = "jackknife over units, Student t", ""
    if point == 1.0:
        low, high = _perfect(totals, units, level), 1.0
        method = "exact bound on the share of disagreeing units"
        note = "No disagreement was seen."
    elif rng is not None:
        drawn = rng.multinomial(units, times / units, resamples).astype(np.float64)
        low, high = _resampled(drawn, pairs, rows, metric, level)
        method = f"percentiles of {resamples} resamples of units"
    else:
        half = _jackknife_half(without, times, level)
        low, high = point - half, min(1.0, point + half)
    if units < FEW_UNITS:
        note = f"{note} Only {units} units: the interval is approximate.".strip()
    made = 0 if rng is None else resamples
    return Alpha(point, low, high, metric, units, int(totals.sum()), method, note, level, made)


def _resampled(
    drawn: Floats, pairs: Floats, rows: Floats, metric: Metric, level: float
) -> tuple[float, float]:
    """Percentiles of alpha over resamples (B, P) of the patterns; those without variation go."""
    flat = drawn @ pairs.reshape(len(pairs), -1)
    found = _alpha_from(flat.reshape(len(drawn), *pairs.shape[1:]), drawn @ rows, metric)
    found = found[np.isfinite(found)]
    if len(found) < 0.9 * len(drawn):
        raise TooFew("More than a tenth of the resamples have no variation.")
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _point(counts: Ints, coincidences: Floats, totals: Floats, metric: Metric) -> float:
    if len(counts) > _PACKAGE_UNITS:
        return float(_alpha_from(coincidences, totals, metric))
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement=metric))


def _jackknife_half(without: Floats, times: Floats, level: float) -> float:
    units = float(times.sum())
    mean = float(times @ without) / units
    variance = (units - 1) / units * float(times @ (without - mean) ** 2)
    return float(float(stats.t.ppf(0.5 + level / 2, units - 1)) * variance**0.5)


def _perfect(totals: Floats, units: int, level: float) -> float:
    """Lower bound of alpha when none of `units` disagreed: 1 − bound / chance disagreement."""
    n = totals.sum()
    chance = 1 - float((totals * (totals - 1)).sum() / (n * (n - 1)))
    return float(1 - (1 - ((1 - level) / 2) ** (1 / units)) / chance)


def percent_agreement(counts: Ints, *, level: float = 0.95) -> Agreement:
    """Mean over units of the share of agreeing pairs of judges, Student's t over units."""
    found = patterns(counts)
    m = found.rows.sum(axis=1)
    share = (found.rows * (found.rows - 1)).sum(axis=1) / (m * (m - 1))
    units = found.times.sum()
    mean = float(found.times @ share / units)
    error = float(found.times @ (share - mean) ** 2 / (units * (units - 1))) ** 0.5
    half = float(stats.t.ppf(0.5 + check_level(level) / 2, units - 1)) * error
    method = "share of agreeing pairs, Student t over units"
    return Agreement(mean, error, max(0.0, mean - half), min(1.0, mean + half), method, int(units))


def left_one_out(unit: Ints, value: Ints, worker: Ints) -> LeftOneOut:
    """Each worker's agreement with the other judges of the same units, from (n,) codes.

    Per judgement the share of the other judges' values equal to it, averaged over the worker's
    judgements of units with another judge; beside it what those units let expect (LeftOneOut).
    Results are indexed by worker code 0..max.
    Raises BrokenVotes for arrays of different lengths, NoVotes for empty ones.
    """
    unit, value, worker = (np.asarray(x) for x in (unit, value, worker))
    if not unit.shape == value.shape == worker.shape:
        raise BrokenVotes("unit, value and worker are rows of one length.")
    if not len(unit):
        raise NoVotes("No judgement, no agreement.")
    unit, _ = compact(unit)
    value, n_values = compact(value)
    # A judgement is one of few kinds: what all said of its unit, and which of it was this one.
    rows, pattern = pattern_of(value_counts(unit, value, n_values))
    size = int(worker.max()) + 1
    who, kind, times = counted_cells(worker, pattern[unit] * n_values + value, rows.size)
    said, at = rows[kind // n_values], (np.arange(len(kind)), kind % n_values)
    others, same = said.sum(axis=1) - 1, said[at] - 1
    shared, many = others > 0, others >= 2
    share = same[shared] / others[shared]
    n = _count(who, times, shared, size)
    total = sums(who[shared], times[shared] * share, size)
    mean = np.divide(total, n, out=np.full(size, np.nan), where=n > 0)
    pairs = (said * (said - 1)).sum(axis=1)[many]
    # Ordered agreeing pairs of the unit less those in which this judgement takes part.
    typical = (pairs - 2 * same[many]) / (others[many] * (others[many] - 1))
    gap = same[many] / others[many] - typical
    apart = many & (same == 0) & (said.max(axis=1) == others)
    return LeftOneOut(
        mean,
        n,
        *_by_worker(who[many], times[many], typical, gap, size),
        _count(who, times, apart | (many & (same == others)), size),
        _count(who, times, apart, size),
        _count(who, times, many & (same == 0), size),
    )


def _count(who: Ints, times: Ints, where: Bools, size: int) -> Ints:
    """Judgements of each worker among some cells, (size,)."""
    return sums(who[where], times[where], size).astype(np.int64)


def _by_worker(
    worker: Ints, times: Ints, typical: Floats, gap: Floats, size: int
) -> tuple[Floats, Floats, Floats, Ints]:
    """Mean of `typical`, mean of `gap` with its standard error, and the count, per worker."""
    n = sums(worker, times, size).astype(np.int64)
    empty = np.full(size, np.nan)

    def mean(values: Floats, least: int, out: Floats) -> Floats:
        total = sums(worker, times * values, size)
        return np.asarray(np.divide(total, n, out=out, where=n >= least), dtype=np.float64)

    expected, excess = mean(typical, 1, empty.copy()), mean(gap, 1, empty.copy())
    square = mean((gap - excess[worker]) ** 2, 2, empty.copy())
    return expected, excess, np.sqrt(square / np.maximum(n - 1, 1)), n

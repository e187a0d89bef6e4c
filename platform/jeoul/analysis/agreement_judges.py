"""Krippendorff's alpha whose interval knows that the same judges judged many units."""

import numpy as np
from scipy import special

from jeoul.analysis.agreement import (
    FEW_UNITS,
    Alpha,
    Metric,
    _alpha_from,
    _pair_sums,
    krippendorff_alpha,
    pattern_of,
    value_counts,
)
from jeoul.analysis.counts import Floats, Ints, compact, repeated_cells, sums
from jeoul.analysis.errors import BrokenVotes, TooFew


def alpha_of_judges(
    unit: Ints,
    value: Ints,
    worker: Ints,
    n_values: int,
    *,
    metric: Metric = "nominal",
    level: float = 0.95,
) -> Alpha:
    """α as krippendorff_alpha, with an interval for other units *and* other judges.

    Variance V_unit + V_worker − V_judgement, never less than V_unit: jackknives that leave out a
    unit, a worker, a judgement (Cameron, Gelbach & Miller's 2011 sum applied to Quenouille's and
    Tukey's pseudo-values); Student's t with Satterthwaite's degrees of
    freedom. Where judges differ in how well they judge, the interval over units alone claims
    too much: it covers 84 to 92 % in simulation. unit, value, worker: (n,) codes.
    Falls back to krippendorff_alpha's interval, and says so, where nobody disagreed or one
    worker's absence leaves no variation. Raises BrokenVotes (also where a worker judged a unit
    twice), NoVotes, TooFew.
    """
    unit, value, worker = (np.asarray(x) for x in (unit, value, worker))
    if not unit.shape == value.shape == worker.shape:
        raise BrokenVotes("unit, value and worker are rows of one length.")
    counts = value_counts(unit, value, n_values)
    plain = krippendorff_alpha(counts, metric=metric, level=level)
    if len(repeated_cells(unit, worker)[0]):
        raise BrokenVotes("A worker judged the same unit twice.")
    if plain.alpha == 1.0:
        return plain
    code, _ = compact(unit)
    shared = counts.sum(axis=1)[code] >= 2
    code, _ = compact(code[shared])
    judges, n_workers = compact(worker[shared])
    counts = value_counts(code, value[shared], n_values)
    try:
        parts = _variances(counts, code, value[shared], judges, n_workers, metric)
    except TooFew as refused:
        return _with_note(plain, str(refused))
    by_unit, by_worker, single = parts
    # Of agreement, which pairs judgements, the jackknife over workers counts their noise twice: no
    # floor, as it is of a mean. With it 98 to 99 % were covered.
    variance = by_unit + max(0.0, by_worker - single)
    freedom = _freedom(variance, parts, (len(counts), n_workers, len(code)))
    half = float(special.stdtrit(freedom, 0.5 + level / 2)) * variance**0.5
    few = [f"{n} {what}" for n, what in ((len(counts), "units"), (n_workers, "workers"))
           if n < FEW_UNITS]  # fmt: skip
    return Alpha(
        plain.alpha, plain.alpha - half, min(1.0, plain.alpha + half), metric, plain.units,
        plain.judgements, "jackknife over units and judges, Student t",
        f"Only {' and '.join(few)}: the interval is approximate." if few else "", level,
    )  # fmt: skip


def _with_note(plain: Alpha, why: str) -> Alpha:
    note = f"{plain.note} {why} The interval holds for these judges.".strip()
    return Alpha(
        plain.alpha, plain.low, plain.high, plain.metric, plain.units, plain.judgements,
        plain.method, note, plain.level,
    )  # fmt: skip


def _variances(
    counts: Ints, unit: Ints, value: Ints, worker: Ints, n_workers: int, metric: Metric
) -> tuple[float, float, float]:
    """Jackknife variances that leave out a unit, a worker, a judgement."""
    rows, at = pattern_of(counts)
    q, times = rows.shape[1], np.bincount(at).astype(np.float64)
    pairs = _pair_sums(rows)
    coincidences, totals = np.tensordot(times, pairs, axes=1), times @ rows
    # What one judgement of value v takes along from a unit with each pattern: (P, q, …).
    lost_pairs, lost_values = _without_one(rows, pairs)
    kind = at[unit] * q + value
    flat_pairs, flat_values = lost_pairs.reshape(-1, q, q), lost_values.reshape(-1, q)
    by_kind = np.bincount(kind, minlength=len(flat_pairs)).astype(np.float64)
    size = len(flat_pairs)
    shares = sums(worker.astype(np.int64) * size + kind, np.ones(len(kind)), n_workers * size)
    shares = shares.reshape(n_workers, size)
    gone = (shares @ flat_pairs.reshape(size, -1)).reshape(-1, q, q)
    # A unit of two values is lost with either judge; one who has both cannot be here.
    by_unit = _alpha_from(coincidences - pairs, totals - rows, metric)
    by_worker = _alpha_from(coincidences - gone, totals - shares @ flat_values, metric)
    single = _alpha_from(coincidences - flat_pairs, totals - flat_values, metric)
    seen = by_kind > 0
    if not all(bool(np.isfinite(x).all()) for x in (by_unit, by_worker, single[seen])):
        raise TooFew("Without one of the judges there is no variation left.")
    return (
        _spread(by_unit, times),
        _spread(by_worker, np.ones(n_workers)) if n_workers > 1 else 0.0,
        _spread(single[seen], by_kind[seen]),
    )


def _without_one(rows: Floats, pairs: Floats) -> tuple[Floats, Floats]:
    """Coincidences (P, q, q, q) and values (P, q, q) that go with one judgement of value v."""
    p, q = rows.shape
    fewer = np.repeat(rows[:, None, :], q, axis=1) - np.eye(q)
    many = fewer.sum(axis=2) >= 2
    possible = (fewer >= 0).all(axis=2)
    rest = np.zeros((p, q, q, q))
    use = many & possible
    if bool(use.any()):
        rest[use] = _pair_sums(fewer[use])
    kept = np.where(use[:, :, None], fewer, 0.0)
    lost_pairs, lost_values = pairs[:, None] - rest, rows[:, None, :] - kept
    lost_pairs[~possible], lost_values[~possible] = 0.0, 0.0
    return lost_pairs, lost_values


def _spread(without: Floats, times: Floats) -> float:
    n = float(times.sum())
    mean = float(times @ without) / n
    return (n - 1) / n * float(times @ (without - mean) ** 2)


def _freedom(total: float, parts: tuple[float, float, float], sizes: tuple[int, int, int]) -> float:
    """Satterthwaite's degrees of freedom over the parts that exceed a single judgement's."""
    used = [(v, n) for v, n in zip(parts[:2], sizes[:2], strict=True) if v > parts[2]]
    used = used or [(parts[2], sizes[2])]
    noise = sum(v**2 / max(n - 1, 1) for v, n in used)
    least = max(1, min(sizes[0], sizes[1]) - 1)
    return max(float(least), min(total**2 / noise, float(max(sizes[:2]) - 1)))

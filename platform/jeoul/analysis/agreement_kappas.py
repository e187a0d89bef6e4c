"""Chance-corrected agreement where the design allows it: Gwet, Cohen, Fleiss, and two sources."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from scipy import stats

from jeoul.analysis.agreement import Agreement, collapsed, patterns
from jeoul.analysis.counts import Floats, Ints
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import check_level, wilson

Weights: TypeAlias = Literal["nominal", "ordinal", "linear", "quadratic"]


def weight_matrix(n_values: int, weights: Weights) -> Floats:
    """Credit for each pair of values, (q, q): 1 on the diagonal, falling with their distance.

    nominal: 1[i = j]; linear: 1 − |i − j|/(q − 1); quadratic: 1 − (i − j)²/(q − 1)²;
    ordinal (Gwet 2014): 1 − |i − j|(|i − j| + 1)/(q(q − 1)), pairs of values from i to j.
    Raises BrokenVotes for another word.
    """
    if weights not in get_args(Weights):
        raise BrokenVotes(f"No such weights: {weights}.")
    values, widest = np.arange(n_values, dtype=np.float64), max(n_values - 1, 1)
    steps = np.abs(values[:, None] - values[None, :])
    gap: dict[Weights, Floats] = {
        "nominal": steps.clip(max=1),
        "ordinal": steps * (steps + 1) / (widest * (widest + 1)),
        "linear": steps / widest,
        "quadratic": (steps / widest) ** 2,
    }
    return 1 - gap[weights]


def gwet_ac(counts: Ints, *, weights: Weights = "nominal", level: float = 0.95) -> Agreement:
    """Gwet's AC1 (nominal) or AC2 (weighted) from counts (units, q), any judges per unit.

    AC = (p_a − p_e)/(1 − p_e); p_a over units with two judges or more, p_e = T_w/(q(q−1)) ·
    Σ π_k(1 − π_k) with π_k the mean share of value k over all units, T_w the sum of weights;
    standard error as in Gwet (2014, eq. 5.3.x as in irrCAC), Student's t over units.
    q counts all columns, also those that nobody chose. Raises BrokenVotes, NoVotes, TooFew.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[1] < 2 or (counts.size and counts.min() < 0):
        raise BrokenVotes("Counts are a table of units by two values or more, none negative.")
    rows, times = _collapsed(counts)
    q, w = rows.shape[1], weight_matrix(counts.shape[1], weights)
    judges = rows.sum(axis=1)
    units, twice = times.sum(), judges >= 2
    paired = float(times[twice].sum())
    if paired < 2:
        raise TooFew("Fewer than two units were judged twice.")
    seen = np.where(twice, (rows * (rows @ w - 1)).sum(axis=1), 0.0)
    seen /= np.maximum(judges * (judges - 1), 1)
    share = rows / judges[:, None]
    pi = times @ share / units
    scale = w.sum() / (q * (q - 1))
    chance = scale * float((pi * (1 - pi)).sum())
    p_a = float(times @ seen / paired)
    ac = (p_a - chance) / (1 - chance)
    own = np.where(twice, units / paired * (seen - chance) / (1 - chance), 0.0)
    own -= 2 * (1 - ac) * (scale * (share @ (1 - pi)) - chance) / (1 - chance)
    variance = float(times @ (own - ac) ** 2) / (units * (units - 1))
    name = "Gwet's AC1" if weights == "nominal" else f"Gwet's AC2, {weights} weights"
    return _with_t(ac, variance, int(units), level, f"{name}, Student t over units")


def _collapsed(counts: Ints) -> tuple[Floats, Floats]:
    """Distinct rows with a judgement, and how often each occurs."""
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts):
        raise NoVotes("No unit was judged.")
    found = collapsed(counts)
    return found.rows, found.times


def _with_t(value: float, variance: float, units: int, level: float, method: str) -> Agreement:
    error = variance**0.5
    half = float(stats.t.ppf(0.5 + check_level(level) / 2, units - 1)) * error
    return Agreement(value, error, max(-1.0, value - half), min(1.0, value + half), method, units)


def cross_table(first: Ints, second: Ints, n_values: int) -> Ints:
    """How often the first judge said i and the second j, (q, q), from (n,) codes."""
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape or first.ndim != 1:
        raise BrokenVotes("Both judges need one value for each unit.")
    if len(first) and (
        min(first.min(), second.min()) < 0 or max(first.max(), second.max()) >= n_values
    ):
        raise BrokenVotes(f"Values must be 0..{n_values - 1}.")
    at = first.astype(np.int64) * n_values + second
    return np.bincount(at, minlength=n_values**2).reshape(n_values, n_values)


def cohen_kappa(table: Ints, *, weights: Weights = "nominal", level: float = 0.95) -> Agreement:
    """Cohen's (weighted) kappa of two judges from their cross table (q, q).

    κ = (p_o − p_e)/(1 − p_e); standard error of Fleiss, Cohen & Everitt (1969), normal interval.
    Raises BrokenVotes, NoVotes; TooFew where both judges gave one and the same value only.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or bool((counts < 0).any()):
        raise BrokenVotes("A cross table is square, none of its counts negative.")
    n = float(counts.sum())
    if not n:
        raise NoVotes("No unit was judged by both.")
    p = counts / n
    w = weight_matrix(len(p), weights)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    chance = float((np.outer(rows, columns) * w).sum())
    if 1 - chance < 1e-12:
        raise TooFew("Both judges gave one value only: kappa is not defined.")
    kappa = (float((p * w).sum()) - chance) / (1 - chance)
    mean = (w @ columns)[:, None] + (rows @ w)[None, :]
    spread = float((p * (w - mean * (1 - kappa)) ** 2).sum())
    variance = max(0.0, spread - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    half = float(stats.norm.ppf(0.5 + check_level(level) / 2)) * variance**0.5
    method = "Cohen's kappa" + ("" if weights == "nominal" else f", {weights} weights")
    return Agreement(
        kappa, variance**0.5, max(-1.0, kappa - half), min(1.0, kappa + half), method, int(n)
    )


def fleiss_kappa(counts: Ints, *, level: float = 0.95) -> Agreement:
    """Fleiss' kappa from counts (units, q) with the same number of judges in each unit.

    κ = (P̄ − Σ p_k²)/(1 − Σ p_k²) (Fleiss 1971); error by jackknife over units, Student's t.
    Raises BrokenVotes where the number of judges differs, NoVotes, TooFew without variation.
    """
    found = patterns(counts)
    judges = found.rows.sum(axis=1)
    each = np.asarray(counts).sum(axis=1)
    if each.min() != each.max():
        raise BrokenVotes("Fleiss' kappa needs the same number of judges in each unit.")
    m, units = float(judges[0]), float(found.times.sum())
    share = ((found.rows**2).sum(axis=1) - m) / (m * (m - 1))
    totals, agreed = found.times @ found.rows, float(found.times @ share)
    if (totals > 0).sum() < 2:
        raise TooFew("Every judgement is the same: kappa is not defined.")

    def kappa(values: Floats, agreement: Floats, n: float) -> Floats:
        chance = ((values / (n * m)) ** 2).sum(axis=-1)
        if bool((chance >= 1 - 1e-12).any()):
            raise TooFew("All variation hangs on one unit: kappa has no interval.")
        result: Floats = (agreement / n - chance) / (1 - chance)
        return result

    point = float(kappa(totals, np.float64(agreed), units))  # type: ignore[arg-type]  # a scalar
    without = kappa(totals - found.rows, agreed - share, units - 1)
    mean = float(found.times @ without) / units
    variance = (units - 1) / units * float(found.times @ (without - mean) ** 2)
    return _with_t(point, variance, int(units), level, "Fleiss' kappa, jackknife over units")


@dataclass(frozen=True)
class SourceAgreement:
    """Two sources on the same units: share equal with its interval, and Cohen's kappa."""

    share: float
    low: float
    high: float
    kappa: Agreement
    n: int
    method: str = "Wilson over units"


def source_agreement(
    first: Ints,
    second: Ints,
    n_values: int,
    *,
    leave_out: tuple[int, ...] = (),
    level: float = 0.95,
) -> SourceAgreement:
    """Agreement of people and a machine, or of two vendors, one value each per unit (n,).

    `leave_out`: units where either source gave one of these values go (ties, both bad).
    Raises NoVotes where no unit is left, TooFew where kappa is not defined.
    """
    table = cross_table(first, second, n_values)
    kept = [v for v in range(n_values) if v not in leave_out]
    table = table[np.ix_(kept, kept)]
    n, same = int(table.sum()), int(np.trace(table))
    if not n:
        raise NoVotes("No unit is left that both sources judged.")
    low, high = wilson(same, n, level)
    return SourceAgreement(same / n, low, high, cohen_kappa(table, level=level), n)

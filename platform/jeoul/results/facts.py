"""Facts about each worker of a study, from the table of judgements, for the rules and pages."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from jeoul.analysis.agreement import left_one_out
from jeoul.analysis.counts import A_WINS, B_WINS, BOTH_BAD, TIE, order_by, repeated_cells
from jeoul.quality import rules
from jeoul.quality.rules import WorkerFacts
from jeoul.results.data import Floats, Ints, Table


@dataclass(frozen=True)
class Shown:
    """Per row: was the left answer chosen, the right one, or neither."""

    left: np.ndarray
    right: np.ndarray


def shown_choice(table: Table) -> Shown:
    """Which side won, as it was shown; rows whose sides are unknown count for neither."""
    outcome, left = table.ints("outcome"), table.ints("left")
    a, b = outcome == A_WINS, outcome == B_WINS
    return Shown(
        left=(a & (left == 1)) | (b & (left == -1)), right=(a & (left == -1)) | (b & (left == 1))
    )


def worker_facts(table: Table, reading: Floats | None = None) -> list[WorkerFacts]:
    """One record per worker code from the overall criterion's rows, gold rows included.

    ``reading``: seconds that reading takes, by the code of the output, nan where unknown.
    """
    real = table.select(table.is_kind("real"))
    if not len(table):
        return []
    seen = np.bincount(table.ints("worker"))
    workers = np.flatnonzero(seen)
    place = np.cumsum(seen > 0) - 1
    code = place[table.ints("worker")]
    n_workers = len(workers)
    real_code = place[real.ints("worker")]

    def count(mask: np.ndarray, codes: Ints = real_code) -> Ints:
        return np.bincount(codes[mask], minlength=n_workers)

    shown = shown_choice(real)
    outcome = real.ints("outcome")
    n = np.bincount(real_code, minlength=n_workers)
    ties = count((outcome == TIE) | (outcome == BOTH_BAD))
    gold_n, gold_right = _gold(table, code, n_workers)
    repeats, same, later = _repeats(real, real_code, n_workers)
    first = real.select(~later) if later.any() else real
    rated = _agreement(first, workers)
    seconds = _medians(table.floats("seconds"), code, n_workers)
    share = _medians(_reading_share(table, reading), code, n_workers)
    left, right = count(shown.left), count(shown.right)
    runs = _longest_runs(shown, real_code, n_workers)
    values = np.bincount(real_code * 4 + outcome, minlength=4 * n_workers).reshape(-1, 4)
    facts = [
        WorkerFacts(
            worker=int(pk),
            n=int(n[w]),
            median_seconds=seconds.middle[w],
            reading_share=share.middle[w],
            timed=int(seconds.n[w]),
            left=int(left[w]),
            right=int(right[w]),
            ties=int(ties[w]),
            others_tie_share=_others(int(ties.sum()), int(ties[w]), int(n.sum()), int(n[w])),
            gold_n=int(gold_n[w]),
            gold_right=int(gold_right[w]),
            **rated[w],
            seconds_low=seconds.low[w],
            seconds_high=seconds.high[w],
            longest_run=int(runs[w]),
            values=tuple(values[w].tolist()),
            repeats=int(repeats[w]),
            repeats_same=int(same[w]),
        )
        for w, pk in enumerate(workers)
    ]
    # Measured again without those whose habit shows by itself, then without those who copy: they
    # say nothing of the others.
    out = rules.habits(facts)
    facts = _without(facts, out, first, workers)
    copied = {f.worker for f in rules.copies_majority(facts)} - out
    return _without(facts, out | copied, first, workers) if copied else facts


def _without(
    facts: list[WorkerFacts], out: set[int], first: Table, workers: Ints
) -> list[WorkerFacts]:
    """The facts with agreement measured among all but some workers, who keep their own."""
    if not out:
        return facts
    again = _agreement(first.select(~np.isin(first.ints("worker"), list(out))), workers)
    kept = ("excess", "excess_error", "compared", "unanimous", "dissent", "alone")
    return [
        f if f.worker in out else replace(f, **{name: again[w][name] for name in kept})
        for w, f in enumerate(facts)
    ]


def _others(all_ties: int, ties: int, all_n: int, n: int) -> float:
    return (all_ties - ties) / (all_n - n) if all_n > n else 0.5


def _gold(table: Table, code: Ints, n_workers: int) -> tuple[Ints, Ints]:
    gold = table.is_kind("gold") & np.isfinite(table.floats("gold_sign"))
    rows = np.flatnonzero(gold)
    who, outcome = code[rows], table.ints("outcome")[rows]
    sign = np.select([outcome == A_WINS, outcome == B_WINS], [1, -1], default=0)
    right = sign == table.floats("gold_sign")[rows]
    return np.bincount(who, minlength=n_workers), np.bincount(who[right], minlength=n_workers)


def _agreement(real: Table, workers: Ints) -> list[dict[str, Any]]:
    """Agreement with the other judges of the same comparisons, as facts, for each worker."""
    nothing: dict[str, Any] = {
        "agreement": None, "agreement_n": 0, "excess": None, "excess_error": None,
        "compared": 0, "unanimous": 0, "dissent": 0, "alone": 0,
    }  # fmt: skip
    if not len(real):
        return [nothing for _ in workers]
    rated = left_one_out(real.ints("comparison"), real.ints("outcome"), real.ints("worker"))
    columns = {
        "agreement": rated.agreement, "agreement_n": rated.n, "excess": rated.excess,
        "excess_error": rated.error, "compared": rated.compared,
        "unanimous": rated.unanimous, "dissent": rated.dissent, "alone": rated.alone,
    }  # fmt: skip
    # NaN is what numpy has for "not known"; the facts say None.
    lists = {k: [None if v != v else v for v in c.tolist()] for k, c in columns.items()}
    size = len(rated.n)
    return [{k: c[w] for k, c in lists.items()} if w < size else nothing for w in workers.tolist()]


def _reading_share(table: Table, reading: Floats | None) -> np.ndarray:
    """Seconds over the reading time of both answers; nan where either is unknown."""
    if reading is None or not len(reading):
        return np.full(len(table), np.nan)
    needed = reading[table.ints("output_a")] + reading[table.ints("output_b")]
    share = np.full(len(table), np.nan)
    np.divide(table.floats("seconds"), needed, out=share, where=needed > 0)
    return share


@dataclass(frozen=True)
class Medians:
    """Per worker: the median, distribution-free 95 % bounds of it, and how many values."""

    middle: list[float | None]
    low: list[float | None]
    high: list[float | None]
    n: Ints


def _medians(values: Floats, code: Ints, n_workers: int) -> Medians:
    """From finite values that are not negative; the bounds are the order statistics between
    which a fair coin's count lies, for which six values are too few."""
    rows = np.flatnonzero(values >= 0)
    n = np.bincount(code[rows], minlength=n_workers)
    start = np.cumsum(n) - n
    # The bits of floats that are not negative sort like the floats: one sort of whole numbers
    # orders the values within all workers.
    bits = values[rows].astype(np.float32).view(np.uint32).astype(np.int64)
    key = np.sort((code[rows].astype(np.int64) << 32) | bits)
    ordered = (key & 0xFFFFFFFF).astype(np.uint32).view(np.float32).astype(np.float64)
    ordered = np.append(ordered, np.nan)
    middle = (ordered[start + (n - 1) // 2 * (n > 0)] + ordered[start + n // 2 * (n > 0)]) / 2
    rank = np.maximum(np.asarray(stats.binom.ppf(0.025, np.maximum(n, 1), 0.5)).astype(np.int64), 1)
    enough = n >= 6
    low = np.where(enough, ordered[np.where(enough, start + rank - 1, 0)], np.nan)
    high = np.where(enough, ordered[np.where(enough, start + n - rank, 0)], np.nan)
    return Medians(_known(middle, n > 0), _known(low, enough), _known(high, enough), n)


def _known(values: Floats, there: np.ndarray) -> list[float | None]:
    return [v if ok else None for v, ok in zip(values.tolist(), there.tolist(), strict=True)]


def _longest_runs(shown: Shown, code: Ints, n_workers: int) -> Ints:
    """Each worker's longest row of choices of one shown side, ties left out, in their order."""
    rows = np.flatnonzero(shown.left | shown.right)
    if not len(rows):
        return np.zeros(n_workers, dtype=np.int64)
    rows = rows[order_by(code[rows], n_workers)]
    who, side = code[rows], shown.left[rows]
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (who[1:] != who[:-1]) | (side[1:] != side[:-1])
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, len(rows)))
    longest = np.zeros(n_workers, dtype=np.int64)
    np.maximum.at(longest, who[starts], lengths)
    return longest


def _repeats(real: Table, code: Ints, n_workers: int) -> tuple[Ints, Ints, np.ndarray]:
    """How many comparisons each worker judged again, how many of these alike, and which rows.

    A second showing is no second judge: agreement leaves these rows out.
    """
    rows, cell, n_cells = repeated_cells(real.ints("comparison"), code)
    order = order_by(cell, n_cells)
    again = cell[order][1:] == cell[order][:-1]
    first, second = rows[order[:-1][again]], rows[order[1:][again]]
    later = np.zeros(len(real), dtype=bool)
    later[second] = True
    outcome = real.ints("outcome")
    alike = outcome[first] == outcome[second]
    who = code[second]
    return (
        np.bincount(who, minlength=n_workers),
        np.bincount(who[alike], minlength=n_workers),
        later,
    )

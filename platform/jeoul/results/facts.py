"""Facts about each worker of a study, from the table of judgements, for the rules and pages."""

from dataclasses import dataclass

import numpy as np

from jeoul.analysis.agreement import left_one_out
from jeoul.analysis.counts import A_WINS, B_WINS, BOTH_BAD, TIE
from jeoul.quality.rules import WorkerFacts
from jeoul.results.data import Ints, Table, reading_times


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


def worker_facts(table: Table, times: dict[int, float] | None = None) -> list[WorkerFacts]:
    """One record per worker from the overall criterion's rows, gold rows included.

    ``times``: reading seconds by output; read from the database where they are not given.
    """
    real = table.select(table.is_kind("real"))
    if not len(table):
        return []
    workers, code = np.unique(table.ints("worker"), return_inverse=True)
    n_workers = len(workers)
    real_code = np.searchsorted(workers, real.ints("worker"))

    def count(mask: np.ndarray, codes: Ints = real_code) -> Ints:
        return np.bincount(codes[mask], minlength=n_workers)

    shown = shown_choice(real)
    outcome = real.ints("outcome")
    n = np.bincount(real_code, minlength=n_workers)
    ties = count((outcome == TIE) | (outcome == BOTH_BAD))
    gold_n, gold_right = _gold(table, code, n_workers)
    agreement = _agreement(real, workers)
    seconds = _by_worker(table.floats("seconds"), code, n_workers)
    share = _by_worker(_reading_share(table, times), code, n_workers)
    left, right = count(shown.left), count(shown.right)
    return [
        WorkerFacts(
            worker=int(pk),
            n=int(n[w]),
            median_seconds=_median(seconds[w]),
            reading_share=_median(share[w]),
            timed=len(seconds[w]),
            left=int(left[w]),
            right=int(right[w]),
            ties=int(ties[w]),
            others_tie_share=_others(int(ties.sum()), int(ties[w]), int(n.sum()), int(n[w])),
            gold_n=int(gold_n[w]),
            gold_right=int(gold_right[w]),
            agreement=agreement.get(int(pk), (None, 0))[0],
            agreement_n=agreement.get(int(pk), (None, 0))[1],
        )
        for w, pk in enumerate(workers)
    ]


def _others(all_ties: int, ties: int, all_n: int, n: int) -> float:
    return (all_ties - ties) / (all_n - n) if all_n > n else 0.5


def _gold(table: Table, code: Ints, n_workers: int) -> tuple[Ints, Ints]:
    gold = table.is_kind("gold") & np.isfinite(table.floats("gold_sign"))
    outcome = table.ints("outcome")
    sign = np.select([outcome == A_WINS, outcome == B_WINS], [1, -1], default=0)
    right = gold & (sign == np.nan_to_num(table.floats("gold_sign"), nan=9))
    return (
        np.bincount(code[gold], minlength=n_workers),
        np.bincount(code[right], minlength=n_workers),
    )


def _agreement(real: Table, workers: Ints) -> dict[int, tuple[float | None, int]]:
    """Share of agreement with the other judges of the same comparisons, by worker."""
    if not len(real):
        return {}
    _, unit = np.unique(real.ints("comparison"), return_inverse=True)
    code = np.searchsorted(workers, real.ints("worker"))
    rated = left_one_out(unit, real.ints("outcome"), code)
    return {
        int(workers[w]): (float(share) if np.isfinite(share) else None, int(n))
        for w, (share, n) in enumerate(zip(rated.agreement, rated.n, strict=True))
        if n
    }


def _reading_share(table: Table, times: dict[int, float] | None) -> np.ndarray:
    """Seconds over the reading time of both answers; nan where either is unknown."""
    times = reading_times(table) if times is None else times
    if not times:
        return np.full(len(table), np.nan)
    known = np.array(sorted(times), dtype=np.int64)
    cost = np.array([times[int(pk)] for pk in known])

    def lookup(name: str) -> np.ndarray:
        at = np.clip(np.searchsorted(known, table.ints(name)), 0, len(known) - 1)
        return np.where(known[at] == table.ints(name), cost[at], np.nan)

    needed = lookup("output_a") + lookup("output_b")
    needed[~(needed > 0)] = np.nan
    return np.asarray(table.floats("seconds") / needed)


def _by_worker(values: np.ndarray, code: Ints, n_workers: int) -> list[np.ndarray]:
    """The finite values of each worker."""
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=n_workers))[:-1]
    return [part[np.isfinite(part)] for part in np.split(values[order], ends)]


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None

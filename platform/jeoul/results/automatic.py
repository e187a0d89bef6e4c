"""Ties that nobody was asked about: both answers are the same, and the study counts that so.

They stand in the win rates and rankings as the judgements that were planned for them, each of
them a tie, shared out among the people who judged the rest: what asking them would have given.
Agreement, reliability and pay are about what people did, and never see these rows.
"""

from typing import Any

import numpy as np

from jeoul.analysis.counts import TIE
from jeoul.results.data import TIE_COLUMNS, Table


def with_ties(rows: Table, ties: Table, each: int) -> Table:
    """One criterion's rows and, after them, ``each`` tie for every comparison of ``ties``.

    Without a judge of the rest there is nobody to share them out among, and nothing is added.
    """
    n = len(ties) * each
    if not n or not len(rows):
        return rows
    judges = np.unique(rows.ints("worker"))
    repeated = {name: np.repeat(ties.ints(name), each) for name in ("comparison", *TIE_COLUMNS)}
    graded = bool(np.isfinite(rows.floats("grade")).any())
    added: dict[str, Any] = repeated | {
        "worker": judges[np.arange(n) % len(judges)],
        "outcome": np.full(n, TIE),
        "grade": np.full(n, 0.0 if graded else np.nan),
        "left": np.zeros(n),
        "seconds": np.full(n, np.nan),
        "gold_sign": np.full(n, np.nan),
        "judgement": np.full(n, -1),
    }
    return Table(
        {
            name: np.concatenate([column, added.get(name, np.zeros(n)).astype(column.dtype)])
            for name, column in rows.columns.items()
            if name != "criterion"
        }
        | {"criterion": np.full(len(rows) + n, rows.ints("criterion")[0])}
    )


def count_pairs(ties: Table, each: int) -> dict[frozenset[int], int]:
    """How many of a pair's ties are automatic, by the pair's codes."""
    found: dict[frozenset[int], int] = {}
    for a, b in zip(ties.ints("system_a").tolist(), ties.ints("system_b").tolist(), strict=True):
        found[frozenset((a, b))] = found.get(frozenset((a, b)), 0) + each
    return found

"""Published tables of judges, as counts of values per unit."""

import numpy as np
from jeoul.analysis.agreement import value_counts


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

"""Published tables, and votes made from them."""

import numpy as np
from jeoul.analysis.counts import A_WINS, B_WINS, TIE, Votes

CITATIONS = np.array([[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]])

# Agresti (2002), Table 10.10: American League East 1987, rows beat columns.
BASEBALL = np.array(
    [
        [0, 1, 7, 4, 2, 3, 1],
        [12, 0, 7, 2, 6, 7, 6],
        [6, 6, 0, 4, 4, 6, 5],
        [9, 11, 9, 0, 6, 5, 7],
        [11, 7, 9, 7, 0, 7, 9],
        [10, 6, 7, 8, 6, 0, 6],
        [12, 7, 8, 6, 4, 7, 0],
    ]
)
TEAMS = ("Baltimore", "Boston", "Cleveland", "Detroit", "Milwaukee", "New York", "Toronto")
# BradleyTerry2's `baseball`: home team, away team, home wins, away wins.
HOME = [
    ("Milwaukee", "Detroit", 4, 3), ("Milwaukee", "Toronto", 4, 2),
    ("Milwaukee", "New York", 4, 3), ("Milwaukee", "Boston", 6, 1),
    ("Milwaukee", "Cleveland", 4, 2), ("Milwaukee", "Baltimore", 6, 0),
    ("Detroit", "Milwaukee", 3, 3), ("Detroit", "Toronto", 4, 2), ("Detroit", "New York", 4, 3),
    ("Detroit", "Boston", 6, 0), ("Detroit", "Cleveland", 6, 1), ("Detroit", "Baltimore", 4, 3),
    ("Toronto", "Milwaukee", 2, 5), ("Toronto", "Detroit", 4, 3), ("Toronto", "New York", 2, 4),
    ("Toronto", "Boston", 4, 3), ("Toronto", "Cleveland", 4, 2), ("Toronto", "Baltimore", 6, 0),
    ("New York", "Milwaukee", 3, 3), ("New York", "Detroit", 5, 1), ("New York", "Toronto", 2, 5),
    ("New York", "Boston", 4, 3), ("New York", "Cleveland", 4, 2), ("New York", "Baltimore", 6, 1),
    ("Boston", "Milwaukee", 5, 1), ("Boston", "Detroit", 2, 5), ("Boston", "Toronto", 3, 3),
    ("Boston", "New York", 4, 2), ("Boston", "Cleveland", 5, 2), ("Boston", "Baltimore", 6, 0),
    ("Cleveland", "Milwaukee", 2, 5), ("Cleveland", "Detroit", 3, 3),
    ("Cleveland", "Toronto", 3, 4), ("Cleveland", "New York", 4, 3),
    ("Cleveland", "Boston", 4, 2), ("Cleveland", "Baltimore", 2, 4),
    ("Baltimore", "Milwaukee", 2, 5), ("Baltimore", "Detroit", 1, 5),
    ("Baltimore", "Toronto", 1, 6), ("Baltimore", "New York", 2, 4),
    ("Baltimore", "Boston", 1, 6), ("Baltimore", "Cleveland", 3, 4),
]  # fmt: skip

# Davidson (1970): i, j, i wins, j wins, ties.
PUDDINGS = [
    (1, 2, 19, 22, 16), (1, 3, 16, 19, 12), (2, 3, 19, 19, 10), (1, 4, 18, 23, 13),
    (2, 4, 23, 19, 9), (3, 4, 19, 20, 15), (1, 5, 13, 19, 18), (2, 5, 16, 20, 12),
    (3, 5, 16, 15, 17), (4, 5, 17, 14, 16), (1, 6, 18, 21, 12), (2, 6, 22, 20, 12),
    (3, 6, 13, 18, 10), (4, 6, 14, 19, 18), (5, 6, 11, 21, 12),
]  # fmt: skip


def repeated(rows: list[tuple[int, int, int, int]], n_systems: int, left: int = 0) -> Votes:
    """Votes from (a, b, outcome, how often), each its own prompt and worker."""
    a, b, outcome = (np.repeat([r[i] for r in rows], [r[3] for r in rows]) for i in range(3))
    n = len(a)
    sides = np.full(n, left, dtype=np.int8)
    return Votes(a, b, outcome, np.arange(n), np.arange(n), sides, np.full(n, np.nan), n_systems)


def baseball_at_home() -> Votes:
    """The home team is A and stands left."""
    rows = []
    for home, away, won, lost in HOME:
        pair = TEAMS.index(home), TEAMS.index(away)
        rows += [(*pair, A_WINS, won), (*pair, B_WINS, lost)]
    return repeated(rows, 7, left=1)


def puddings() -> Votes:
    rows = []
    for i, j, won, lost, tied in PUDDINGS:
        rows += [(i - 1, j - 1, A_WINS, won), (i - 1, j - 1, B_WINS, lost)]
        rows += [(i - 1, j - 1, TIE, tied)]
    return repeated(rows, 6)


def random_votes(
    seed: int,
    *,
    n: int = 600,
    n_systems: int = 5,
    prompts: int = 40,
    workers: int = 20,
    ties: float = 0.2,
    position: float = 0.0,
) -> Votes:
    """Votes from a Bradley-Terry truth, scores evenly spaced over two logits."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, n_systems, n)
    b = (a + rng.integers(1, n_systems, n)) % n_systems
    truth = np.linspace(-1, 1, n_systems)
    left = rng.choice(np.array([-1, 1], dtype=np.int8), n)
    p = 1 / (1 + np.exp(truth[b] - truth[a] - position * left))
    outcome = np.where(rng.random(n) < ties, TIE, np.where(rng.random(n) < p, A_WINS, B_WINS))
    return Votes(
        a,
        b,
        outcome,
        rng.integers(0, prompts, n),
        rng.integers(0, workers, n),
        left,
        np.full(n, np.nan),
        n_systems,
    )


def with_parts(votes, **parts):
    fields = {f: getattr(votes, f) for f in Votes.__dataclass_fields__}
    return Votes(**(fields | parts))


def clustered_votes(rng, n, prompts, workers, k=5):
    """Prompt- and worker-specific system effects around evenly spaced scores."""
    a = rng.integers(0, k, n)
    b = (a + rng.integers(1, k, n)) % k
    p, w = rng.integers(0, prompts, n), rng.integers(0, workers, n)
    skill = np.linspace(-1, 1, k) + rng.normal(0, 0.5, (prompts, k))[p]
    skill += rng.normal(0, 0.4, (workers, k))[w]
    rows = np.arange(n)
    chance = 1 / (1 + np.exp(skill[rows, b] - skill[rows, a]))
    outcome = np.where(rng.random(n) < chance, A_WINS, B_WINS)
    return Votes(a, b, outcome, p, w, np.zeros(n, np.int8), np.full(n, np.nan), k)


def difference_errors(covariance):
    own = np.diag(covariance)
    return np.sqrt(own[1:] + own[0] - 2 * covariance[0, 1:])


def worths(scores):
    return np.exp(scores) / np.exp(scores).sum()

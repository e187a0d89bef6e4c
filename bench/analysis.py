"""Ours beside arena-rank, evalica, FastChat's method, choix and others. `make bench-analysis`.

    python bench/analysis.py [--quick] [--docs] [--seconds 540]

The peers live in two environments under bench/out, made at the first run and outside the
product's dependencies. Every task, ours too, runs in a process of its own on the same file:
medians of several runs, growth of the peak memory, and the largest difference of the results.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from jeoul.analysis.counts import A_WINS, B_WINS, TIE, Votes, outcome_counts, win_matrix
from scipy import special
from tables import OUT, Row, arguments, part, publish

CROWD = "ours: Crowd-BT, 10 × 10,000 votes × 100 workers"
HERE = Path(__file__).resolve().parent
PEERS = OUT / "peers" / "bin" / "python"
IRRCAC = OUT / "peers-irrcac" / "bin" / "python"
# irrCAC pins a scipy that no other package here can live with.
NEEDS = {
    PEERS: ("arena-rank", "evalica", "choix", "crowd-kit", "krippendorff", "scipy"),
    IRRCAC: ("irrCAC",),
}

# As the product runs, see its settings.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


class Clock:
    """What is left of the time; a task that would not fit is left out and says so."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        # One peer that does not end must not take the time of the others.
        self.most = seconds / 3

    @property
    def left(self) -> float:
        return self.end - time.monotonic()


def environments() -> None:
    for python, packages in NEEDS.items():
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)


def timed(
    python: Path | str, script: str, task: str, data: Path, repeats: int, clock: Clock
) -> Row:
    """The median and the memory of one task, or why there is none."""
    if clock.left < 5:
        return {"ms": None, "why": "no time left"}
    command = [str(python), str(HERE / script), task, str(data), str(repeats)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=min(clock.left, clock.most),
            env=os.environ | ONE_THREAD,
        )
    except subprocess.TimeoutExpired:
        return {"ms": None, "why": "did not end in time"}
    if done.returncode:
        return {"ms": None, "why": (done.stderr.strip().splitlines() or ["failed"])[-1][:80]}
    found = json.loads(done.stdout.splitlines()[-1])
    result = np.load(str(data).replace(".npz", f".{task}.npy"))
    return {"ms": float(np.median(found["ms"])), "mb": found["mb"], "result": result}


def made_votes(n: int, k: int, seed: int = 0) -> Path:
    """Votes with a fifth ties, prompts and workers, in the narrow integers that storage has."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, k, n)
    b = (a + rng.integers(1, k, n)) % k
    truth = np.linspace(-1, 1, k)
    p = special.expit(truth[a] - truth[b])
    outcome = np.where(rng.random(n) < 0.2, TIE, np.where(rng.random(n) < p, A_WINS, B_WINS))
    columns = {"a": a, "b": b, "outcome": outcome, "prompt": rng.integers(0, max(50, n // 100), n),
               "worker": rng.integers(0, max(100, n // 1000), n)}  # fmt: skip
    columns = {name: c.astype(np.int32) for name, c in columns.items()}
    votes = Votes(*columns.values(), np.zeros(n, np.int8), np.full(n, np.nan), k)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"votes-{k}-{n}.npz"
    np.savez(path, **columns, k=k, wins=win_matrix(outcome_counts(votes)))
    return path


def compared(
    tasks: list[tuple[str, Path | str, str, str, int]], data: Path, clock: Clock, *, base: str
) -> list[Row]:
    """One row per (name, python, script, task, repeats); ratios to `base`."""
    rows, first, slot = [], None, {}
    for name, python, script, task, repeats in tasks:
        found = timed(python, script, task, data, repeats, clock)
        slot[name] = found
        row: Row = {"what": name, "ms": found["ms"], "× ours": None, "MB more": found.get("mb"),
                    "largest difference": None}  # fmt: skip
        if found["ms"] is None:
            row["what"] = f"{name}: {found['why']}"
        elif name == base:
            first = found["result"]
        elif first is not None and script == "peers.py":
            row["largest difference"] = difference(first, found["result"])
        rows.append(row)
    ours = slot[base]["ms"]
    for row in rows:
        if ours and row["ms"]:
            row["× ours"] = row["ms"] / ours
    return rows


def difference(ours: np.ndarray, theirs: np.ndarray) -> float | str:
    if ours.shape != theirs.shape:
        return "–"
    if ours.size > 1:
        ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    return float(np.abs(ours - theirs).max())


def ranking(n: int, k: int, repeats: int, clock: Clock) -> list[Row]:
    me = sys.executable
    tasks: list[tuple[str, Path | str, str, str, int]] = [
        ("ours: counts, scores, sandwich intervals, ranks", me, "ours.py", "sandwich", repeats),
        ("ours: counts and scores", me, "ours.py", "point", repeats),
        ("ours: clustered by worker", me, "ours.py", "by_worker", repeats),
        ("ours: two-way by prompt and worker", me, "ours.py", "two_way", repeats),
        ("ours: Davidson", me, "ours.py", "davidson", repeats),
        ("ours: bootstrap of 100", me, "ours.py", "bootstrap_100", 3 if n < 10**6 else 1),
        ("choix, point, from the ready matrix", PEERS, "peers.py", "choix_point", repeats),
        ("evalica, point", PEERS, "peers.py", "evalica_point", 3),
        ("FastChat's method, point", PEERS, "peers.py", "fastchat_point", 3 if n < 10**6 else 1),
        ("arena-rank, sandwich intervals", PEERS, "peers.py", "arena_rank", 3 if n < 10**6 else 1),
        ("FastChat's method, bootstrap of 100", PEERS, "peers.py", "fastchat_bootstrap", 1),
    ]
    return compared(tasks, made_votes(n, k), clock, base=tasks[0][0])


def agreement(units: int, repeats: int, clock: Clock) -> list[Row]:
    rng = np.random.default_rng(1)
    path = OUT / f"units-{units}.npz"
    np.savez(path, unit=np.repeat(np.arange(units, dtype=np.int32), 3),
             value=rng.integers(0, 5, 3 * units).astype(np.int32),
             worker=rng.integers(0, units // 300 + 5, 3 * units).astype(np.int32))  # fmt: skip
    me = sys.executable
    alpha = compared([
        ("ours: ordinal alpha with jackknife interval", me, "ours.py", "alpha", repeats),
        ("ours: the same, 1,000 resamples", me, "ours.py", "alpha_resampled", repeats),
        ("krippendorff, point, dense matrix", PEERS, "peers.py", "krippendorff_dense", 3),
    ], path, clock, base="ours: ordinal alpha with jackknife interval")  # fmt: skip
    ac1 = compared([
        ("ours: AC1 with standard error", me, "ours.py", "ac1", repeats),
        ("irrCAC: AC1 with standard error", IRRCAC, "peers.py", "irrcac_ac1", 1),
    ], path, clock, base="ours: AC1 with standard error")  # fmt: skip
    return alpha + ac1


def weighing(units: int, repeats: int, clock: Clock) -> list[Row]:
    rng = np.random.default_rng(2)
    workers = 200
    unit = np.repeat(np.arange(units), 5)
    worker = (rng.integers(0, workers, units)[:, None] + np.arange(5) * 7).ravel() % workers
    truth = rng.integers(0, 3, units)[unit]
    right = rng.random(len(unit)) < rng.uniform(0.5, 0.95, workers)[worker]
    value = np.where(right, truth, rng.integers(0, 3, len(unit)))
    path = OUT / f"labels-{len(unit)}.npz"
    np.savez(path, unit=unit, worker=worker, value=value)
    me = sys.executable
    rows = compared([
        ("ours: Dawid–Skene", me, "ours.py", "weigh_dawid_skene", repeats),
        ("crowd-kit: Dawid–Skene", PEERS, "peers.py", "crowdkit_dawid_skene", 1),
    ], path, clock, base="ours: Dawid–Skene")  # fmt: skip
    rows += compared([
        ("ours: MACE, 10 restarts", me, "ours.py", "weigh_mace", repeats),
        ("crowd-kit: MACE, 10 × 50", PEERS, "peers.py", "crowdkit_mace", 1),
    ], path, clock, base="ours: MACE, 10 restarts")  # fmt: skip
    for row in rows:
        # Labels have no distance: what differs is a share, in the tests' realm.
        row["largest difference"] = None
    rows += compared([
        (CROWD, me, "ours.py", "crowd_ranking", repeats),
        ("crowd-kit: noisy Bradley–Terry (another model)", PEERS, "peers.py",
         "crowdkit_noisy_bt", 1),
    ], made_votes(10_000, 10), clock, base=CROWD)  # fmt: skip
    rows[-1]["largest difference"] = None
    return rows


def main() -> None:
    asked = arguments(__doc__)
    environments()
    repeats = 3 if asked.quick else 7
    sizes = [(10_000, 10), (100_000, 50)] + ([] if asked.quick else [(2_000_000, 200)])
    large, small = asked.seconds / 4, asked.seconds / 8
    parts = [part(f"{k} systems × {n:,} votes",
                  lambda n=n, k=k: ranking(n, k, repeats, Clock(large)))
             for n, k in sizes]  # fmt: skip
    units = 100_000 if asked.quick else 1_000_000
    parts.append(
        part(
            f"Agreement, {units:,} units × 3",
            lambda: agreement(units, repeats, Clock(small)),
        )
    )
    labels = 4_000 if asked.quick else 20_000
    parts.append(part(f"Weighing workers, {5 * labels:,} labels",
                      lambda: weighing(labels, repeats, Clock(small))))  # fmt: skip
    publish("analysis", parts, docs=asked.docs, note="`make bench-analysis`: ")


if __name__ == "__main__":
    main()

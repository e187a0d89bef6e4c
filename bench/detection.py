"""How many planted bad workers the screening rules find, and how many honest ones they hit.

`make bench-detection` prints the tables of docs/statistics.md and writes bench/out/detection.json.
Everything from the table of judgements on is the product's own code; only the rows are made up.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import django
import numpy as np

os.environ.setdefault("DATABASE_URL", "postgresql://none@localhost/none")
os.environ.setdefault("REDIS_URL", "redis://localhost")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
django.setup()

from jeoul.quality import rules  # noqa: E402
from jeoul.results.data import Table  # noqa: E402
from jeoul.results.facts import worker_facts  # noqa: E402

OUT = Path(__file__).resolve().parent / "out" / "detection.json"
WORKERS = 40
SYSTEMS = 6
JUDGES = 3
KINDS = ("random", "one side", "always tie", "too fast", "copies the majority late", "contrary")
SHARES = (0.05, 0.10, 0.30)
A, B, TIE = 0, 1, 2
READING = 40.0  # seconds that both answers take at the average rate, on average


@dataclass
class Room:
    """One simulated study: who judged what, and what an honest judge would have said."""

    rng: np.random.Generator
    comparison: np.ndarray
    worker: np.ndarray
    a: np.ndarray
    b: np.ndarray
    left: np.ndarray
    outcome: np.ndarray
    seconds: np.ndarray
    needed: np.ndarray
    gold_sign: np.ndarray


@dataclass
class Score:
    """Counts over all seeds of one setting."""

    planted: int = 0
    found: int = 0
    honest: int = 0
    hit: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    honest_by_rule: Counter[str] = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        return self.found / self.planted if self.planted else float("nan")

    @property
    def precision(self) -> float | None:
        flagged = self.found + self.hit
        return self.found / flagged if flagged else None


def room(seed: int, each: int, gold_each: int) -> Room:
    """Honest workers who differ in noise, taste for ties, side and speed.

    Tuned to published crowds: two judges agree in about 55 to 60 %, alpha about 0.3.
    """
    rng = np.random.default_rng(seed)
    items = WORKERS * each // JUDGES
    theta = rng.normal(0, 0.8, SYSTEMS)
    a = rng.integers(SYSTEMS, size=items)
    b = (a + rng.integers(1, SYSTEMS, size=items)) % SYSTEMS
    gap = theta[a] - theta[b] + rng.normal(0, 1.2, items)
    # Seats dealt so that each comparison has JUDGES different workers.
    seats = np.concatenate([(np.arange(items) * JUDGES + j) % WORKERS for j in range(JUDGES)])
    comparison = np.tile(np.arange(items), JUDGES)
    turn = rng.permutation(WORKERS)
    worker = turn[seats]
    gold = np.repeat(np.arange(gold_each), WORKERS)
    comparison = np.concatenate([comparison, items + gold])
    worker = np.concatenate([worker, np.tile(np.arange(WORKERS), gold_each)])
    # Known answers are plain to see: four logits.
    sign = rng.choice([-1.0, 1.0], gold_each)
    gap = np.concatenate([gap, 4 * sign])
    a = np.concatenate([a, np.zeros(gold_each, int)])
    b = np.concatenate([b, np.ones(gold_each, int)])
    order = rng.permutation(len(worker))
    comparison, worker = comparison[order], worker[order]
    n = len(worker)
    noise = rng.lognormal(np.log(0.8), 0.3, WORKERS)
    threshold = rng.lognormal(np.log(0.45), 0.4, WORKERS)
    lean = rng.normal(0, 0.15, WORKERS)
    left = rng.choice([-1, 1], n)
    felt = gap[comparison] + lean[worker] * left + noise[worker] * rng.logistic(size=n)
    outcome = np.where(np.abs(felt) < threshold[worker], TIE, np.where(felt > 0, A, B))
    needed = rng.lognormal(np.log(READING), 0.3, len(gap))[comparison]
    pace = rng.lognormal(np.log(1.1), 0.35, WORKERS)
    seconds = needed * pace[worker] * rng.lognormal(0, 0.4, n)
    known = np.concatenate([np.full(items, np.nan), sign])[comparison]
    return Room(rng, comparison, worker, a[comparison], b[comparison], left, outcome, seconds,
                needed, known)  # fmt: skip


def plant(study: Room, kind: str, who: np.ndarray) -> None:
    """Overwrite what these workers said."""
    at = np.flatnonzero(np.isin(study.worker, who))
    rng, n = study.rng, len(at)
    said = study.outcome[at]
    if kind == "random":
        study.outcome[at] = rng.choice([A, B, TIE], n, p=[0.4, 0.4, 0.2])
    elif kind == "one side":
        wanted = np.where(study.left[at] == 1, A, B)
        study.outcome[at] = np.where(rng.random(n) < 0.95, wanted, said)
    elif kind == "always tie":
        study.outcome[at] = np.where(rng.random(n) < 0.95, TIE, said)
    elif kind == "too fast":
        # A glance is worth something: half of the answers are honest, half are anything.
        study.outcome[at] = np.where(rng.random(n) < 0.5, said, rng.choice([A, B, TIE], n))
        study.seconds[at] = rng.lognormal(np.log(6.0), 0.4, n)
    elif kind == "contrary":
        study.outcome[at] = np.select([said == A, said == B], [B, A], default=TIE)
    elif kind == "copies the majority late":
        counts = np.zeros((study.comparison.max() + 1, 3), int)
        np.add.at(counts, (study.comparison, study.outcome), 1)
        for row in at.tolist():
            others = counts[study.comparison[row]].copy()
            others[study.outcome[row]] -= 1
            best = np.flatnonzero(others == others.max())
            study.outcome[row] = rng.choice(best)


def table_of(study: Room) -> tuple[Table, np.ndarray]:
    """The rows as the database would give them, and the reading time of each output."""
    n = len(study.worker)
    # Each comparison has outputs of its own; both take half of the time that is needed.
    output = 2 * study.comparison
    times = np.full(int(output.max()) + 2, np.nan)
    times[output] = times[output + 1] = study.needed / 2
    gold = np.isfinite(study.gold_sign)
    return Table(
        {
            "criterion": np.ones(n, np.int64),
            "judgement": np.arange(n),
            "comparison": study.comparison,
            "kind": gold.astype(np.int8),
            "gold_sign": study.gold_sign,
            "prompt": study.comparison,
            "worker": study.worker,
            "system_a": study.a,
            "system_b": study.b,
            "output_a": output,
            "output_b": output + 1,
            "outcome": study.outcome,
            "grade": np.full(n, np.nan),
            "left": study.left,
            "seconds": study.seconds,
        }
    ), times


def run(kind: str, share: float, seeds: range, each: int, gold_each: int) -> Score:
    """All seeds of one setting."""
    score = Score()
    for seed in seeds:
        study = room(seed, each, gold_each)
        bad = study.rng.choice(WORKERS, round(share * WORKERS), replace=False)
        plant(study, kind, bad)
        table, times = table_of(study)
        found = rules.findings(worker_facts(table, times))
        planted = set(bad.tolist())
        flagged = {f.worker for f in found}
        score.planted += len(planted)
        score.found += len(flagged & planted)
        score.honest += WORKERS - len(planted)
        score.hit += len(flagged - planted)
        score.by_rule.update(f.rule for f in found if f.worker in planted)
        score.honest_by_rule.update(f.rule for f in found if f.worker not in planted)
    return score


def percent(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{100 * value:.0f}"


def rows_by_share(seeds: range, each: int, gold_each: int) -> list[dict[str, object]]:
    found = []
    for kind in KINDS:
        for share in SHARES:
            score = run(kind, share, seeds, each, gold_each)
            found.append(
                asdict(score)
                | {"kind": kind, "share": share, "each": each, "gold_each": gold_each,
                   "precision": score.precision, "recall": score.recall}
            )  # fmt: skip
    return found


def show(
    title: str, rows: list[dict[str, object]], key: str, name: Callable[[object], str]
) -> None:
    """One line per kind: precision / recall in per cent under each value of `key`."""
    heads = sorted({row[key] for row in rows}, key=float)  # type: ignore[arg-type]
    print(f"\n| {title}: precision / recall, % | " + " | ".join(map(name, heads)) + " |")
    print("|---" * (len(heads) + 1) + "|")
    for kind in KINDS:
        cells = {
            row[key]: f"{percent(row['precision'])} / {percent(row['recall'])}"  # type: ignore[arg-type]
            for row in rows
            if row["kind"] == kind
        }
        print(f"| {kind} | " + " | ".join(cells[h] for h in heads) + " |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=50)
    count = parser.parse_args().seeds
    seeds = range(count)
    began = time.perf_counter()
    main_rows = rows_by_share(seeds, 60, 6)
    no_gold = rows_by_share(seeds, 60, 0)
    by_size = []
    for each in (30, 60, 120):
        for kind in KINDS:
            score = run(kind, 0.10, seeds, each, 0)
            by_size.append({"kind": kind, "each": each, "precision": score.precision,
                            "recall": score.recall} | asdict(score))  # fmt: skip
    honest = {each: run("none", 0.0, seeds, each, 6) for each in (30, 60, 120)}
    show("60 judgements and 6 gold each", main_rows, "share", lambda s: f"{s:.0%} planted")
    show("60 judgements, no gold", no_gold, "share", lambda s: f"{s:.0%} planted")
    show("10 % planted, no gold", by_size, "each", lambda e: f"{e} judgements")
    print("\nHonest workers only:")
    for each, score in honest.items():
        print(f"  {each} judgements each: {score.hit} of {score.honest} flagged,",
              dict(score.honest_by_rule))  # fmt: skip
    print("\nRules that found the planted (10 %, 60 judgements, 6 gold):")
    for row in main_rows:
        if row["share"] == 0.10:
            print(f"  {row['kind']}: {dict(row['by_rule'])}; honest: {dict(row['honest_by_rule'])}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(
        json.dumps(
            {
                "rules": rules.VERSION,
                "seeds": count,
                "workers": WORKERS,
                "judges": JUDGES,
                "seconds": round(time.perf_counter() - began, 1),
                "by_share": main_rows,
                "without_gold": no_gold,
                "by_size": by_size,
                "honest_only": {str(k): asdict(v) for k, v in honest.items()},
            },
            indent=1,
        )
    )
    print(f"\n{OUT}")


if __name__ == "__main__":
    main()

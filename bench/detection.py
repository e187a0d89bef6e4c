"""How many planted bad workers the screening rules find, and how many honest ones they hit.

    python bench/detection.py [--quick] [--docs] [--seconds 540]

Everything from the table of judgements on is the product's own code; only the rows are made up.
"""

import os
from collections import Counter
from dataclasses import dataclass, field

import django
import numpy as np

os.environ.setdefault("DATABASE_URL", "postgresql://none@localhost/none")
os.environ.setdefault("REDIS_URL", "redis://localhost")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
django.setup()

from jeoul.analysis.aggregation import Labels, dawid_skene  # noqa: E402
from jeoul.analysis.errors import AnalysisError  # noqa: E402
from jeoul.analysis.intervals import wilson  # noqa: E402
from jeoul.quality import rules  # noqa: E402
from jeoul.results.data import Table  # noqa: E402
from jeoul.results.facts import worker_facts  # noqa: E402
from jeoul.results.sections.crowd import with_reliability  # noqa: E402
from tables import Budget, Row, arguments, publish  # noqa: E402

WORKERS = 40
SYSTEMS = 6
JUDGES = 3
SPAMMERS = ("random", "one side", "always tie", "too fast", "copies the majority late", "contrary")
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


def trusted(table: Table) -> dict[int, dict[str, float]]:
    """Reliability by Dawid and Skene's model, as results has it."""
    real = table.select(table.is_kind("real"))
    try:
        found = dawid_skene(Labels(*(real.ints(c) for c in ("comparison", "worker", "outcome")), 4))
    except AnalysisError:
        return {}
    n = np.bincount(real.ints("worker"))
    columns = zip(found.reliability.tolist(), found.high.tolist(), n.tolist(), strict=True)
    return {w: dict(zip(("estimate", "high", "n"), row, strict=True))
            for w, row in enumerate(columns) if row[2]}  # fmt: skip


def run(kind: str, share: float, seeds: range, each: int, gold_each: int) -> Score:
    """All seeds of one setting."""
    score = Score()
    for seed in seeds:
        study = room(seed, each, gold_each)
        bad = study.rng.choice(WORKERS, round(share * WORKERS), replace=False)
        plant(study, kind, bad)
        table, reading = table_of(study)
        facts = with_reliability(worker_facts(table, reading), trusted(table))
        found = rules.findings(facts)
        planted = set(bad.tolist())
        flagged = {f.worker for f in found}
        score.planted += len(planted)
        score.found += len(flagged & planted)
        score.honest += WORKERS - len(planted)
        score.hit += len(flagged - planted)
        score.by_rule.update(f.rule for f in found if f.worker in planted)
        score.honest_by_rule.update(f.rule for f in found if f.worker not in planted)
    return score


def cell(score: Score) -> str:
    """Precision / recall in per cent, with the 95 % interval of the recall."""
    if not score.planted:
        return "–"
    low, high = wilson(score.found, score.planted)
    precision = "–" if score.precision is None else f"{100 * score.precision:.0f}"
    return f"{precision} / {100 * score.recall:.0f} ({100 * low:.0f}–{100 * high:.0f})"


class Runs:
    """Every setting in turn, seed by seed, until the seeds or the time are used."""

    def __init__(self, seeds: int, seconds: float) -> None:
        settings = [(k, s, 60, g) for k in SPAMMERS for s in SHARES for g in (6, 0)]
        settings += [(k, 0.10, each, 0) for k in SPAMMERS for each in (30, 120)]
        settings += [("none", 0.0, each, 6) for each in (30, 60, 120)]
        self.found = {setting: Score() for setting in settings}
        self.seeds = 0
        for seed in Budget(seconds, 1).runs(seeds, least=2):
            for setting, score in self.found.items():
                one = run(setting[0], setting[1], range(seed, seed + 1), *setting[2:])
                for name in ("planted", "found", "honest", "hit"):
                    setattr(score, name, getattr(score, name) + getattr(one, name))
                score.by_rule.update(one.by_rule)
                score.honest_by_rule.update(one.honest_by_rule)
            self.seeds += 1

    def by_share(self, gold: int) -> list[Row]:
        return [{"kind": kind, **{f"{s:.0%} planted": cell(self.found[kind, s, 60, gold])
                                  for s in SHARES}} for kind in SPAMMERS]  # fmt: skip

    def by_size(self) -> list[Row]:
        return [{"kind": kind, **{f"{n} judgements": cell(self.found[kind, 0.10, n, 0])
                                  for n in (30, 60, 120)}} for kind in SPAMMERS]  # fmt: skip

    def honest(self) -> list[Row]:
        found = []
        for each in (30, 60, 120):
            score = self.found["none", 0.0, each, 6]
            rules_hit = ", ".join(f"{r} {n}" for r, n in score.honest_by_rule.most_common())
            found.append({"judgements each": each, "honest workers": score.honest,
                          "flagged": score.hit, "%": 100 * score.hit / max(score.honest, 1),
                          "by": rules_hit or "–"})  # fmt: skip
        return found

    def by_rule(self) -> list[Row]:
        """Which rules saw each kind: share of the planted, 10 %, 60 judgements, 6 gold."""
        found = []
        for kind in SPAMMERS:
            score = self.found[kind, 0.10, 60, 6]
            said = ", ".join(f"{rule} {100 * n / max(score.planted, 1):.0f}"
                             for rule, n in score.by_rule.most_common())  # fmt: skip
            found.append({"kind": kind, "seen by, % of the planted": said or "–"})
        return found


def main() -> None:
    asked = arguments(__doc__)
    made = Runs(3 if asked.quick else 60, asked.seconds)
    setting = (
        f"{made.seeds} studies of {WORKERS} workers, {JUDGES} judges each, rules {rules.VERSION}"
    )
    tables = [
        ("Precision / recall (95 % interval of the recall), %: 60 judgements, 6 known answers each",
         made.by_share(6)),
        ("The same without known answers", made.by_share(0)),
        ("10 % planted, no known answers, by judgements per worker", made.by_size()),
        ("Honest workers only", made.honest()),
        ("Which rules saw them (10 % planted, 60 judgements, 6 known answers)", made.by_rule()),
    ]  # fmt: skip
    publish("detection", tables, docs=asked.docs, note=f"`make bench-detection`: {setting}; ")


if __name__ == "__main__":
    main()

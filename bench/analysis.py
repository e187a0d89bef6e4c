"""Speed beside other libraries, coverage, looking often, savings: prints tables, writes JSON.

    python bench/analysis.py [--quick] [--only speed] → bench/out/analysis.json

Peers run through their own public functions on the same arrays, one after the other in the same
process. Each figure is the least of several runs, ours and theirs alike: on a shared machine a
median measures the neighbours.
"""

import argparse
import json
import os
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import choix
import evalica
import krippendorff
import numpy as np
import scipy
import statsmodels.api as sm
from jeoul.analysis import adaptive, bradley_terry
from jeoul.analysis.aggregation import Labels, dawid_skene, mace
from jeoul.analysis.agreement import krippendorff_alpha, value_counts
from jeoul.analysis.bradley_terry_extended import fit_extended
from jeoul.analysis.counts import A_WINS, B_WINS, TIE, Votes, outcome_counts, win_matrix
from jeoul.analysis.crowd_bt import crowd_bt
from jeoul.analysis.intervals import two_way_interval, wilson
from jeoul.analysis.ppi import powered_mean
from jeoul.analysis.sequential import asymptotic, beta_binomial
from jeoul.analysis.winrates import pair_rates
from scipy import special

OUT = Path(__file__).parent / "out" / "analysis.json"
Rows = list[dict[str, Any]]


def timed(call: Callable[[], Any], times: int) -> tuple[float, Any]:
    """Least milliseconds of `times` runs, and the last result."""
    taken, result = [], None
    for _ in range(times):
        start = time.perf_counter()
        result = call()
        taken.append(1000 * (time.perf_counter() - start))
    return min(taken), result


def made_votes(n: int, k: int, workers: int, seed: int = 0) -> Votes:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, k, n)
    b = (a + rng.integers(1, k, n)) % k
    truth = np.linspace(-1, 1, k)
    p = special.expit(truth[a] - truth[b])
    outcome = np.where(rng.random(n) < 0.2, TIE, np.where(rng.random(n) < p, A_WINS, B_WINS))
    columns = (a, b, outcome, rng.integers(0, max(50, n // 100), n), rng.integers(0, workers, n))
    return Votes(
        *(c.astype(np.int32) for c in columns),
        left=np.zeros(n, np.int8),
        grade=np.full(n, np.nan),
        n_systems=k,
    )


def ranking_speed(n: int, k: int, times: int) -> Rows:
    """Ours from arrays with every interval and rank, beside point estimates of the peers."""
    votes = made_votes(n, k, max(50, n // 1000))
    wins = win_matrix(outcome_counts(votes))
    size = f"{k} systems x {n:,} votes"
    named = {A_WINS: evalica.Winner.X, B_WINS: evalica.Winner.Y, TIE: evalica.Winner.Draw}
    xs, ys = votes.system_a.tolist(), votes.system_b.tolist()
    winners = [named[o] for o in votes.outcome.tolist()]
    found: Rows = []

    def row(what: str, call: Callable[[], Any], repeats: int = times) -> Any:
        ms, result = timed(call, repeats)
        found.append({"size": size, "what": what, "ms": ms})
        return result

    point = row("ours: counting and point", lambda: bradley_terry.fit_counts(
        win_matrix(outcome_counts(votes))).scores)  # fmt: skip
    theirs = row("evalica: point", lambda: evalica.bradley_terry(xs, ys, winners), 3)
    scores = np.log(theirs.scores.sort_index().to_numpy())
    found[-1]["largest difference"] = float(np.abs(scores - scores.mean() - point).max())
    for kind in ("sandwich", "worker", "two_way"):
        row(f"ours: with {kind} intervals and ranks",
            lambda kind=kind: bradley_terry.fit(votes, covariance=kind))  # fmt: skip
    row("ours: Davidson, model covariance",
        lambda: fit_extended(votes, ties="davidson", covariance="model"))  # fmt: skip
    i, j = np.nonzero(np.triu(wins + wins.T, 1))
    design = np.zeros((len(i), k))
    design[np.arange(len(i)), i], design[np.arange(len(i)), j] = 1, -1
    cells = np.column_stack([wins[i, j], wins[j, i]])
    row("statsmodels: GLM on cells, model covariance",
        lambda: sm.GLM(cells, design[:, 1:], family=sm.families.Binomial()).fit(), 3)  # fmt: skip
    row("choix: point from the matrix", lambda: choix.ilsr_pairwise_dense(wins))
    row("ours: every pair's rate and interval", lambda: pair_rates(votes), 3)
    base = found[0]["ms"]
    for line in found:
        line["ratio"] = line["ms"] / base
    return found


def agreement_speed(units: int, times: int) -> Rows:
    rng = np.random.default_rng(1)
    unit, value = np.repeat(np.arange(units), 3), rng.integers(0, 5, 3 * units)
    table = value.reshape(units, 3).T.astype(float)
    ms, ours = timed(
        lambda: krippendorff_alpha(value_counts(unit, value, 5), metric="ordinal"), times
    )
    theirs_ms, theirs = timed(
        lambda: krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal"), 3
    )
    size = f"{units:,} units x 3"
    return [
        {"size": size, "what": "ours: ordinal alpha with interval", "ms": ms, "ratio": 1.0},
        {"size": size, "what": "krippendorff: ordinal alpha, point", "ms": theirs_ms,
         "ratio": theirs_ms / ms, "largest difference": abs(ours.alpha - theirs)},
    ]  # fmt: skip


def weighing_speed(times: int) -> Rows:
    rng = np.random.default_rng(2)
    units, per_unit, workers = 20_000, 5, 200
    unit = np.repeat(np.arange(units), per_unit)
    first = rng.integers(0, workers, units)
    worker = (first[:, None] + np.arange(per_unit) * 7).ravel() % workers
    truth = rng.integers(0, 3, units)[unit]
    right = rng.random(len(unit)) < rng.uniform(0.5, 0.95, workers)[worker]
    labels = Labels(unit, worker, np.where(right, truth, rng.integers(0, 3, len(unit))), 3)
    votes = made_votes(10_000, 10, 100)
    found = []
    for what, call in (
        ("ours: Dawid-Skene", lambda: dawid_skene(labels)),
        ("ours: MACE, 10 restarts", lambda: mace(labels, np.random.default_rng(0))),
    ):
        ms, result = timed(call, times)
        found.append({"size": "100,000 labels", "what": what, "ms": ms,
                      "iterations": result.iterations})  # fmt: skip
    ms, _ = timed(lambda: crowd_bt(votes), times)
    return [*found, {"size": "10 x 10,000 x 100 workers", "what": "ours: Crowd-BT", "ms": ms}]


def rate_coverage(runs: int) -> Rows:
    """Win rate with prompt s.d. 1.0 and worker s.d. 0.5 on the logit."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    found = []
    for prompts, each, workers, worker_sd in (
        (50, 1, 10, 0.5), (200, 5, 25, 0.5), (1000, 1, 10, 0.5), (500, 3, 100, 0.5),
        (200, 5, 25, 0.0),
    ):  # fmt: skip
        rng = np.random.default_rng([3, prompts, each])
        spread = (1 + worker_sd**2) ** 0.5
        truth = float(special.expit(0.3 + spread * nodes) @ weights / weights.sum())
        ours = naive = 0
        width = 0.0
        for _ in range(runs):
            p = np.repeat(np.arange(prompts), each)
            w = rng.integers(0, workers, len(p))
            logit = 0.3 + rng.normal(0, 1, prompts)[p] + rng.normal(0, 1, workers)[w] * worker_sd
            x = (rng.random(len(p)) < special.expit(logit)).astype(float)
            one, (low, high) = two_way_interval(x, p, w), wilson(x.sum(), len(x))
            ours += one.low <= truth <= one.high
            naive += low <= truth <= high
            width += (one.high - one.low) / 2 / runs
        found.append({"what": f"win rate, {prompts} prompts x {each}, {workers} workers, "
                              f"worker s.d. {worker_sd}", "runs": runs,
                      "ours %": 100 * ours / runs, "Wilson %": 100 * naive / runs,
                      "half width": width})  # fmt: skip
    return found


def bt_votes(rng: np.random.Generator, n: int, prompts: int, workers: int, k: int) -> Votes:
    a = rng.integers(0, k, n)
    b = (a + rng.integers(1, k, n)) % k
    p, w = rng.integers(0, prompts, n), rng.integers(0, workers, n)
    by_prompt, by_worker = rng.normal(0, 0.6, (prompts, k)), rng.normal(0, 0.4, (workers, k))
    truth = np.linspace(-1, 1, k)
    d = truth[a] - truth[b] + by_prompt[p, a] - by_prompt[p, b] + by_worker[w, a] - by_worker[w, b]
    outcome = np.where(rng.random(n) < special.expit(d), A_WINS, B_WINS)
    return Votes(a, b, outcome, p, w, np.zeros(n, np.int8), np.full(n, np.nan), k)


def score_coverage(runs: int) -> Rows:
    found = []
    for k, n, prompts, workers in ((4, 200, 50, 20), (6, 1000, 100, 30), (10, 6000, 300, 60)):
        rng = np.random.default_rng([4, n])
        large = bt_votes(rng, 2_000_000, 100_000, 100_000, k)
        truth = bradley_terry.fit(large, covariance="model", draws=1).scores
        hits = dict.fromkeys(("sandwich", "prompt", "worker", "two_way"), 0)
        refused = 0
        for _ in range(runs):
            votes = bt_votes(rng, n, prompts, workers, k)
            try:
                fits = {c: bradley_terry.fit(votes, covariance=c, draws=1) for c in hits}
            except bradley_terry.Disconnected:
                refused += 1
                continue
            for c, ranking in fits.items():
                gaps = ranking.differences()
                inside = [d.low <= truth[d.first] - truth[d.second] <= d.high for d in gaps]
                hits[c] += float(np.mean(inside))
        done = max(runs - refused, 1)
        found.append({"what": f"score differences, {k} systems, {n} judgements, {prompts} prompts, "
                              f"{workers} workers", "runs": done,
                      **{f"{c} %": 100 * h / done for c, h in hits.items()}})  # fmt: skip
    return found


def alpha_coverage(runs: int) -> Rows:
    chance = np.cumsum([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]], axis=1)
    found = []
    for units in (50, 200, 1000):
        rng = np.random.default_rng([5, units])

        def draw(size: int, rng: np.random.Generator = rng) -> Any:
            value = (rng.random((size, 3, 1)) > chance[rng.integers(0, 3, size)][:, None]).sum(2)
            return value_counts(np.repeat(np.arange(size), 3), value.ravel(), 3)

        for metric in ("nominal", "ordinal"):
            truth = krippendorff_alpha(draw(1_000_000), metric=metric).alpha
            looks = (krippendorff_alpha(draw(units), metric=metric) for _ in range(runs))
            hits = sum(f.low <= truth <= f.high for f in looks)
            found.append({"what": f"{metric} alpha, {units} units x 3", "runs": runs,
                          "ours %": 100 * hits / runs})  # fmt: skip
    return found


def looking_often(runs: int) -> Rows:
    """A look every 25 judgements from 50 to 2,000, no true difference."""
    rng = np.random.default_rng(6)
    looks = np.arange(50, 2001, 25)
    naive = beta = clustered = 0
    for _ in range(runs):
        wins = np.cumsum(rng.random(2000) < 0.5)[looks - 1].tolist()
        pairs = list(zip(wins, looks.tolist(), strict=True))
        naive += any(not (i[0] <= 0.5 <= i[1]) for i in (wilson(k, n) for k, n in pairs))
        beta += any(beta_binomial(k, n - k).decides() for k, n in pairs)
        prompt = np.repeat(np.arange(500), 4)
        p = special.expit(rng.normal(0, 1, 500))[prompt]
        x = (rng.random(2000) < p).astype(float)
        clustered += any(
            asymptotic(x[:n], prompt[:n], planned=250).decides() for n in range(200, 2001, 25)
        )
    end = beta_binomial(1000, 1000)
    low, high = wilson(1000, 2000)
    return [{"what": "Wilson at every look", "false alarms %": 100 * naive / runs, "width": 1.0},
            {"what": "beta-binomial sequence", "false alarms %": 100 * beta / runs,
             "width": (end.high - end.low) / (high - low)},
            {"what": "asymptotic sequence, 4 judgements per prompt",
             "false alarms %": 100 * clustered / runs}]  # fmt: skip


def machine_judges(runs: int) -> Rows:
    found = []
    for share in (0.5, 0.7, 0.85):
        rng = np.random.default_rng([7, int(100 * share)])
        inside = alone = 0
        effective = 0.0
        for _ in range(runs):
            y = (rng.random(5300) < 0.6).astype(float)
            f = np.where(rng.random(5300) < share, y, rng.random(5300) < 0.65).astype(float)
            at = np.arange(5300)
            e = powered_mean(y[:300], f[:300], f[300:], at[:300], at[300:])
            low, high = wilson(f.sum(), 5300)
            inside += e.low <= 0.6 <= e.high
            alone += low <= 0.6 <= high
            effective += e.effective / 300 / runs
        found.append({"what": f"300 human + 5,000 machine verdicts, machine copies {share:.0%}",
                      "runs": runs, "coverage %": 100 * inside / runs,
                      "machine alone %": 100 * alone / runs,
                      "effective sample": effective})  # fmt: skip
    return found


def best_of_ten(runs: int) -> Rows:
    """Judgements until one system is left (valid stop); gap of the best 0.5 on the logit."""
    truth = np.concatenate([[1.0], np.linspace(0.5, -1.0, 9)])
    used: dict[str, list[int]] = {
        "uniform": [],
        "uniform among the left": [],
        "top two among the left": [],
    }
    wrong = dict.fromkeys(used, 0)
    for name in used:
        for run in range(runs):
            rng = np.random.default_rng([8, run])
            wins, left, total = np.zeros((10, 10)), list(range(10)), 0
            while len(left) > 1 and total < 200_000:
                rule = _next_rule(name, wins, left, rng)
                for at in rng.choice(100, 50, p=rule.ravel()).tolist():
                    i, j = divmod(at, 10)
                    i, j = (i, j) if rng.random() < special.expit(truth[i] - truth[j]) else (j, i)
                    wins[i, j] += 1
                total += 50
                left = adaptive.still_possible(wins)
            used[name].append(total)
            wrong[name] += left != [0]
    base = float(np.mean(used["uniform"]))
    return [{"what": f"best of 10, {name}", "runs": runs, "judgements": float(np.mean(n)),
             "saved %": 100 * (1 - float(np.mean(n)) / base), "wrong": wrong[name]}
            for name, n in used.items()]  # fmt: skip


def _next_rule(name: str, wins: Any, left: list[int], rng: np.random.Generator) -> Any:
    if name == "uniform":
        return adaptive.uniform(10)
    if name == "uniform among the left":
        return adaptive.among(adaptive.uniform(10), left)
    fit = bradley_terry.fit_counts(wins, ridge=0.5) if wins.sum() >= 200 else None
    rule = adaptive.uniform(10) if fit is None else adaptive.for_best(
        fit.scores, fit.covariance, rng, 500)  # fmt: skip
    return adaptive.mixed(adaptive.among(rule, left))


def fill_matrix(runs: int) -> Rows:
    """Judgements until every pair's 95 % half width is at most 0.08 (Agresti-Coull)."""
    truth = np.linspace(1.5, -1.5, 8)
    chance = special.expit(truth[:, None] - truth[None, :])
    used: dict[str, list[int]] = {"uniform": [], "Arena's rule": [], "what is lacking": []}
    for name in used:
        for run in range(runs):
            rng = np.random.default_rng([9, run])
            wins, total = np.zeros((8, 8)), 0
            while True:
                n, w = wins + wins.T + 4, wins + 2
                half = 1.96 * np.sqrt(w / n * (1 - w / n) / n)
                if half[np.triu_indices(8, 1)].max() <= 0.08:
                    break
                rule = {"uniform": lambda: adaptive.uniform(8),
                        "Arena's rule": lambda wins=wins: adaptive.mixed(adaptive.arena(wins)),
                        "what is lacking": lambda wins=wins: adaptive.mixed(
                            adaptive.for_matrix(wins, 0.08))}[name]()  # fmt: skip
                counts = rng.multinomial(50, rule.ravel()).reshape(8, 8)
                won = rng.binomial(counts, chance)
                wins = wins + won + (counts - won).T
                total += 50
            used[name].append(total)
    base = float(np.mean(used["uniform"]))
    return [{"what": f"win-rate matrix of 8 to ±0.08, {name}", "runs": runs,
             "judgements": float(np.mean(n)), "saved %": 100 * (1 - float(np.mean(n)) / base)}
            for name, n in used.items()]  # fmt: skip


def show(title: str, rows: Rows) -> None:
    print(f"\n{title}")
    for row in rows:
        rest = ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}"
                         for k, v in row.items() if k not in ("size", "what"))  # fmt: skip
        print(f"  {row.get('size', '')} {row['what']}: {rest}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, no 2,000,000 votes")
    parser.add_argument("--only", default="", help="parts whose title starts so")
    asked = parser.parse_args()
    quick = asked.quick
    warnings.simplefilter("ignore")  # the peers warn; ours are held to errors in the tests
    runs, times = (100, 3) if quick else (1000, 7)
    sizes = [(10_000, 10), (100_000, 50)] + ([] if quick else [(2_000_000, 200)])
    parts: list[tuple[str, Callable[[], Rows]]] = [
        ("speed: ranking", lambda: [r for n, k in sizes for r in ranking_speed(n, k, times)]),
        ("speed: agreement", lambda: agreement_speed(100_000 if quick else 1_000_000, times)),
        ("speed: weighing workers", lambda: weighing_speed(times)),
        ("coverage: win rates", lambda: rate_coverage(runs)),
        ("coverage: scores", lambda: score_coverage(runs // 4)),
        ("coverage: alpha", lambda: alpha_coverage(runs)),
        ("looking every 25 judgements", lambda: looking_often(runs // 2)),
        ("people and machine judges", lambda: machine_judges(runs)),
        ("savings: the best", lambda: best_of_ten(max(4, runs // 25))),
        ("savings: the matrix", lambda: fill_matrix(max(4, runs // 25))),
    ]
    result: dict[str, Any] = json.loads(OUT.read_text()) if asked.only and OUT.exists() else {}
    result |= {
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg(), "numpy": np.__version__,
                    "scipy": scipy.__version__, "python": platform.python_version()},
        "quick": quick,
    }  # fmt: skip
    for title, call in parts:
        if not title.startswith(asked.only):
            continue
        rows = call()
        result[title] = rows
        show(title, rows)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

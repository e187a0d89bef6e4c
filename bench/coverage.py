"""Do the 95 % intervals cover 95 %, with prompt and worker effects present? `make bench-coverage`.

python bench/coverage.py [--quick] [--docs] [--seconds 540]
"""

import warnings

import numpy as np
from jeoul.analysis import bradley_terry
from jeoul.analysis.aggregation import Labels, dawid_skene, mace, majority, one_coin
from jeoul.analysis.agreement import krippendorff_alpha, value_counts
from jeoul.analysis.agreement_judges import alpha_of_judges
from jeoul.analysis.clustering import Kind
from jeoul.analysis.counts import A_WINS, B_WINS, Floats, Ints, Votes
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.intervals import clopper_pearson, two_way_interval, two_way_intervals, wilson
from jeoul.analysis.planned_looks import plan_looks, planned_look
from jeoul.analysis.ppi import powered_mean
from jeoul.analysis.sequential import beta_binomial_bounds, tuned_prior, two_way_sequence
from scipy import special
from tables import Budget, Row, arguments, part, publish

PROMPT_SD, WORKER_SD, LEAN = 1.0, 0.5, 0.3
WEIGHED = ("majority", "Dawid–Skene", "one-coin", "MACE")
# As the results have them.
MACE_RESTARTS = 3
KINDS: tuple[Kind, ...] = ("sandwich", "prompt", "worker", "two_way")
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(120)


def averaged(mean: Floats | float, spread: float) -> Floats:
    """E[σ(mean + spread·N(0, 1))]: the true rate where prompts and workers are drawn anew."""
    values = special.expit(np.asarray(mean)[..., None] + spread * _NODES)
    return np.asarray(values @ _WEIGHTS / _WEIGHTS.sum())


def judged(
    rng: np.random.Generator, prompts: int, each: int, workers: int, worker_sd: float, lean: float
) -> tuple[Floats, Ints, Ints]:
    prompt = np.repeat(np.arange(prompts), each)
    worker = rng.integers(0, workers, len(prompt))
    logit = lean + rng.normal(0, PROMPT_SD, prompts)[prompt]
    logit = logit + rng.normal(0, 1, workers)[worker] * worker_sd
    return (rng.random(len(prompt)) < special.expit(logit)).astype(float), prompt, worker


def rates(budget: Budget, wanted: int) -> list[Row]:
    found = []
    for prompts, each, workers, worker_sd in (
        (50, 1, 10, WORKER_SD), (50, 3, 25, WORKER_SD), (200, 1, 20, WORKER_SD),
        (200, 5, 25, WORKER_SD), (1000, 1, 10, WORKER_SD), (1000, 3, 60, WORKER_SD),
        (50, 1, 10, 0.0), (200, 5, 25, 0.0),
    ):  # fmt: skip
        rng = np.random.default_rng([3, prompts, each, workers])
        truth = float(averaged(LEAN, (PROMPT_SD**2 + worker_sd**2) ** 0.5))
        ours = naive = done = 0
        width = 0.0
        for _ in budget.runs(wanted):
            x, p, w = judged(rng, prompts, each, workers, worker_sd, LEAN)
            one, (low, high) = two_way_interval(x, p, w), wilson(x.sum(), len(x))
            ours += one.low <= truth <= one.high
            naive += low <= truth <= high
            width += (one.high - one.low) / 2
            done += 1
        found.append({"comparisons × judges, workers, worker s.d.":
                      f"{prompts:,} × {each}, {workers}, {worker_sd}",
                      "two-way, %": 100 * ours / done, "Wilson, %": 100 * naive / done,
                      "half width": width / done, "runs": done})  # fmt: skip
    return found


def ranked_votes(rng: np.random.Generator, comparisons: int, workers: int, truth: Floats) -> Votes:
    """Each comparison its own prompt, judged three times; taste by prompt and by worker."""
    k, prompts = len(truth), comparisons // 2
    a = rng.integers(0, k, comparisons)
    b = (a + rng.integers(1, k, comparisons)) % k
    unit = np.repeat(np.arange(comparisons), 3)
    prompt, a, b = rng.integers(0, prompts, comparisons)[unit], a[unit], b[unit]
    worker = rng.integers(0, workers, len(unit))
    taste = (
        truth + rng.normal(0, 0.6, (prompts, k))[prompt] + rng.normal(0, 0.4, (workers, k))[worker]
    )
    rows, n = np.arange(len(unit)), len(unit)
    won = rng.random(n) < special.expit(taste[rows, a] - taste[rows, b])
    outcome = np.where(won, A_WINS, B_WINS)
    return Votes(a, b, outcome, prompt, worker, np.zeros(n, np.int8), np.full(n, np.nan), k)


def scores(budget: Budget, wanted: int) -> list[Row]:
    found = []
    for k, comparisons, workers in ((4, 50, 20), (6, 200, 30), (10, 1000, 60)):
        rng = np.random.default_rng([4, comparisons])
        truth = np.linspace(-1, 1, k)
        # The target is the fit to the true win rates, averaged over prompts and workers.
        rate = averaged(truth[:, None] - truth[None, :], (2 * (0.6**2 + 0.4**2)) ** 0.5)
        np.fill_diagonal(rate, 0.0)
        target = bradley_terry.fit_counts(rate).scores
        hits, done, refused = dict.fromkeys(KINDS, 0.0), 0, 0
        for _ in budget.runs(wanted):
            votes = ranked_votes(rng, comparisons, workers, truth)
            try:
                fits = {c: bradley_terry.fit(votes, covariance=c, draws=1) for c in KINDS}
            except AnalysisError:
                refused += 1
                continue
            done += 1
            for c, ranking in fits.items():
                inside = [d.low <= target[d.first] - target[d.second] <= d.high
                          for d in ranking.differences()]  # fmt: skip
                hits[c] += float(np.mean(inside))
        names = ("independent", "by prompt", "by worker", "two-way")
        found.append({"systems, comparisons × 3, workers": f"{k}, {comparisons:,}, {workers}",
                      **{f"{n}, %": 100 * hits[c] / max(done, 1)
                         for n, c in zip(names, KINDS, strict=True)},
                      "runs": done, "refused": refused})  # fmt: skip
    return found


def labelled(
    rng: np.random.Generator, units: int, workers: int, worker_sd: float
) -> tuple[Ints, Ints, Ints]:
    """Three judges per unit say A, tie or B; how often they err differs by unit and worker."""
    unit = np.repeat(np.arange(units), 3)
    worker = (rng.integers(0, workers, units)[:, None] + np.array([0, 1, 2])).ravel() % workers
    kind = rng.integers(0, 3, units)[unit]
    skill = 0.6 + rng.normal(0, 0.7, units)[unit] + rng.normal(0, 1, workers)[worker] * worker_sd
    right = rng.random(len(unit)) < special.expit(skill)
    value = np.where(right, kind, rng.integers(0, 3, len(unit)))
    return unit, value, worker


def alphas(budget: Budget, wanted: int) -> list[Row]:
    found = []
    for worker_sd in (0.0, WORKER_SD):
        rng = np.random.default_rng([5, int(10 * worker_sd)])
        big = labelled(rng, 600_000, 100_000, worker_sd)
        large = value_counts(big[0], big[1], 3)
        for units, workers in ((50, 20), (200, 30), (1000, 60)):
            row: Row = {"units × 3, workers, worker s.d.": f"{units:,}, {workers}, {worker_sd}"}
            hits, done = {"nominal": 0, "ordinal": 0, "resampled": 0, "judges": 0}, 0
            truth = {m: krippendorff_alpha(large, metric=m).alpha for m in ("nominal", "ordinal")}
            for _ in budget.runs(wanted):
                unit, value, worker = labelled(rng, units, workers, worker_sd)
                counts = value_counts(unit, value, 3)
                done += 1
                for metric in ("nominal", "ordinal"):
                    one = krippendorff_alpha(counts, metric=metric)
                    hits[metric] += one.low <= truth[metric] <= one.high
                both = alpha_of_judges(unit, value, worker, 3, metric="ordinal")
                hits["judges"] += both.low <= truth["ordinal"] <= both.high
                one = krippendorff_alpha(counts, metric="ordinal", rng=rng, resamples=400)
                hits["resampled"] += one.low <= truth["ordinal"] <= one.high
            found.append(row | {"nominal, %": 100 * hits["nominal"] / done,
                                "ordinal, %": 100 * hits["ordinal"] / done,
                                "ordinal resampled, %": 100 * hits["resampled"] / done,
                    "ordinal, of judges, %": 100 * hits["judges"] / done,
                                "runs": done})  # fmt: skip
    return found


def gold(budget: Budget, wanted: int) -> list[Row]:
    """One worker's accuracy on known answers that differ in difficulty (s.d. 1 on the logit)."""
    found = []
    for n in (10, 50, 200, 1000):
        row: Row = {"known answers": n}
        for mean in (0.8, 2.5):
            truth = float(averaged(mean, 1.0))
            rng = np.random.default_rng([6, n, int(10 * mean)])
            right = rng.binomial(n, truth, 20 * wanted)
            bounds = {int(k): clopper_pearson(int(k), n) for k in np.unique(right)}
            inside = [bounds[int(k)][0] <= truth <= bounds[int(k)][1] for k in right]
            row[f"accuracy {truth:.0%}, %"] = 100 * float(np.mean(inside))
        found.append(row | {"runs": 20 * wanted})
    return found


def looks(budget: Budget, wanted: int) -> list[Row]:
    """No true difference, a look every 25 judgements from 50 to 2,000."""
    at = np.arange(50, 2001, 25)
    rng = np.random.default_rng(7)
    done = 4 * wanted
    wins = np.cumsum(rng.random((done, 2000)) < 0.5, axis=1)[:, at - 1]
    deviation = np.abs(wins - at / 2) / np.sqrt(at / 4)
    fixed = 2 * 1.959964 * 0.5 / 2000**0.5
    found = [{"what": "Wilson at every look (independent judgements)",
              "false alarms, %": 100 * float((deviation > 1.96).any(axis=1).mean()),
              "width at the end": 1.0, "runs": done}]  # fmt: skip
    for prior, name in ((20.0, "beta-binomial sequence, Beta(20, 20)"),
                        (tuned_prior(2000), "the same, tuned to 2,000")):  # fmt: skip
        low, high = beta_binomial_bounds(wins, at - wins, prior=prior)
        end = beta_binomial_bounds(np.array([1000]), np.array([1000]), prior=prior)
        found.append({"what": name,
                      "false alarms, %":
                      100 * float(((low > 0.5) | (high < 0.5)).any(axis=1).mean()),
                      "width at the end": float(end[1][0] - end[0][0]) / fixed,
                      "runs": done})  # fmt: skip
    for shape, name in ((0.25, "79 planned looks, shape ¼"), (0.0, "the same, O'Brien–Fleming")):
        plan = plan_looks(tuple((at / 2000).tolist()), shape=shape)
        found.append({"what": name,
                      "false alarms, %":
                      100 * float((deviation > np.array(plan.critical)).any(axis=1).mean()),
                      "width at the end": plan.critical[-1] / 1.959964, "runs": done})  # fmt: skip
    return found + clustered_looks(budget, wanted)


def clustered_looks(budget: Budget, wanted: int) -> list[Row]:
    """500 prompts × 4 in turn, 60 workers, prompt and worker effects; a look every 100."""
    at = np.arange(200, 2001, 100)
    plan = plan_looks(tuple((at / 2000).tolist()))
    rng = np.random.default_rng(8)
    alarms, width, done = np.zeros(3), np.zeros(3), 0
    for _ in budget.runs(wanted):
        x, p, w = judged(rng, 500, 4, 60, WORKER_SD, 0.0)
        crossed = np.zeros(3, dtype=bool)
        for i, n in enumerate(at):
            rows = x[:n], p[:n], w[:n]
            fixed = two_way_interval(*rows)
            sequence, planned = two_way_sequence(*rows), planned_look(*rows, plan, i)
            crossed |= [not fixed.low <= 0.5 <= fixed.high, sequence.decides(), planned.decides()]
        ends = [one.high - one.low for one in (fixed, sequence, planned)]
        alarms, width, done = alarms + crossed, width + np.array(ends) / ends[0], done + 1
    names = ("two-way interval at every look (prompts and workers in common)",
             "two-way sequence", "19 planned looks, shape ¼")  # fmt: skip
    return [{"what": n, "false alarms, %": 100 * a / done, "width at the end": w / done,
             "runs": done} for n, a, w in zip(names, alarms, width, strict=True)]  # fmt: skip


def machines(budget: Budget, wanted: int) -> list[Row]:
    """300 human and 5,000 machine verdicts; the machine copies people, else says A in 65 %."""
    found = []
    for share in (0.0, 0.5, 0.7, 0.85):
        rng = np.random.default_rng([9, int(100 * share)])
        inside = alone = done = 0
        effective = narrower = 0.0
        at = np.arange(5300)
        for _ in budget.runs(wanted):
            y = (rng.random(5300) < 0.6).astype(float)
            f = np.where(rng.random(5300) < share, y, rng.random(5300) < 0.65).astype(float)
            e = powered_mean(y[:300], f[:300], f[300:], at[:300], at[300:])
            low, high = wilson(f.sum(), 5300)
            inside += e.low <= 0.6 <= e.high
            alone += low <= 0.6 <= high
            effective += e.effective / 300
            narrower += e.error <= e.human_error * (1 + 1e-12)
            done += 1
        found.append({"machine copies": f"{share:.0%}", "coverage, %": 100 * inside / done,
                      "machine alone, %": 100 * alone / done,
                      "effective sample, ×": effective / done,
                      "human judgements saved": 300 * (effective / done - 1),
                      "never wider, %": 100 * narrower / done, "runs": done})  # fmt: skip
    return found


def weighed(budget: Budget, wanted: int) -> list[Row]:
    """The share of comparisons that A wins, 60 %, from three workers each who err; comparisons
    differ in difficulty (s.d. 0.7 on the logit), workers in skill (0.5)."""
    found = []
    for units, workers in ((200, 30), (1000, 60)):
        for mean in (0.5, 1.5):
            rng = np.random.default_rng([10, units, int(10 * mean)])
            at, done, hits = np.arange(units), 0, dict.fromkeys(WEIGHED, 0)
            off = dict.fromkeys(hits, 0.0)
            for _ in budget.runs(wanted):
                labels, _ = verdicts(rng, units, workers, mean)
                try:
                    made = {"majority": majority(labels), "Dawid–Skene": dawid_skene(labels),
                            "one-coin": one_coin(labels),
                            "MACE": mace(labels, rng, MACE_RESTARTS)}  # fmt: skip
                except AnalysisError:
                    continue
                done += 1
                for key, result in made.items():
                    score = np.clip(result.posterior[:, 0], 0.0, 1.0)
                    one = two_way_intervals(score, at, at, np.zeros(units, int), 1)[0]
                    hits[key] += one.low <= 0.6 <= one.high
                    off[key] += one.estimate - 0.6
            right = averaged(mean, (0.7**2 + 0.5**2) ** 0.5)
            row: Row = {"comparisons × 3, workers, right": f"{units:,}, {workers}, {right:.0%}"}
            for name in WEIGHED:
                row[f"{name}, %"] = 100 * hits[name] / max(done, 1)
                row[f"{name}, off by"] = off[name] / max(done, 1)
            found.append(row | {"runs": done})
    return found


def reliabilities(budget: Budget, wanted: int) -> list[Row]:
    """How often each worker is right: Dawid–Skene's interval, which takes the verdicts as known."""
    found = []
    for units, workers in ((200, 30), (1000, 60), (1000, 15)):
        for mean in (0.5, 1.5):
            rng = np.random.default_rng([11, units, workers, int(10 * mean)])
            inside, off, done = 0.0, 0.0, 0
            for _ in budget.runs(wanted):
                labels, truth = verdicts(rng, units, workers, mean)
                try:
                    result = dawid_skene(labels)
                except AnalysisError:
                    continue
                truth = truth[: labels.workers]
                seen = np.isfinite(result.reliability)
                within = (result.low <= truth) & (truth <= result.high)
                inside += float(within[seen].mean())
                off += float((result.reliability - truth)[seen].mean())
                done += 1
            right = averaged(mean, (0.7**2 + 0.5**2) ** 0.5)
            found.append({"comparisons × 3, workers, right": f"{units:,}, {workers}, {right:.0%}",
                          "judgements each": 3 * units // workers,
                          "coverage, %": 100 * inside / max(done, 1),
                          "off by": off / max(done, 1), "runs": done})  # fmt: skip
    return found


def verdicts(
    rng: np.random.Generator, units: int, workers: int, mean: float
) -> tuple[Labels, Floats]:
    """Three workers per comparison, A right in 60 % of them; and how often each worker is right
    over all comparisons that there might be, (workers,)."""
    unit = np.repeat(np.arange(units), 3)
    worker = (rng.integers(0, workers, units)[:, None] + np.array([0, 1, 2])).ravel() % workers
    truth = (rng.random(units) >= 0.6).astype(np.int64)
    own = mean + rng.normal(0, 0.5, workers)
    right = rng.random(len(unit)) < special.expit(rng.normal(0, 0.7, units)[unit] + own[worker])
    labels = Labels(unit, worker, np.where(right, truth[unit], 1 - truth[unit]), 2)
    return labels, averaged(own, 0.7)


def main() -> None:
    asked = arguments(__doc__)
    warnings.simplefilter("error")
    wanted = 100 if asked.quick else 2_000
    # Eight designs, three rankings, six alphas, looks, four machines, four weighings, six of
    # workers: shares of the whole.
    unit = asked.seconds / 29
    parts = [
        part("Win rate, prompt s.d. 1 on the logit: coverage of the 95 % interval",
             lambda: rates(Budget(unit, 1), wanted)),
        part("Bradley–Terry differences, tastes by prompt (s.d. 0.6) and worker (0.4)",
             lambda: scores(Budget(2 * unit, 1), wanted)),
        part("Krippendorff's alpha, three judges per unit",
             lambda: alphas(Budget(unit, 1), wanted)),
        part("Gold accuracy, exact interval", lambda: gold(Budget(unit, 1), wanted)),
        part("Looking often, no true difference", lambda: looks(Budget(2 * unit, 1), wanted // 4)),
        part("300 human and 5,000 machine verdicts", lambda: machines(Budget(unit / 2, 1), wanted)),
        part("Weighed win rate: coverage of the 95 % interval, true rate 60 %",
             lambda: weighed(Budget(unit / 2, 1), wanted)),
        part("A worker's reliability by Dawid–Skene: coverage of the 95 % interval",
             lambda: reliabilities(Budget(unit / 2, 1), wanted)),
    ]  # fmt: skip
    publish("coverage", parts, docs=asked.docs, note="`make bench-coverage`: ")


if __name__ == "__main__":
    main()

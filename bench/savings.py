"""How many judgements adaptive choice saves until a valid stop, for each aim. `make bench-savings`.

    python bench/savings.py [--quick] [--docs] [--seconds 540]

Judgements are independent and without ties. Every stop holds at whatever look it comes: unions of
beta-binomial confidence sequences, the same for every rule; only the choice of pairs differs.
"""

import warnings
from collections.abc import Callable

import numpy as np
from jeoul.analysis import adaptive, bradley_terry
from jeoul.analysis.counts import Floats
from jeoul.analysis.planned_looks import plan_looks
from jeoul.analysis.power import votes_needed
from jeoul.analysis.sequential import beta_binomial_bounds, tuned_prior
from scipy import special
from tables import Budget, Row, arguments, part, publish

BATCH = 100
CEILING = 60_000
Rule = Callable[[Floats, np.random.Generator], Floats]
Stop = Callable[[Floats], bool]


def play(rng: np.random.Generator, chance: Floats, rule: Rule, stop: Stop) -> tuple[int, Floats]:
    """Judgements until the stop, in batches, and the wins by then."""
    wins, total = np.zeros_like(chance), 0
    while total < CEILING and not stop(wins):
        counts = rng.multinomial(BATCH, rule(wins, rng).ravel()).reshape(chance.shape)
        won = rng.binomial(counts, chance)
        wins = wins + won + (counts - won).T
        total += BATCH
    return total, wins


def fitted(wins: Floats) -> bradley_terry.CountsFit | None:
    """Scores so far, or nothing while there is too little to go by."""
    if wins.sum() < 4 * len(wins):
        return None
    try:
        return bradley_terry.fit_counts(wins, ridge=0.5)
    except bradley_terry.Disconnected:
        return None


def compare(
    chance: Floats,
    rules: dict[str, Rule],
    stop: Stop,
    wrong: Callable[[Floats], bool],
    budget: Budget,
    wanted: int,
    seed: int,
) -> list[Row]:
    """Every rule on the same truth; the first is what the others are measured against."""
    used: dict[str, list[int]] = {name: [] for name in rules}
    errors = dict.fromkeys(rules, 0)
    for run in budget.runs(wanted, least=2):
        for at, (name, rule) in enumerate(rules.items()):
            total, wins = play(np.random.default_rng([seed, at, run]), chance, rule, stop)
            used[name].append(total)
            errors[name] += wrong(wins)
    base = float(np.mean(next(iter(used.values()))))
    return [{"choice": name, "judgements": float(np.mean(n)),
             "± s.e.": float(np.std(n, ddof=1)) / len(n) ** 0.5,
             "saved, %": 100 * (1 - float(np.mean(n)) / base),
             "wrong": errors[name], "runs": len(n)} for name, n in used.items()]  # fmt: skip


def chances(truth: Floats) -> Floats:
    return np.asarray(special.expit(truth[:, None] - truth[None, :]))


def best_of_ten(budget: Budget, wanted: int) -> list[Row]:
    truth = np.concatenate([[1.0], np.linspace(0.5, -1.0, 9)])

    def top_two(wins: Floats, rng: np.random.Generator) -> Floats:
        left, fit = adaptive.still_possible(wins), fitted(wins)
        if len(left) < 2:
            return adaptive.uniform(10)
        rule = (adaptive.uniform(10) if fit is None
                else adaptive.for_best(fit.scores, fit.covariance, rng, 500))  # fmt: skip
        return adaptive.mixed(adaptive.among(rule, left))

    def arena(wins: Floats, _: np.random.Generator) -> Floats:
        return adaptive.mixed(adaptive.arena(wins))

    def dropped(wins: Floats, _: np.random.Generator) -> Floats:
        left = adaptive.still_possible(wins)
        return adaptive.among(adaptive.uniform(10), left) if len(left) > 1 else adaptive.uniform(10)

    rules: dict[str, Rule] = {
        "uniform": lambda w, r: adaptive.uniform(10),
        "Arena's rule": arena,
        "uniform among those still possible": dropped,
        "top two among them, 10 % uniform": top_two,
    }
    return compare(chances(truth), rules, lambda w: len(adaptive.still_possible(w)) == 1,
                   lambda w: adaptive.still_possible(w) != [0], budget, wanted, 1)  # fmt: skip


def order_of_six(budget: Budget, wanted: int) -> list[Row]:
    truth = np.linspace(1.25, -1.25, 6)

    def undecided(wins: Floats) -> list[tuple[int, int]] | None:
        fit = fitted(wins)
        return None if fit is None else adaptive.undecided_neighbours(fit.scores, wins)

    def neighbours(wins: Floats, _: np.random.Generator) -> Floats:
        fit, open_pairs = fitted(wins), undecided(wins)
        if fit is None or not open_pairs:
            return adaptive.uniform(6)
        rule = adaptive.for_order(fit.scores, fit.covariance)
        return adaptive.mixed(adaptive.only(rule, open_pairs))

    rules: dict[str, Rule] = {
        "uniform": lambda w, r: adaptive.uniform(6),
        "Arena's rule": lambda w, r: adaptive.mixed(adaptive.arena(w)),
        "undecided neighbours, 10 % uniform": neighbours,
    }
    return compare(chances(truth), rules, lambda w: undecided(w) == [],
                   lambda w: np.argsort(-fitted(w).scores).tolist() != list(range(6)),
                   budget, wanted, 2)  # fmt: skip


def matrix_of_eight(budget: Budget, wanted: int) -> list[Row]:
    truth, half = np.linspace(1.5, -1.5, 8), 0.10
    chance = chances(truth)
    upper = np.triu_indices(8, 1)

    def missed(wins: Floats) -> bool:
        """More than a twentieth of the cells' sequences leave out the truth."""
        low, high = beta_binomial_bounds(wins[upper], wins.T[upper], prior=adaptive.MATRIX_PRIOR)
        return bool(((chance[upper] < low) | (chance[upper] > high)).mean() > 0.05)

    rules: dict[str, Rule] = {
        "uniform": lambda w, r: adaptive.uniform(8),
        "Arena's rule": lambda w, r: adaptive.mixed(adaptive.arena(w)),
        "what is lacking, 10 % uniform": lambda w, r: adaptive.mixed(adaptive.for_matrix(w, half)),
    }
    return compare(chance, rules, lambda w: bool(adaptive.matrix_widths(w).max() <= half),
                   missed, budget, wanted, 3)  # fmt: skip


def one_pair(wanted: int) -> list[Row]:
    """The pair is given: choice saves nothing, only stopping early does."""
    found = []
    for p in (0.55, 0.60, 0.70):
        n = votes_needed(p, power=0.9)
        rng, most = np.random.default_rng([4, int(100 * p)]), 4 * n
        runs = 20 * wanted
        looks = np.arange(10, most + 1, max(10, n // 40 // 10 * 10))
        wins = np.cumsum(rng.random((runs, most)) < p, axis=1)[:, looks - 1]
        low, high = beta_binomial_bounds(wins, looks - wins, prior=tuned_prior(n))
        sequence = _first((low > 0.5) | (high < 0.5), looks, most)
        shares = np.arange(0.1, 1.01, 0.1)
        at = np.round(1.1 * n * shares).astype(int)
        wins = np.cumsum(rng.random((runs, int(at[-1]))) < p, axis=1)[:, at - 1]
        plan = np.array(plan_looks(tuple(shares.tolist())).critical)
        planned = _first(np.abs(wins - at / 2) > plan * np.sqrt(at / 4), at, int(at[-1]))
        found.append({"true win rate": p, "fixed n (90 % power)": n,
                      "sequence, mean": float(sequence[0]), "saved by it, %":
                      100 * (1 - float(sequence[0]) / n), "decided by it, %": sequence[1],
                      "10 planned looks, mean": float(planned[0]), "saved by them, %":
                      100 * (1 - float(planned[0]) / n), "decided by them, %": planned[1],
                      "runs": runs})  # fmt: skip
    return found


def _first(crossed: np.ndarray, looks: np.ndarray, most: int) -> tuple[float, float]:
    """Mean judgements until the first crossing (all of them without one), and % that crossed."""
    some = crossed.any(axis=1)
    return float(np.where(some, looks[crossed.argmax(axis=1)], most).mean()), 100 * float(
        some.mean()
    )


def whole_ranking(budget: Budget, wanted: int) -> list[Row]:
    """20 systems, 8,000 judgements: mean standard error of the scores, no stop."""
    truth = np.linspace(1.5, -1.5, 20)
    chance = chances(truth)

    def optimal(wins: Floats, _: np.random.Generator) -> Floats:
        fit = fitted(wins)
        return (adaptive.uniform(20) if fit is None
                else adaptive.mixed(adaptive.a_optimal(fit.scores, fit.covariance)))  # fmt: skip

    rules: dict[str, Rule] = {
        "uniform": lambda w, r: adaptive.uniform(20),
        "Arena's rule": lambda w, r: adaptive.mixed(adaptive.arena(w)),
        "A-optimal, 10 % uniform": optimal,
    }
    errors: dict[str, list[float]] = {name: [] for name in rules}
    for run in budget.runs(wanted, least=2):
        for at, (name, rule) in enumerate(rules.items()):
            rng = np.random.default_rng([5, at, run])
            _, wins = play(rng, chance, rule, lambda w: w.sum() >= 8_000)
            fit = bradley_terry.fit_counts(wins)
            errors[name].append(float(np.sqrt(np.diagonal(fit.covariance)).mean()))
    base = float(np.mean(errors["uniform"]))
    return [{"choice": name, "mean s.e.": f"{np.mean(e):.4f}",
             "judgements this is worth, %": 100 * ((base / float(np.mean(e))) ** 2 - 1),
             "runs": len(e)} for name, e in errors.items()]  # fmt: skip


def main() -> None:
    asked = arguments(__doc__)
    warnings.simplefilter("error")
    wanted, seconds = (4, 60) if asked.quick else (100, asked.seconds)
    parts = [
        part("Best of 10 (leader 0.5 logit ahead), named with 95 % confidence",
             lambda: best_of_ten(Budget(0.4 * seconds, 1), wanted)),
        part("Order of 6 (neighbours 0.5 logit apart), every neighbour decided",
             lambda: order_of_six(Budget(0.25 * seconds, 1), wanted)),
        part("Win-rate matrix of 8, every cell's sequence within ± 0.10",
             lambda: matrix_of_eight(Budget(0.2 * seconds, 1), wanted)),
        part("One pair: what stopping saves", lambda: one_pair(wanted)),
        part("Whole ranking of 20 after 8,000 judgements",
             lambda: whole_ranking(Budget(0.15 * seconds, 1), max(3, wanted // 10))),
    ]  # fmt: skip
    publish("savings", parts, docs=asked.docs, note="`make bench-savings`: ")


if __name__ == "__main__":
    main()

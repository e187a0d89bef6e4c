"""One peer on one file of votes or labels, timed in a process of its own: prints a line of JSON.

    bench/out/peers/bin/python bench/peers.py TASK FILE.npz REPEATS

Run by bench/analysis.py in an environment that is not the product's. Imports and the making of
each library's own input type happen before the clock starts where the library is given arrays
in practice, and inside it where it counts or converts votes itself.
"""

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

warnings.simplefilter("ignore")
Task = Callable[[], Any]


def evalica_inputs(data: Any) -> tuple[list[int], list[int], list[Any]]:
    import evalica

    named = (evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw)
    return data["a"].tolist(), data["b"].tolist(), [named[o] for o in data["outcome"].tolist()]


def evalica_point(data: Any) -> Task:
    import evalica

    xs, ys, winners = evalica_inputs(data)
    return lambda: np.log(evalica.bradley_terry(xs, ys, winners).scores.sort_index().to_numpy())


def fastchat_cells(data: Any) -> tuple[Any, Any, Any]:
    """FastChat's method, in our words: distinct (a, b, outcome) rows and how often each occurs."""
    score = np.array([2, 0, 1])[data["outcome"]]
    rows, n = np.unique(np.column_stack([data["a"], data["b"], score]), axis=0, return_counts=True)
    return rows[:, :2], rows[:, 2] / 2.0, n.astype(float)


def fastchat_fit(pairs: Any, outcome: Any, weight: Any, k: int) -> Any:
    """L-BFGS with gradient tolerance 1e-6 on base-10 ratings, at most 100 steps."""
    from scipy.optimize import minimize
    from scipy.special import expit

    alpha = np.log(10.0)

    def loss(x: Any) -> tuple[float, Any]:
        p = expit(alpha * (x[pairs[:, 0]] - x[pairs[:, 1]]))
        slope = alpha * (p - outcome) * weight
        gradient = np.zeros(k)
        np.add.at(gradient, pairs, np.column_stack([slope, -slope]))
        return -float(
            (weight * (outcome * np.log(p) + (1 - outcome) * np.log1p(-p))).sum()
        ), gradient

    found = minimize(loss, np.zeros(k), jac=True, method="L-BFGS-B",
                     options={"maxiter": 100, "gtol": 1e-6})  # fmt: skip
    return found.x * alpha


def fastchat_point(data: Any) -> Task:
    return lambda: fastchat_fit(*fastchat_cells(data), int(data["k"]))


def fastchat_bootstrap(data: Any) -> Task:
    def call() -> Any:
        pairs, outcome, weight = fastchat_cells(data)
        n, rng = int(weight.sum()), np.random.default_rng(0)
        drawn = rng.multinomial(n, weight / n, 100) / n
        fits = [fastchat_fit(pairs, outcome, w, int(data["k"])) for w in drawn]
        return np.median(fits, axis=0)

    return call


def arena_rank(data: Any) -> Task:
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    named = np.array(["model_a", "model_b", "tie"])
    frame = pd.DataFrame({"model_a": data["a"], "model_b": data["b"],
                          "winner": named[data["outcome"]]})  # fmt: skip

    def call() -> Any:
        dataset = PairDataset.from_pandas(frame)
        model = BradleyTerry(n_competitors=len(dataset.competitors))
        model.compute_ratings_and_cis(dataset)
        ratings = np.asarray(model.params["ratings"], dtype=float)
        order = np.argsort([int(c) for c in dataset.competitors])
        return ratings[order]

    return call


def choix_point(data: Any) -> Task:
    import choix

    return lambda: choix.ilsr_pairwise_dense(data["wins"])


def krippendorff_dense(data: Any) -> Task:
    import krippendorff

    table = data["value"].reshape(-1, 3).T.astype(float)
    return lambda: krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal")


def irrcac_ac1(data: Any) -> Task:
    import pandas as pd
    from irrCAC.raw import CAC

    frame = pd.DataFrame(data["value"].reshape(-1, 3))
    return lambda: CAC(frame).gwet()["est"]["coefficient_value"]


def labels_frame(data: Any) -> Any:
    import pandas as pd

    return pd.DataFrame({"task": data["unit"], "worker": data["worker"], "label": data["value"]})


def crowdkit_dawid_skene(data: Any) -> Task:
    from crowdkit.aggregation import DawidSkene

    frame = labels_frame(data)
    return lambda: DawidSkene(n_iter=100, tol=1e-5).fit_predict(frame).sort_index().to_numpy()


def crowdkit_mace(data: Any) -> Task:
    from crowdkit.aggregation import MACE

    frame = labels_frame(data)
    return lambda: MACE(n_restarts=10, n_iter=50, random_state=0).fit_predict(frame).to_numpy()


def crowdkit_noisy_bt(data: Any) -> Task:
    import pandas as pd
    from crowdkit.aggregation import NoisyBradleyTerry

    first = data["outcome"] == 0
    frame = pd.DataFrame({"worker": data["worker"], "left": data["a"], "right": data["b"],
                          "label": np.where(first, data["a"], data["b"])})  # fmt: skip
    return lambda: NoisyBradleyTerry().fit_predict(frame).sort_index().to_numpy()


def main(tasks: dict[str, Any]) -> None:
    task, path, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
    data = dict(np.load(path))
    call = tasks[task](data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken, result = [], None
    for _ in range(repeats):
        began = time.perf_counter()
        result = call()
        taken.append(1000 * (time.perf_counter() - began))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    values = np.asarray(result, dtype=float).ravel()
    np.save(path.replace(".npz", f".{task}.npy"), values)
    print(json.dumps({"ms": taken, "mb": (after - before) / 1024}))


if __name__ == "__main__":
    main(globals())

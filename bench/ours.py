"""One function of jeoul.analysis, timed like the peers: see peers.py."""

from typing import Any

import numpy as np
import peers
from jeoul.analysis import bradley_terry
from jeoul.analysis.aggregation import Labels, dawid_skene, mace
from jeoul.analysis.agreement import krippendorff_alpha, value_counts
from jeoul.analysis.agreement_kappas import gwet_ac
from jeoul.analysis.bootstrap import bootstrap
from jeoul.analysis.bradley_terry_extended import fit_extended
from jeoul.analysis.counts import Votes, outcome_counts, win_matrix
from jeoul.analysis.crowd_bt import crowd_bt


def votes_of(data: Any) -> Votes:
    n = len(data["a"])
    columns = (data[name] for name in ("a", "b", "outcome", "prompt", "worker"))
    return Votes(*columns, np.zeros(n, np.int8), np.full(n, np.nan), int(data["k"]))


def point(data: Any) -> peers.Task:
    votes = votes_of(data)
    return lambda: bradley_terry.fit_counts(win_matrix(outcome_counts(votes))).scores


def _fitted(data: Any, kind: Any) -> peers.Task:
    votes = votes_of(data)
    return lambda: bradley_terry.fit(votes, covariance=kind).scores


def sandwich(data: Any) -> peers.Task:
    return _fitted(data, "sandwich")


def by_worker(data: Any) -> peers.Task:
    return _fitted(data, "worker")


def two_way(data: Any) -> peers.Task:
    return _fitted(data, "two_way")


def davidson(data: Any) -> peers.Task:
    votes = votes_of(data)
    return lambda: fit_extended(votes, ties="davidson", covariance="model").scores


def bootstrap_100(data: Any) -> peers.Task:
    votes = votes_of(data)
    return lambda: bootstrap(votes, np.random.default_rng(0), times=100).low


def _counts(data: Any) -> Any:
    return value_counts(data["unit"], data["value"], 5)


def alpha(data: Any) -> peers.Task:
    return lambda: krippendorff_alpha(_counts(data), metric="ordinal").alpha


def alpha_resampled(data: Any) -> peers.Task:
    rng = np.random.default_rng(0)
    return lambda: krippendorff_alpha(_counts(data), metric="ordinal", rng=rng).alpha


def ac1(data: Any) -> peers.Task:
    return lambda: gwet_ac(_counts(data)).estimate


def weigh_dawid_skene(data: Any) -> peers.Task:
    return lambda: dawid_skene(Labels(data["unit"], data["worker"], data["value"], 3)).value


def weigh_mace(data: Any) -> peers.Task:
    labels = Labels(data["unit"], data["worker"], data["value"], 3)
    return lambda: mace(labels, np.random.default_rng(0)).value


def crowd_ranking(data: Any) -> peers.Task:
    votes = votes_of(data)
    return lambda: crowd_bt(votes).scores


if __name__ == "__main__":
    peers.main(globals())

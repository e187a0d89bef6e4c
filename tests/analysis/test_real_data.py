"""Published figures from two public sets of human judgements (../shared/data, not in the repo)."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from jeoul.analysis.aggregation import Labels, majority
from jeoul.analysis.agreement import krippendorff_alpha, value_counts
from jeoul.analysis.agreement_kappas import cohen_kappa, cross_table, fleiss_kappa
from jeoul.analysis.bradley_terry import fit
from jeoul.analysis.counts import A_WINS, B_WINS, TIE, Votes

DATA = Path(__file__).parents[3] / "shared" / "data"


def coded(values):
    names, codes = np.unique(values, return_inverse=True)
    return names.tolist(), codes


@pytest.fixture(scope="module")
def llmfao():
    path = DATA / "llmfao"
    if not path.exists():
        pytest.skip(f"{path} is absent: the published leaderboard was not checked")
    with (path / "crowd-comparisons.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (path / "leaderboard_published.csv").open() as file:
        board = [r for r in csv.DictReader(file) if r["judge"] == "crowd"]
    return rows, board


def test_llmfao_leaderboard(llmfao):
    rows, board = llmfao
    names, both = coded([r["left"] for r in rows] + [r["right"] for r in rows])
    a, b = np.split(both, 2)
    outcome = np.array([{"left": A_WINS, "right": B_WINS, "tie": TIE}[r["winner"]] for r in rows])
    _, prompt = coded([r["prompt"] for r in rows])
    _, worker = coded([r["worker"] for r in rows])
    n = len(rows)
    votes = Votes(a, b, outcome, prompt, worker, np.ones(n, np.int8), np.full(n, np.nan), 59)
    ranking = fit(votes)
    published = {r["model"]: (int(r["rank"]), float(r["score"])) for r in board}
    assert len(published) == 59
    shares = np.exp(ranking.scores) / np.exp(ranking.scores).sum()
    for system in ranking.systems:
        rank, score = published[names[system.system]]
        assert system.rank == rank
        assert shares[system.system] == pytest.approx(score, abs=1e-4)
    assert "13 prompts" in ranking.note


def test_llmfao_alpha(llmfao):
    rows, _ = llmfao
    unit = np.array([int(r["id"]) for r in rows])
    _, value = coded([r["winner"] for r in rows])
    assert krippendorff_alpha(value_counts(unit, value, 3)).alpha == pytest.approx(0.2906, abs=5e-5)


def test_pandalm_kappas_and_majority():
    path = DATA / "pandalm"
    if not path.exists():
        pytest.skip(f"{path} is absent: the published kappas were not checked")
    items = json.loads((path / "testset-v1.json").read_text())
    said = np.array([[int(i[f"annotator{k}"]) for k in (1, 2, 3)] for i in items])
    kappas = [cohen_kappa(cross_table(said[:, i], said[:, j], 3)).estimate
              for i, j in ((0, 1), (0, 2), (1, 2))]  # fmt: skip
    assert sorted(kappas) == pytest.approx([0.8520, 0.8617, 0.8789], abs=5e-5)
    counts = value_counts(np.repeat(np.arange(999), 3), said.ravel(), 3)
    assert fleiss_kappa(counts).estimate == pytest.approx(0.8642, abs=5e-5)
    assert krippendorff_alpha(counts).alpha == pytest.approx(0.8642, abs=1e-4)
    labels = Labels(np.repeat(np.arange(999), 3), np.tile(np.arange(3), 999), said.ravel(), 3)
    assert np.bincount(majority(labels).value).tolist() == [105, 422, 472]

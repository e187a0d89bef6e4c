"""Published figures from two public sets of human judgements (../shared/data, not in the repo)."""

import csv
import json

import numpy as np
import pytest
from jeoul.analysis.aggregation import Labels, majority
from jeoul.analysis.agreement import krippendorff_alpha, value_counts
from jeoul.analysis.agreement_kappas import (
    cohen_kappa,
    cross_table,
    fleiss_kappa,
    source_agreement,
)
from jeoul.analysis.bradley_terry import fit
from jeoul.analysis.counts import A_WINS, B_WINS, TIE, Votes
from scipy import stats

from tests.lacking import published_set


def coded(values):
    names, codes = np.unique(values, return_inverse=True)
    return names.tolist(), codes


@pytest.fixture(scope="module")
def llmfao():
    path = published_set("llmfao")
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


def test_llmfao_correlation_with_gpt4(llmfao):
    """The notebook's Spearman correlation of the crowd's and GPT-4's published rankings."""
    with (published_set("llmfao") / "leaderboard_published.csv").open() as file:
        rows = list(csv.DictReader(file))
    ranks = {j: {r["model"]: float(r["score"]) for r in rows if r["judge"] == j}
             for j in {r["judge"] for r in rows}}  # fmt: skip
    (gpt4,) = (scores for judge, scores in ranks.items() if "4" in judge)
    names = sorted(ranks["crowd"])
    found = stats.spearmanr([ranks["crowd"][n] for n in names], [gpt4[n] for n in names])
    assert float(found.statistic) == pytest.approx(0.730918, abs=5e-7)


def pandalm(name):
    return json.loads((published_set("pandalm") / name).read_text())


def people(items):
    said = np.array([[int(i[f"annotator{k}"]) for k in (1, 2, 3)] for i in items])
    labels = Labels(np.repeat(np.arange(999), 3), np.tile(np.arange(3), 999), said.ravel(), 3)
    return majority(labels).value


# README of PandaLM between eff75cb and e3d143c: (win, lose, tie) of the first model. Bloom
# against Pythia is published as (49, 47, 11), a transposition: the data say (47, 49, 11).
PANDALM_TABLE = {
    ("llama-7b", "bloom-7b"): (72, 28, 11),
    ("llama-7b", "cerebras-gpt-6.7B"): (80, 24, 6),
    ("llama-7b", "opt-7b"): (71, 24, 11),
    ("llama-7b", "pythia-6.9b"): (58, 27, 9),
    ("bloom-7b", "cerebras-gpt-6.7B"): (59, 30, 11),
    ("bloom-7b", "opt-7b"): (43, 35, 11),
    ("bloom-7b", "pythia-6.9b"): (47, 49, 11),
    ("cerebras-gpt-6.7B", "opt-7b"): (33, 49, 9),
    ("cerebras-gpt-6.7B", "pythia-6.9b"): (27, 53, 11),
    ("opt-7b", "pythia-6.9b"): (32, 53, 15),
}


def test_pandalm_table():
    items = pandalm("testset-v1.json")
    verdict, pairs = people(items), {}
    for item, value in zip(items, verdict.tolist(), strict=True):
        pairs.setdefault(tuple(item["cmp_key"].split("_")), []).append(value)
    assert len(pairs) == 10
    found = {}
    for (a, b), values in pairs.items():
        tie, first, second = np.bincount(values, minlength=3).tolist()
        found[a, b] = (first, second, tie)
        found[b, a] = (second, first, tie)
    for pair, counts in PANDALM_TABLE.items():
        assert found[pair] == counts


@pytest.mark.parametrize(
    ("name", "accuracy"),
    [("gpt-3.5-turbo-testset-v1.json", 71.07), ("pandalm-7b-testset-v1.json", 66.77)],
)
def test_pandalm_judges(name, accuracy):
    """A verdict that cannot be read counts as a tie, or the published figures do not come out."""
    items, said = pandalm("testset-v1.json"), pandalm(name)
    key = next(k for k in said[0] if "result" in k)
    verdict = {int(i["idx"]): {"1": 1, "2": 2}.get(str(i[key]).strip(), 0) for i in said}
    machine = np.array([verdict[int(i["idx"])] for i in items])
    found = source_agreement(people(items), machine, 3)
    assert 100 * found.share == pytest.approx(accuracy, abs=0.005)


def test_pandalm_kappas_and_majority():
    items = pandalm("testset-v1.json")
    said = np.array([[int(i[f"annotator{k}"]) for k in (1, 2, 3)] for i in items])
    kappas = [cohen_kappa(cross_table(said[:, i], said[:, j], 3)).estimate
              for i, j in ((0, 1), (0, 2), (1, 2))]  # fmt: skip
    assert sorted(kappas) == pytest.approx([0.8520, 0.8617, 0.8789], abs=5e-5)
    counts = value_counts(np.repeat(np.arange(999), 3), said.ravel(), 3)
    assert fleiss_kappa(counts).estimate == pytest.approx(0.8642, abs=5e-5)
    assert krippendorff_alpha(counts).alpha == pytest.approx(0.8642, abs=1e-4)
    labels = Labels(np.repeat(np.arange(999), 3), np.tile(np.arange(3), 999), said.ravel(), 3)
    assert np.bincount(majority(labels).value).tolist() == [105, 422, 472]

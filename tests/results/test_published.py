"""Published figures, computed again from the published votes through the product's own door."""

import csv
import json
import math

import pytest
from django.core.management import call_command
from jeoul.comparisons.import_actions import import_judgements
from jeoul.results.actions import current_results
from jeoul.studies.importing import BadRows
from scipy import stats

from tests import factories
from tests.analysis.test_real_data import PANDALM_TABLE
from tests.lacking import published_set
from tests.results import published

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.xdist_group("published"),
]


def results_of(text, slug="set", **options):
    user = factories.make_user()
    study, done = import_judgements(
        owner=user, study=None, text=text, kind="jsonl", slug=slug, **options
    )
    return study, done, current_results(study=study)


def test_llmfao_leaderboard_and_alpha():
    _study, done, results = results_of(published.llmfao())
    assert done.added == 8931
    (criterion,) = results["criteria"]
    assert criterion["scale"] == 3
    systems = criterion["ranking"]
    with (published_set("llmfao") / "leaderboard_published.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["judge"] == "crowd"]
    assert len(rows) == len(systems) == 59
    worth = {s["system"]: math.exp(s["score"]) for s in systems}
    total = sum(worth.values())
    rank = {s["system"]: s["rank"] for s in systems}
    for row in rows:
        assert rank[row["model"]] == int(row["rank"])
        assert worth[row["model"]] / total == pytest.approx(float(row["score"]), abs=1e-4)
    assert criterion["agreement"]["nominal"]["alpha"] == pytest.approx(0.2906, abs=5e-5)
    assert len(results["workers"]) == 124

    # GPT-4 as the judge of the same pairs: its ranks, and how they go with the crowd's.
    _study, done, judged = results_of(published.llmfao("gpt4-crowd-comparisons.csv"), slug="gpt4")
    assert done.added == 2139
    place = {s["system"]: s["rank"] for s in judged["criteria"][0]["ranking"]}
    with (published_set("llmfao") / "leaderboard_published.csv").open() as file:
        ranks = {r["model"]: int(r["rank"]) for r in csv.DictReader(file) if "4" in r["judge"]}
    assert place == ranks
    both = stats.spearmanr([rank[name] for name in place], list(place.values()))
    assert float(both.statistic) == pytest.approx(0.730918, abs=5e-7)


def test_pandalm_counts_and_agreement():
    """The six items whose text is a JSON true are refused by row; the others are the paper's."""
    _study, done, results = results_of(published.pandalm(), take_good=True)
    assert len(done.bad) == 18
    assert {row.reason for row in done.bad} == {"must be text, not true"}
    assert done.added == 2979
    (criterion,) = results["criteria"]
    assert sum(p["n"] for p in criterion["pairs"]) == 2979
    assert criterion["agreement"]["nominal"]["alpha"] == pytest.approx(0.8642, abs=0.01)


def test_the_commands_drive_it(tmp_path, capsys):
    file = tmp_path / "votes.jsonl"
    file.write_text(published.llmfao())
    factories.make_user("only")
    call_command("import_judgements", str(file), "--study", "llmfao", "--create")
    capsys.readouterr()
    call_command("results", "llmfao", "--json")
    first = capsys.readouterr().out
    call_command("import_judgements", str(file), "--study", "llmfao", "--create")
    call_command("results", "llmfao", "--json")
    again = capsys.readouterr().out
    assert first == again
    pair = json.loads(first)["criteria"][0]["pairs"][0]
    assert pair["low"] <= pair["win_rate_a"] <= pair["high"]


def test_pandalm_every_published_figure_through_the_import():
    """Without texts no row is refused, and the figures are the paper's to the last digit."""
    items = json.loads((published_set("pandalm") / "testset-v1.json").read_text())
    words = {0: "tie", 1: "a", 2: "b"}

    def row(item, worker, choice):
        a, b = item["cmp_key"].split("_")
        return json.dumps({"prompt_id": f"p{item['idx']}", "system_a": a, "system_b": b,
                           "worker": worker, "choice": words[choice]})  # fmt: skip

    names = [f"annotator{k}" for k in (1, 2, 3)]
    text = "\n".join(row(i, name, int(i[name])) for i in items for name in names)
    study, _done, _results = results_of(text)
    owner = study.memberships.get(role="owner").user
    for judge in ("gpt-3.5-turbo", "pandalm-7b"):
        verdicts = json.loads((published_set("pandalm") / f"{judge}-testset-v1.json").read_text())
        key = next(k for k in verdicts[0] if "result" in k)
        # A verdict that cannot be read counts as a tie, as in the paper.
        by_idx = {int(v["idx"]): {"1": 1, "2": 2}.get(str(v[key]).strip(), 0) for v in verdicts}
        text = "\n".join(row(i, judge, by_idx[int(i["idx"])]) for i in items)
        import_judgements(owner=owner, study=study, text=text, kind="jsonl", machine=True)
    results = current_results(study=study)
    agreement = results["criteria"][0]["agreement"]
    kappas = sorted(round(k["estimate"], 4) for k in agreement["cohen"])
    assert kappas == [0.8520, 0.8617, 0.8789]
    assert agreement["fleiss"]["estimate"] == pytest.approx(0.8642, abs=5e-5)
    majority = results["weighing"]["majority"]
    assert [majority["verdicts"][v] for v in ("tie", "a", "b", "drawn")] == [105, 422, 472, 0]
    table = {}
    for pair in majority["pairs"]:
        a, b, said = pair["system_a"], pair["system_b"], pair["verdicts"]
        table[a, b] = (said["a"], said["b"], said["tie"])
        table[b, a] = (said["b"], said["a"], said["tie"])
    assert {pair: table[pair] for pair in PANDALM_TABLE} == PANDALM_TABLE
    right = [100 * judge["with_ties"]["share"] for judge in results["machines"]]
    assert right == pytest.approx([71.07, 66.77], abs=0.005)


ODD = {
    "one pair, one worker, one prompt": [("p", "a", "b", "w", "a")],
    "no ties, nobody twice": [(f"p{i}", "a", "b", f"w{i}", "ab"[i % 2]) for i in range(6)],
    "only ties": [(f"p{i}", "a", "b", f"w{i % 2}", "tie") for i in range(6)],
    "only both bad": [(f"p{i}", "a", "b", f"w{i % 2}", "both_bad") for i in range(6)],
    "two islands": [("p", *pair, f"w{i}", "a") for i in range(4)
                    for pair in (("a", "b"), ("c", "d"))],
    "one always wins": [(f"p{i}", "a", "b", f"w{i % 3}", "a") for i in range(30)],
    "seven steps": [(f"p{i}", "a", "b", f"w{i % 3}", i % 7 - 3) for i in range(30)],
    "five steps, numbers as names": [(i, 1, 2, i % 3, i % 5 - 2) for i in range(30)],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_sets_give_results_or_say_why_not(name):
    columns = ("prompt_id", "system_a", "system_b", "worker", "choice")
    text = "\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in ODD[name])
    _study, done, results = results_of(text)
    assert done.added == len(ODD[name])
    # No number that JSON cannot carry, and every pair with its interval or a reason.
    json.dumps(results, allow_nan=False)
    for pair in results["criteria"][0]["pairs"]:
        assert pair["low"] <= pair["win_rate_a"] <= pair["high"]
        assert pair["method"]
    criterion = results["criteria"][0]
    assert criterion["ranking"] or criterion["fit"]["error"]


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ({"worker": None}, "worker", "one name for all"),
        ({"choice": 100}, "choice", "from -3 to 3"),
        ({"choice": "A"}, "choice", "a, b, tie"),
        ({"choice": 0.5}, "choice", "whole number"),
        ({"system_b": "a"}, "system_b", "two systems"),
        ({"seconds": "fast"}, "seconds", "number"),
        ({"left": "left"}, "left", "a or b"),
        ({"created_at": "yesterday"}, "created_at", "ISO 8601"),
    ],
)
def test_a_bad_row_is_named_with_its_field_and_what_it_must_be(row, field, reason):
    good = {"prompt_id": "p", "system_a": "a", "system_b": "b", "worker": "w", "choice": "a"}
    bad = {k: v for k, v in (good | row).items() if v is not None}
    text = f"{json.dumps(good)}\n{json.dumps(bad)}"
    with pytest.raises(BadRows) as refused:
        results_of(text)
    (found,) = refused.value.rows
    assert (found.number, found.field) == (2, field)
    assert reason in found.reason

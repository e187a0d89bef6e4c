"""Published figures, computed again from the published votes through the product's own door."""

import csv
import json
import math

import pytest
from django.core.management import call_command
from jeoul.comparisons.import_actions import import_judgements
from jeoul.results.actions import current_results

from tests import factories
from tests.results import published

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.xdist_group("published"),
]


@pytest.fixture
def data():
    if not published.DATA.exists():
        pytest.fail(f"The published sets must lie in {published.DATA}.")
    return published.DATA


def results_of(text, **options):
    user = factories.make_user()
    study, done = import_judgements(
        owner=user, study=None, text=text, kind="jsonl", slug="set", **options
    )
    return study, done, current_results(study=study)


def test_llmfao_leaderboard_and_alpha(data):
    _study, done, results = results_of(published.llmfao())
    assert done.added == 8931
    (criterion,) = results["criteria"]
    assert criterion["scale"] == 3
    systems = criterion["ranking"]
    with (data / "llmfao" / "leaderboard_published.csv").open() as file:
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


def test_pandalm_counts_and_agreement(data):
    """The six items whose text is a JSON true are refused by row; the others are the paper's."""
    _study, done, results = results_of(published.pandalm(), take_good=True)
    assert len(done.bad) == 18
    assert {row.reason for row in done.bad} == {"must be text, not true"}
    assert done.added == 2979
    (criterion,) = results["criteria"]
    assert sum(p["n"] for p in criterion["pairs"]) == 2979
    assert criterion["agreement"]["nominal"]["alpha"] == pytest.approx(0.8642, abs=0.01)


def test_the_commands_drive_it(data, tmp_path, capsys):
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

"""Charts in the reader's words and theme, from the one drawing that is stored."""

import re

import pytest
from django.utils.translation import override
from jeoul.results.actions import analyse_study
from jeoul.results.charts_language import spec_of, to_svg
from jeoul.results.charts_risk import risk_chart
from jeoul.results.dressing import for_both_themes, in_words_of_the_reader, said_in_parts

from tests import factories

SVG = (
    '<svg width="9"><rect fill="white"/><text x="1">First wins</text>'
    "<text>a &amp; b against c (n = 12)</text><text>10%</text></svg>"
)


def test_a_charts_words_are_the_readers_and_names_stay_as_they_are():
    with override("en"):
        assert in_words_of_the_reader(SVG) == SVG
    with override("ko"):
        words = in_words_of_the_reader(SVG)
        assert '<text x="1">첫째 승</text>' in words
        assert "<text>a &amp; b 대 c (n = 12)</text><text>10%</text>" in words
        assert said_in_parts("Win rate of the first: a against b") == "첫째의 승률: a 대 b"
        few = said_in_parts("Only 12 prompts and 19 workers: under 30 the interval is approximate.")
        assert "12개" in few
        assert "19명" in few
        assert said_in_parts("a name of somebody's own") == "a name of somebody's own"


def test_a_chart_follows_the_theme_of_its_reader():
    dressed = for_both_themes(SVG)
    assert dressed.startswith('<svg width="9"><style>')
    assert "prefers-color-scheme: dark" in dressed


def test_a_method_is_said_clause_by_clause_and_names_stay():
    method = "Bradley-Terry, ties as half a win, two-way clustered by prompt and worker, Student t"
    alpha = (
        "jackknife over units, Student t Only 3 units and 6 judges; the interval is approximate."
    )
    assert said_in_parts(method) == method
    with override("ko"):
        assert said_in_parts(method) == (
            "Bradley-Terry, 무승부는 반 승으로 계산, 프롬프트와 작업자별 이원 군집, 스튜던트 t"
        )
        notes = said_in_parts(
            "One prompt only: the interval holds for this prompt, not for others. "
            "Only 11 prompts and 6 workers: under 30 the intervals are approximate."
        )
        assert not {"Only", "One"} & set(notes.split())
        assert re.findall(r"\d+", notes) == ["11", "6", "30"]
        assert said_in_parts(alpha).startswith("단위에 대한 잭나이프, ")


@pytest.mark.django_db(transaction=True)
def test_every_method_and_note_of_a_study_is_in_korean():
    study = factories.make_study(prompts=6, systems=("alpha", "beta", "gamma"), overlap=2)
    for _ in range(2):
        worker = factories.worker_for(study)
        for turn in range(12):
            factories.judge(worker, (1, -1, 0)[turn % 3])
    results = analyse_study(study=study).results
    with override("ko"):
        left = {text for text in methods(results) if said_in_parts(text) == text}
    assert left <= {"majority", "one-coin", "Dawid-Skene", "MACE", "Cohen's kappa", "none"}


def methods(found):
    """Every method and note below ``found``."""
    if isinstance(found, list):
        return set().union(*map(methods, found))
    if not isinstance(found, dict):
        return set()
    own = {found[k] for k in ("method", "note") if isinstance(found.get(k), str) and found[k]}
    return own.union(*map(methods, found.values()))


def test_labels_of_versions_that_stand_close_do_not_cover_each_other():
    share = {"share": 0.0, "low": 0.0, "high": 0.2, "n": 14}
    rates = {"version 1": 0.5, "version 2": 0.54, "terse": 0.2}
    systems = [
        {"system": name, "is_baseline": name == "version 1", "risk": share, "false_refusal": share,
         "benefit": {"win_rate": rate, "low": rate - 0.1, "high": rate + 0.1, "n": 84}}
        for name, rate in rates.items()
    ]  # fmt: skip
    drawn = to_svg(spec_of(risk_chart({"systems": systems, "baseline": "version 1"})))
    heights = {
        name: float(found[1])
        for name in rates
        if (found := re.search(rf'translate\([\d.-]+,([\d.-]+)\)"[^>]*>{name} \([^)]*[;]', drawn))
    }
    assert heights["terse"] == heights["version 1"]
    assert heights["version 1"] - heights["version 2"] >= 12

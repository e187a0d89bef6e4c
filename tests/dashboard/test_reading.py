"""What a researcher reads in the results, and what they do about it."""

import csv
import io
import re

import pytest
from django.urls import reverse
from django.utils.html import escape
from jeoul.comparisons.models import Remark
from jeoul.dashboard.templatetags.jeoul_numbers import basis
from jeoul.results.actions import analyse_study
from jeoul.studies.models import PromptSet

from tests import factories
from tests.dashboard.browsing import client_of

pytestmark = pytest.mark.django_db


def test_exclusion_is_seen_in_the_results_and_can_be_taken_back(judged):
    client = client_of(factories.owner_of(judged))
    worker = judged.enrolments.first().worker.pseudonym
    client.post(
        reverse("worker-exclude", args=[judged.uuid, worker]), {"reason": "asked to be left out"}
    )
    results = analyse_study(study=judged).results
    assert results["excluded_judgements"] == 12
    assert results["with_excluded"][0]["judgements"] == 36
    assert_every_interval_says_how_it_was_made(
        client.get(reverse("study-results", args=[judged.uuid])).text, results
    )
    client.post(reverse("worker-include", args=[judged.uuid, worker]))
    assert analyse_study(study=judged).results["excluded_judgements"] == 0
    # The results from before are there already, and the pages show them again.
    page = client.get(reverse("study-results", args=[judged.uuid]))
    assert page.context["results"]["excluded_judgements"] == 0
    assert not page.context["waiting"]


def assert_every_interval_says_how_it_was_made(page, results):
    (criterion,), (whole,) = results["criteria"], results["with_excluded"]
    models, hazards = criterion["models"], results["hazards"]
    rows = [*criterion["pairs"], criterion["fit"], *whole["pairs"], hazards, results["position"]]
    rows += [s["benefit"] for s in hazards["systems"] if s["benefit"]]
    rows += [pair for part in results["slices"] for pair in part["pairs"]]
    rows += [m for m in (models["davidson"], models["position"]) if "error" not in m]
    for row in rows:
        assert row["method"]
        assert escape(basis(row)) in page
    assert f"n = {results['seconds']['n']} judgements" in page


def test_what_an_exclusion_would_change_says_how_it_was_computed(judged):
    client = client_of(factories.owner_of(judged))
    worker = judged.enrolments.first().worker.pseudonym
    answer = client.get(reverse("worker-effect", args=[judged.uuid, worker]))
    effect = answer.context["effect"]
    for row in (*effect.pairs_before, effect.fit):
        assert row["method"]
        assert escape(basis(row)) in answer.text


def test_a_text_is_found_in_prompts_answers_and_reasons_but_not_in_what_is_sealed(judged):
    client = client_of(factories.owner_of(judged))
    judgement = judged.judgements.first()
    Remark.objects.create(
        judgement=judgement, criterion=judged.criteria.get(is_overall=True), text="Zweifel"
    )
    url = reverse("comparison-list", args=[judged.uuid])
    asked = judgement.comparison.prompt.messages[-1]["content"]

    def found(text):
        return len(client.get(url, {"text": text}).context["comparisons"].rows)

    assert found("zweifel") == 1
    assert found(asked) >= 1
    assert found("nowhere at all") == 0
    PromptSet.objects.update(sealed=True)
    assert (found(asked), found("zweifel")) == (0, 0)
    assert found(judgement.comparison.prompt.key) >= 1


def test_each_chart_says_its_finding_to_those_who_do_not_see_it(judged):
    client = client_of(factories.owner_of(judged))
    url = reverse("study-results", args=[judged.uuid])
    results = judged.analyses.first().results
    pair = results["criteria"][0]["pairs"][0]
    best = results["criteria"][0]["ranking"][0]
    said = re.findall(r'<img src="[^"]*charts/[^"]*" alt="([^"]*)"', client.get(url).text)
    assert all(said)
    shares = f"{100 * pair['wins_a'] / pair['n']:.0f} % wins"
    assert any(f"{pair['system_a']} against {pair['system_b']}: {shares}" in alt for alt in said)
    assert any(alt.startswith(f"1. {best['system']}, score {best['score']:+.2f}") for alt in said)
    assert any("is preferred to" in alt for alt in said)
    korean = client.get(url, headers={"accept-language": "ko"}).text
    said = re.findall(r'<img src="[^"]*charts/[^"]*" alt="([^"]*)"', korean)
    assert any(alt.startswith(f"1위 {best['system']}") for alt in said)


def test_a_charts_numbers_come_with_it(judged):
    client = client_of(factories.owner_of(judged))
    url = reverse("study-chart", args=[judged.uuid, "pairs-overall", "csv"])
    response = client.get(url)
    assert "attachment" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert sum(float(r["share"]) for r in rows if r["pair"] == rows[0]["pair"]) == pytest.approx(1)
    assert "ink" not in rows[0]


def test_a_dispute_is_adjudicated_and_a_contest_is_on_the_trail(judged):
    client = client_of(factories.owner_of(judged))
    comparison = judged.comparisons.first()
    place = [judged.uuid, comparison.uuid]
    client.post(reverse("comparison-adjudicate", args=place), {"outcome": "1", "note": "sources"})
    client.post(reverse("comparison-adjudicate", args=place), {"outcome": "9"})
    assert [a.outcome for a in comparison.adjudications.all()] == [1]
    assert "sources" in client.get(reverse("comparison-detail", args=place)).content.decode()
    person = [judged.uuid, judged.enrolments.first().worker.pseudonym]
    client.post(reverse("worker-note", args=person), {"kind": "contest", "text": "I read it all"})
    client.post(reverse("worker-note", args=person), {"kind": "rumour", "text": "no"})
    page = client.get(reverse("worker-detail", args=person)).content.decode()
    assert "I read it all" in page
    assert "rumour" not in page


def test_a_report_is_short_and_whole_and_prints_further_tables_when_they_are_opened(judged):
    client = client_of(factories.owner_of(judged))
    url = reverse("study-report", args=[judged.uuid])
    short, whole = client.get(url).text, client.get(f"{url}?all").text
    analysis = judged.analyses.first()
    named = (judged.plan_hash, analysis.fingerprint, f"Jeoul {analysis.code_version}", "(Holm)")
    for said in (*named, "Bradley and Terry 1952", "level of intervals: 95 %"):
        assert said in short
    assert (short.count("<details"), short.count(" open><summary>")) == (whole.count("<details"), 0)
    assert whole.count(" open><summary>") == whole.count('<details class="more"') > 2
    korean = client.get(url, headers={"accept-language": "ko"}).text
    assert "구간의 수준: 95%" in korean
    assert "two-way" not in korean

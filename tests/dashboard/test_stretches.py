"""Long lists go on from where the last page ended; what takes long is left to a job."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from jeoul.dashboard.views import results as views
from jeoul.results import effects, gate_state
from jeoul.results.actions import analyse_study
from jeoul.studies.gate_actions import set_gate

from tasks import analyses
from tests import factories

pytestmark = pytest.mark.django_db


def client_of(study) -> Client:
    client = Client()
    client.force_login(factories.owner_of(study))
    return client


def keys(page: str) -> list[str]:
    return re.findall(r'/comparisons/[0-9a-f-]{36}/">(p\d+)', page)


def link(page: str, rel: str) -> str:
    found = re.search(rf'href="([^"]*)" rel="{rel}"', page)
    return found[1].replace("&amp;", "&") if found else ""


def test_a_long_list_is_walked_to_its_end_and_back():
    study = factories.make_study(prompts=120)
    client = client_of(study)
    at = reverse("comparison-list", args=[study.uuid])
    whole = list(study.comparisons.order_by("position", "pk").values_list("prompt__key", flat=True))
    pages = [client.get(at).text]
    while following := link(pages[-1], "next"):
        pages.append(client.get(at + following).text)
    assert [key for page in pages for key in keys(page)] == whole
    assert len(pages) == 3
    back = client.get(at + link(pages[-1], "prev")).text
    assert keys(back) == keys(pages[1])
    assert keys(client.get(at + link(back, "prev")).text) == keys(pages[0])


def test_a_search_reads_a_part_at_a_time_and_goes_on_by_itself(monkeypatch):
    monkeypatch.setattr(views, "_LOOK_AT_TEXTS", 7)
    study = factories.make_study(prompts=30)
    client = client_of(study)
    at = reverse("comparison-list", args=[study.uuid])
    last = study.comparisons.order_by("position").last().prompt.key
    page = client.get(at, {"text": f"** {last[1:]} by"}).text
    found, looks = keys(page), 1
    while following := re.search(r'hx-get="([^"]*)" hx-trigger="load"', page):
        page = client.get(at + following[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
        page = page.text
        assert "<h1>" not in page  # only the part
        found += keys(page)
        looks += 1
    assert (found, looks) == ([last], 5)
    nothing = client.get(at, {"text": "not to be found"}).text
    assert "Looking through" in nothing


def test_a_large_study_waits_for_a_job_not_for_the_page(monkeypatch):
    for module in (effects, gate_state):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    study = factories.make_study(prompts=6)
    workers = [factories.worker_for(study) for _ in range(3)]
    for worker in workers:
        for _turn in range(6):
            factories.judge(worker)
    analyse_study(study=study)
    condition = {"claim": "better", "system": "alpha", "baseline": "beta"}
    owner = factories.owner_of(study)
    set_gate(study=study, actor=owner, rule={"conditions": [condition]}, reason="a test")
    person, client = workers[0].worker, client_of(study)
    effect = reverse("worker-effect", args=[study.uuid, person.pseudonym])
    gate = reverse("study-gate", args=[study.uuid])
    assert "are being computed" in client.get(effect).text
    assert "is being computed" in client.get(gate).text
    analyses.effect(study.pk, person.pk)
    analyses.gate(study.pk)
    judged = study.judgements.count()
    assert f"{judged} judgements now, 12 without" in client.get(effect).text
    assert "All of them must hold" in client.get(gate).text

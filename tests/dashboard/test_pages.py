"""Every page of the dashboard answers, belongs to its people only, and asks few queries."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from jeoul.conduct import figures, parts
from jeoul.dashboard.views import generation
from jeoul.results.actions import analyse_study
from jeoul.results.drift import close_round
from jeoul.risk.actions import hold_for_review
from jeoul.studies.models import OutputState
from jeoul.studies.systems_actions import create_connection, create_system_version
from jeoul.studies.uploads import store_upload
from jeoul.studies.watching import begin_round, outputs_of, start_watch

from tests import factories
from tests.dashboard.browsing import client_of

pytestmark = pytest.mark.django_db

STUDY_PAGES = (
    "study-detail", "study-results", "study-report", "comparison-list", "worker-list",
    "output-list", "report-list", "study-money", "run-list", "review-list", "study-way",
    "study-audit", "study-gate",
)  # fmt: skip
SET_PAGES = ("prompt-set-detail", "alike-list", "contamination-list", "outputs-import")
OWN_PAGES = (
    "study-list", "study-create", "prompt-set-list", "prompt-set-import", "system-list",
    "system-create", "connection-create", "vendor-list", "account",
)  # fmt: skip


def addresses(study):
    comparison = study.comparisons.first()
    worker = study.enrolments.first().worker.pseudonym
    return [reverse(name, args=[study.uuid]) for name in STUDY_PAGES] + [
        reverse("comparison-detail", args=[study.uuid, comparison.uuid]),
        reverse("worker-detail", args=[study.uuid, worker]),
        *(reverse(name, args=[study.prompt_set_version.prompt_set.uuid]) for name in SET_PAGES),
        reverse("output-detail", args=[study.uuid, comparison.output_a.uuid]),
        reverse("system-detail", args=[study.systems.first().system.uuid]),
        reverse("comparison-detail", args=[study.uuid, comparison.uuid]) + "?diff",
        reverse("worker-effect", args=[study.uuid, worker]),
        reverse("comparison-list", args=[study.uuid])
        + f"?verdict=0&worker={worker}&flag=1&slice=category:x&show=disputed",
        reverse("study-chart", args=[study.uuid, "pairs-overall", "svg"]),
        reverse("study-chart", args=[study.uuid, "ranking-overall", "png"]),
        reverse("study-chart", args=[study.uuid, "matrix", "csv"]),
        reverse("study-export", args=[study.uuid, "judgements", "csv"]),
    ]


def test_every_page_answers_its_owner(judged):
    client = client_of(factories.owner_of(judged))
    for address in addresses(judged) + [reverse(name) for name in OWN_PAGES]:
        response = client.get(address)
        assert response.status_code == 200, address


def test_a_stranger_gets_404_and_nobody_gets_the_login(judged):
    stranger = client_of(factories.make_user())
    for address in addresses(judged):
        assert stranger.get(address).status_code == 404, address
        assert Client().get(address).status_code == 302, address


def test_queries_do_not_grow_with_rows(judged):
    client = client_of(factories.owner_of(judged))
    big = factories.make_study(owner=factories.owner_of(judged), prompts=30,
                               systems=("alpha", "beta", "gamma"))  # fmt: skip
    for _ in range(8):
        worker = factories.worker_for(big)
        for _turn in range(20):
            factories.judge(worker)
    analyse_study(study=big)
    for pair in zip(addresses(judged), addresses(big), strict=True):
        counts = [queries_of(client, address) for address in pair]
        assert counts[1] <= counts[0] + 1, (pair[1], counts)


def seldom(many: int) -> tuple[Client, list[str]]:
    """Pages of a vendor, a watch, an upload, a review and a prompt set, with so many rows each."""
    owner = factories.make_user()
    study = factories.make_study(owner=owner, prompts=many)
    version = study.prompt_set_version
    for worker in [factories.worker_for(study) for _ in range(many)]:
        factories.judge(worker)
    for prompt in version.prompts.all():
        hold_for_review(study=study, prompt_id=prompt.pk, kinds=["harmful"])
    connection_row = create_connection(owner=owner, name="c", base_url="http://127.0.0.1:9/v1")
    asked = create_system_version(owner=owner, name="asked", connection=connection_row, model="m")
    watch = start_watch(owner=owner, version=asked, prompts=version)
    for _round in range(many):
        begin_round(watch_id=watch.pk)
        made = watch.rounds.get(finished_at=None)
        outputs_of(made).update(state=OutputState.DONE, text="Yes.")
        close_round(made=made)
    file = {"kind": "jsonl", "file_name": "a.jsonl", "take_good": False, "sealed": False}
    upload = store_upload(owner=owner, name="large", chunks=[b"{}"], **file)
    return client_of(owner), [
        reverse("review-list", args=[study.uuid]),
        reverse("review-detail", args=[study.uuid, study.review_items.first().uuid]),
        reverse("vendor-detail", args=[study.invites.first().vendor.uuid]),
        reverse("watch-detail", args=[watch.uuid]),
        reverse("watch-chart", args=[watch.uuid]),
        reverse("prompt-upload-detail", args=[upload.uuid]),
        reverse("connection-detail", args=[connection_row.uuid]),
        reverse("study-gate", args=[study.uuid]),
    ]


def test_queries_of_pages_that_are_seldom_seen_do_not_grow_with_their_rows():
    (one, short), (other, long) = seldom(2), seldom(6)
    for few, many in zip(short, long, strict=True):
        counts = queries_of(one, few), queries_of(other, many)
        assert counts[1] <= counts[0] + 1, (many, counts)


def test_queries_of_the_lists_do_not_grow_with_what_a_researcher_owns():
    user = factories.make_user()
    client = client_of(user)
    counts = {name: [] for name in OWN_PAGES}
    for more in (1, 4):
        for number in range(more):
            names = (f"a{more}{number}", f"b{more}{number}")
            study = factories.make_study(owner=user, systems=names)
            factories.judge(factories.worker_for(study))
            create_connection(owner=user, name=names[0], base_url="http://127.0.0.1:9/v1")
        for name in OWN_PAGES:
            counts[name].append(queries_of(client, reverse(name)))
    assert {n: c for n, c in counts.items() if c[1] > c[0] + 1} == {}


def queries_of(client, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_a_page_of_many_rows_is_there_before_they_are_counted(judged, monkeypatch):
    monkeypatch.setattr(figures, "FEW", 5)
    monkeypatch.setattr(parts, "FEW", 5)
    monkeypatch.setattr(generation, "_FEW", 5)
    client, htmx = client_of(factories.owner_of(judged)), {"HX-Request": "true"}
    for name, part, said in (
        ("study-detail", "progress", ">36 <small>/ 54</small>"),
        ("study-detail", "parts", 'class="num">36 / 54</span>'),
        ("output-list", "generation", ">18 <small>/ 18</small>"),
    ):
        address = reverse(name, args=[judged.uuid])
        page = client.get(address).content.decode()
        assert said not in page
        assert f'hx-get="{address}?part={part}" hx-trigger="load"' in page
        # Without a script, by a link; with one, the part alone, and then the page has it too.
        assert said in client.get(f"{address}?now=1").content.decode()
        cache.clear()
        part = client.get(f"{address}?part={part}", headers=htmx).content.decode()
        assert said in part
        assert "<html" not in part
        assert said in client.get(address).content.decode()

"""Pausing and ending a worker's work, what they read of it, and how they contest it."""

import pytest
from django.test import Client
from django.urls import reverse
from jeoul.accounts.models import AuditEvent
from jeoul.base import InvalidInput
from jeoul.quality.actions import exclude_worker
from jeoul.quality.standing import AnswerAwaited, contest, contests_waiting, set_standing
from jeoul.workers.actions import token_of

from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment():
    return factories.worker_for(factories.make_study(prompts=2, overlap=1))


def researcher(enrolment):
    client = Client()
    client.force_login(factories.owner_of(enrolment.study))
    return client, [enrolment.study.uuid, enrolment.worker.pseudonym]


def test_a_paused_worker_reads_why_contests_and_reads_the_answer(client, enrolment):
    team, person = researcher(enrolment)
    mine = f"/w/{token_of(enrolment)}/"
    team.post(reverse("worker-state", args=person), {"state": "removed", "reason": ""})
    assert client.get(f"{mine}compare/").status_code == 200
    assert "rests for now" not in client.get(f"{mine}compare/").content.decode()
    team.post(reverse("worker-state", args=person), {"state": "paused", "reason": "Very fast."})
    page = client.get(f"{mine}compare/").content.decode()
    assert "Your part rests for now" in page
    assert "Very fast." in page
    assert client.post(f"{mine}standing/", {"text": "I <b>know</b> these."}).status_code == 303
    assert contests_waiting(enrolment.study) == [enrolment.worker.pseudonym]
    listed = team.get(reverse("worker-list", args=person[:1])).content.decode()
    assert "wait for an answer" in listed
    team.post(reverse("worker-note", args=person), {"kind": "answer", "text": "You are right."})
    assert contests_waiting(enrolment.study) == []
    page = client.get(f"{mine}standing/").content.decode()
    assert "I &lt;b&gt;know&lt;/b&gt; these." in page
    assert "You are right." in page
    team.post(reverse("worker-state", args=person), {"state": "active"})
    assert "Save and go on" in client.get(f"{mine}compare/").content.decode()
    verbs = AuditEvent.objects.filter(object_uuid=enrolment.worker.uuid).values_list("verb")
    assert [v for (v,) in verbs] == [
        "worker.active", "worker.answer", "worker.contest", "worker.paused"
    ]  # fmt: skip


def test_who_is_left_out_of_the_results_is_told_and_may_answer(client, enrolment):
    owner = factories.owner_of(enrolment.study)
    mine = f"/w/{token_of(enrolment)}/"
    assert "does not count" not in client.get(f"{mine}leave/").content.decode()
    exclude_worker(study=enrolment.study, worker=enrolment.worker, actor=owner, reason="One side.")
    page = client.get(f"{mine}leave/").content.decode()
    assert "does not count your answers" in page
    assert "One side." in page
    assert f"{mine}standing/" in page


def test_what_cannot_be_kept_comes_back_as_it_was_typed(client, enrolment):
    mine = f"/w/{token_of(enrolment)}/standing/"
    long = "word " * 500
    refused = client.post(mine, {"text": long})
    assert refused.status_code == 422
    assert long.strip() in refused.content.decode()
    assert client.post(mine, {"text": "  "}).status_code == 422
    for _ in range(3):
        contest(enrolment=enrolment, text="Please look again.")
    with pytest.raises(AnswerAwaited):
        contest(enrolment=enrolment, text="And again.")
    assert client.post(mine, {"text": "And again."}).status_code == 409


def test_nobody_is_paused_without_a_reason_or_into_an_unknown_state(enrolment):
    owner = factories.owner_of(enrolment.study)
    given = {"study": enrolment.study, "worker": enrolment.worker, "actor": owner}
    with pytest.raises(InvalidInput):
        set_standing(**given, state="paused", reason=" ")
    with pytest.raises(InvalidInput):
        set_standing(**given, state="gone", reason="x")

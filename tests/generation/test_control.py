"""Limits, the circuit breaker, the cap, pauses, new generations, in one process."""

import json
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from jeoul.accounts.actions import make_token
from jeoul.base import InvalidInput
from jeoul.comparisons.building import build_comparisons
from jeoul.studies.actions import WrongState, update_draft
from jeoul.studies.generation.actions import outputs_due
from jeoul.studies.generation.control import (
    pause_generation,
    rerun_outputs,
    resume_generation,
    retry_failed,
    use_generation,
)
from jeoul.studies.generation.estimating import count_tokens, estimate_study
from jeoul.studies.generation.limits import BREAKS_AT, room_of, spent_on
from jeoul.studies.generation.progress import generation_progress
from jeoul.studies.generation.pump import Pump
from jeoul.studies.generation.retention import forget_attempts
from jeoul.studies.generation.taking import give_back, turn
from jeoul.studies.models import Attempt, Connection, Output, Study, SystemVersion
from jeoul.studies.running import due_outputs
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Response

from tasks.generation import Gathered
from tests import factories
from tests.generation.test_generation import answer, expect, study_on, url_of
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db


def pump(seconds=PATIENCE, **more):
    """The job of the only connection, here; ids of what it stored."""
    stored = []
    Pump(Connection.objects.get().pk, on_stored=stored.extend, **more).run(seconds)
    return stored


def replying(httpserver, *responses):
    """Each response once, then good answers."""
    left, lock = list(responses), threading.Lock()

    def reply(request):
        with lock:
            response = left.pop(0) if left else None
        return response or Response(json.dumps(answer()), content_type="application/json")

    expect(httpserver).respond_with_handler(reply)


def test_a_pump_makes_everything_once_and_counts_each_try(httpserver):
    replying(httpserver, Response("slow down", 429, {"Retry-After": "0"}))
    study = study_on(url_of(httpserver), prompts=6, concurrency=4, price_in=1, price_out=1)
    stored = pump()
    assert sorted(stored) == sorted(Output.objects.values_list("pk", flat=True))
    assert Attempt.objects.count() == 13
    progress = generation_progress(study)
    assert (progress.done, progress.failed, progress.percent) == (12, 0, 100)
    assert progress.completion_tokens == 60
    assert progress.cost == progress.spent == Decimal("0.000144")
    assert Attempt.objects.filter(error_code="http_429", error_message__contains="slow").exists()


def test_a_wrong_key_opens_the_circuit_and_the_rest_waits(httpserver):
    expect(httpserver).respond_with_json({"error": {"message": "bad key"}}, status=401)
    study = study_on(url_of(httpserver), prompts=20, concurrency=1)
    pump()
    progress = generation_progress(study)
    assert (progress.failed, progress.due) == (BREAKS_AT, 40 - BREAKS_AT)
    assert progress.holds[0].reason == "http_401: bad key"
    assert len(httpserver.log) == BREAKS_AT
    # Half open: one request when the time is over, and the pause grows.
    connection = Connection.objects.get()
    Connection.objects.update(hold_until=timezone.now() - timedelta(seconds=1))
    pump()
    assert len(httpserver.log) == BREAKS_AT + 1
    assert Connection.objects.get().hold_until > connection.hold_until
    # Trying again says that something was mended.
    httpserver.clear()
    expect(httpserver).respond_with_json(answer())
    assert retry_failed(study=study, code="http_404") == 0
    assert retry_failed(study=study, code="http_401") == BREAKS_AT + 1
    pump()
    assert generation_progress(study).done == 40


def test_fast_refusals_among_slow_answers_do_not_open_the_circuit(httpserver):
    """A refusal comes at once and an answer later, so refusals stand in a row though few fail."""
    replying(httpserver, *[Response("slow down", 429, {"Retry-After": "0"}) for _ in range(7)])
    study = study_on(url_of(httpserver), prompts=10, concurrency=20)
    pump()
    assert generation_progress(study).done == 20
    assert Connection.objects.get().hold_until is None


def test_a_fault_of_one_request_says_nothing_about_the_connection(httpserver):
    expect(httpserver).respond_with_json({"error": {"message": "too long"}}, status=400)
    study = study_on(url_of(httpserver), prompts=5)
    pump()
    assert generation_progress(study).failures == [("http_400", 10)]
    assert Connection.objects.get().hold_until is None


def test_nothing_is_asked_beyond_the_cap(httpserver):
    """Each request reserves its 10 answer tokens, 1 USD; two and a half fit at first."""
    replying(httpserver)
    study = study_on(
        url_of(httpserver), prompts=4, concurrency=8, price_out=Decimal(100_000),
        sampling={"max_tokens": 10},
    )  # fmt: skip
    Study.objects.filter(pk=study.pk).update(generation_cap=Decimal("2.5"))
    study.refresh_from_db()
    job = Pump(Connection.objects.get().pk, on_stored=lambda ids: None)
    with capture_logs() as logs:
        # What is due and may not be paid is no reason to stay, nor to come back before a sweep.
        assert job.run(PATIENCE) is None
    assert [row["study"] for row in logs if row["event"] == "generation.at_cap"] == [
        str(study.uuid)
    ]
    # 5 tokens each in truth: what was not used goes back and makes room.
    assert generation_progress(study).spent <= Decimal("2.5")
    assert len(httpserver.log) == 4
    progress = generation_progress(study)
    assert progress.at_cap
    assert progress.seconds_left is None
    assert progress.due == 4
    assert estimate_study(study).over_cap
    Study.objects.filter(pk=study.pk).update(generation_cap=None)
    pump()
    assert generation_progress(study).done == 8


def test_tokens_per_minute_hold(httpserver):
    replying(httpserver)
    study_on(
        url_of(httpserver), prompts=5, concurrency=8, tokens_per_minute=110,
        sampling={"max_tokens": 90},
    )  # fmt: skip
    pump(5)
    assert len(httpserver.log) == 2


def test_a_paused_study_is_not_asked_and_another_may_take_its_outputs_over(httpserver):
    replying(httpserver)
    study = study_on(url_of(httpserver))
    actor = factories.owner_of(study)
    pause_generation(study=study, actor=actor)
    assert outputs_due(limit=10) == []
    assert pump() == []
    resume_generation(study=study, actor=actor)
    assert len(outputs_due(limit=10)) == 2
    pause_generation(study=study, actor=actor)
    other = Study.objects.create(
        title="other", slug="other", prompt_set_version=study.prompt_set_version
    )
    for at, version in enumerate(study.systems.all()):
        other.entries.create(system_version=version, position=at)
    assert due_outputs(study=other) == 0
    assert len(pump()) == 2


def test_a_rerun_lies_beside_and_replaces_nothing(httpserver):
    expect(httpserver).respond_with_json(answer("old"))
    study = study_on(url_of(httpserver))
    actor = factories.owner_of(study)
    with pytest.raises(WrongState):
        rerun_outputs(study=study, actor=actor, reason="too early")
    pump()
    shown = set(study.comparisons.values_list("output_a", "output_b"))
    with pytest.raises(InvalidInput):
        rerun_outputs(study=study, actor=actor, reason=" ")
    assert rerun_outputs(study=study, actor=actor, reason="the provider changed") == 2
    httpserver.clear()
    expect(httpserver).respond_with_json(answer("new"))
    pump()
    assert set(Output.objects.current().values_list("text", flat=True)) == {"old"}
    assert set(Output.objects.filter(generation=1).values_list("text", flat=True)) == {"new"}
    assert use_generation(study=study, actor=actor, generation=1) == 2
    assert set(Output.objects.current().values_list("text", flat=True)) == {"new"}
    build_comparisons(study=study)
    assert set(study.comparisons.values_list("output_a", "output_b")) == shown


def test_an_estimate_counts_before_and_measures_after(httpserver):
    replying(httpserver)
    study = study_on(
        url_of(httpserver), prompts=2, price_in=Decimal(1), price_out=Decimal(2),
        sampling={"max_tokens": 50},
    )  # fmt: skip
    before = estimate_study(study).systems[0]
    assert (before.basis, before.answer_tokens, before.left) == ("limit", 50, 2)
    assert before.cost_left == pytest.approx(2 * (Decimal(before.prompt_tokens) + 100) / 1_000_000)
    pump()
    after = estimate_study(study).systems[0]
    assert (after.basis, after.answer_tokens, after.left) == ("measured", 5, 0)
    assert count_tokens([{"role": "user", "content": "안녕하세요"}]) > count_tokens(
        [{"role": "user", "content": "hello"}]
    )


def test_a_pump_that_is_told_to_end_gives_back_what_is_under_way(httpserver):
    began, stop, over = threading.Event(), threading.Event(), threading.Event()

    def hang(request):
        began.set()
        over.wait(PATIENCE)
        return Response("late", 500)

    expect(httpserver).respond_with_handler(hang)
    study_on(url_of(httpserver), prompts=3, concurrency=2)
    threading.Thread(target=lambda: (began.wait(), stop.set()), daemon=True).start()
    pump(stop=stop)
    over.set()
    assert set(Output.objects.values_list("state", flat=True)) == {"due"}
    assert len(outputs_due(limit=10)) == 6
    # One more waited for a place: it was never asked, so that no try is left of it.
    assert set(Attempt.objects.values_list("error_code", flat=True)) == {"lost"}
    assert sorted(Output.objects.values_list("attempts", flat=True)) == [0, 0, 0, 0, 1, 1]


def test_what_waits_for_a_place_takes_none_and_follows_an_answer_at_once():
    lock, under_way, most = threading.Lock(), [0], [0]

    def reply(request):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        threading.Event().wait(0.05)
        with lock:
            under_way[0] -= 1
        return Response(json.dumps(answer()), content_type="application/json")

    with HTTPServer(threaded=True) as server:
        expect(server).respond_with_handler(reply)
        study = study_on(url_of(server), prompts=6, concurrency=2)
        connection = Connection.objects.get()
        leases = turn(connection_id=connection.pk, slots=2, ahead=3).leases
        assert [held.waits for held in leases] == [False, False, True, True, True]
        assert room_of(connection, timezone.now()).requests == 0
        give_back(leases[:1])
        assert room_of(connection, timezone.now()).requests == 1
        give_back(leases[1:])
        pump()
        assert generation_progress(study).done == 12
        assert most[0] <= 2
    assert not Attempt.objects.filter(asked=False).exists()
    # With a rate it would be counted in another minute than it is asked in.
    Connection.objects.update(requests_per_minute=100)
    rerun_outputs(study=study, actor=factories.owner_of(study), reason="again")
    assert len(turn(connection_id=connection.pk, slots=2, ahead=3).leases) == 2


def test_a_pause_in_the_middle_asks_for_little_more(httpserver):
    replying(httpserver)
    study = study_on(url_of(httpserver), prompts=20, concurrency=2)
    job = Pump(
        Connection.objects.get().pk,
        on_stored=lambda ids: pause_generation(study=study, actor=factories.owner_of(study)),
    )
    job.run(20)
    progress = generation_progress(study)
    # Two under way, one that waited, and what took their places until the next look.
    assert progress.due >= 30
    assert progress.due + progress.done == 40


def test_a_draft_may_set_its_cap(httpserver):
    study = factories.make_study(start=False)
    update_draft(
        study=study, actor=factories.owner_of(study), settings={"generation_cap": Decimal(5)}
    )
    assert Study.objects.get(pk=study.pk).generation_cap == 5


def test_the_cap_and_what_contamination_leaves_out_are_planned_and_amended(client, httpserver):
    """On the study's form, by an amendment on its page, and over the API."""
    study = study_on(url_of(httpserver))
    owner = factories.owner_of(study)
    client.force_login(owner)
    page = client.get(reverse("study-detail", args=[study.uuid])).content.decode()
    assert 'name="generation_cap"' in page
    said = {"overlap": 3, "generation_cap": "2.5", "contamination": "dirty", "reason": "agreed"}
    client.post(reverse("study-amend", args=[study.uuid]), said)
    study.refresh_from_db()
    assert (study.generation_cap, study.contamination) == (Decimal("2.5"), "dirty")
    assert set(study.amendments.get().change) == {"generation_cap", "contamination"}
    _, token = make_token(user=owner, name="t")

    def send(path, data, method="post"):
        return getattr(client, method)(
            f"/api/v1/{path}", data=json.dumps(data), content_type="application/json",
            headers={"authorization": f"Bearer {token}", "idempotency-key": str(data)},
        ).json()  # fmt: skip

    change = {"reason": "r", "contamination": "nothing", "risk_policy": {"empty": "hold"}}
    send(f"studies/{study.uuid}/amendments/", change)
    study.refresh_from_db()
    assert (study.contamination, study.risk_policy) == ("nothing", {"empty": "hold"})
    draft = factories.make_study(owner=owner, start=False)
    kept = {"contamination": "not_clean", "risk_policy": {"harmful": "leave_out"}}
    made = send(f"studies/{draft.uuid}/", kept, "patch")
    assert {name: made[name] for name in kept} == kept
    assert (
        'value="not_clean" selected'
        in client.get(reverse("study-edit", args=[draft.uuid])).content.decode()
    )


def test_a_system_with_examples_on_a_plain_service_is_made_by_command(httpserver, tmp_path):
    httpserver.expect_request("/say", method="POST").respond_with_json({"out": {"text": "Hm."}})
    examples = tmp_path / "shots.jsonl"
    examples.write_text('{"user": "One?", "assistant": "Two."}\n')
    template = tmp_path / "request.json"
    template.write_text('{"chat": "{messages}"}')
    study = study_on(url_of(httpserver))
    call_command(
        "create_system", "plain", "--owner", factories.owner_of(study).username,
        "--base-url", httpserver.url_for("/say"), "--protocol", "http", "--model", "m-2026-01-01",
        "--request-template", f"@{template}", "--answer-paths", '{"text": "out.text"}',
        "--examples", str(examples),
    )  # fmt: skip
    version = SystemVersion.objects.get(system__name="plain")
    assert version.examples == [{"user": "One?", "assistant": "Two."}]
    Output.objects.filter(pk=Output.objects.first().pk).update(system_version=version)
    Pump(version.connection.pk, on_stored=lambda ids: None).run(PATIENCE)
    assert version.outputs.get().text == "Hm."
    asked = httpserver.log[-1][0].get_json()["chat"]
    assert [m["content"] for m in asked][:2] == ["One?", "Two."]
    with pytest.raises(CommandError, match="--answer-paths is not JSON"):
        call_command("create_system", "x", "--base-url", "https://a.example", "--answer-paths", "{")


def test_old_tries_are_forgotten_and_what_they_cost_still_counts_against_the_cap(httpserver):
    expect(httpserver).respond_with_json(answer())
    study = study_on(url_of(httpserver), price_in=Decimal(1000), price_out=Decimal(1000))
    pump()
    before = spent_on(Study.objects.get(pk=study.pk))
    tries = Attempt.objects.count()
    assert before > 0
    assert forget_attempts(before=timezone.now() - timedelta(days=1)) == 0
    assert forget_attempts(before=timezone.now() + timedelta(days=1)) == tries
    assert not Attempt.objects.exists()
    assert spent_on(Study.objects.get(pk=study.pk)) == before
    assert forget_attempts(before=timezone.now() + timedelta(days=1)) == 0


def test_a_plan_is_amended_by_command(httpserver, capsys):
    study = study_on(url_of(httpserver))
    name = factories.owner_of(study).username
    call_command(
        "amend_study", study.slug, '{"generation_cap": 7}', "--reason", "r", "--owner", name,
        "--json",
    )  # fmt: skip
    assert json.loads(capsys.readouterr().out)["change"]["generation_cap"]["to"] == "7"
    with pytest.raises(CommandError, match="Unknown or fixed setting"):
        call_command("amend_study", study.slug, '{"seed": 1}', "--reason", "r", "--owner", name)


def test_texts_to_scan_are_sent_on_together_and_soon(monkeypatch):
    sent = []
    scans = Gathered(sent.append)
    monkeypatch.setattr(Gathered, "_LONGEST_SECONDS", 1000)
    scans(list(range(60)))
    scans([])
    assert sent == []
    scans(list(range(60, 120)))
    assert sent == [list(range(120))]
    scans([7])
    monkeypatch.setattr(Gathered, "_LONGEST_SECONDS", -1)
    scans([])  # a turn without an answer: what waits has waited long enough
    scans([])
    scans.send()
    assert sent[1:] == [[7]]

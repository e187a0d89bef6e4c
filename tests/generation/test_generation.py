"""Provider trouble, in process and through a real Celery worker: one output each, nothing lost."""

import json
import os
import signal
import time
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.utils import timezone
from jeoul.comparisons.building import build_comparisons
from jeoul.studies.actions import create_study
from jeoul.studies.generation.actions import (
    backoff,
    generate_output,
    outputs_due,
    take_output,
)
from jeoul.studies.models import Output, OutputState, StudyState
from jeoul.studies.prompt_actions import import_prompts
from jeoul.studies.running import due_outputs, move_study
from jeoul.studies.systems_actions import create_connection, create_system_version
from jeoul.studies.watching import start_watch
from werkzeug import Request, Response

from tests import conftest, factories
from tests.waiting import until

KEY = "sk-secret-of-the-test"


def answer(text="An answer.", finish="stop", **message):
    return {
        "id": "req-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2026-01-01",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text} | message,
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }


def study_on(url, *, prompts=1, systems=1, sampling=None, **options):
    owner = factories.make_user()
    connection = create_connection(
        owner=owner, name="c", base_url=f"{url}/v1", **({"key": KEY} | options)
    )
    version, _ = import_prompts(
        owner=owner, name="set", text=factories.prompts_text(prompts), kind="jsonl"
    )
    versions = [
        create_system_version(
            owner=owner,
            name=f"s{n}",
            connection=connection,
            model="m-2026-01-01",
            sampling=sampling,
        )
        for n in range(max(2, systems))
    ]
    study = create_study(
        owner=owner, title="t", prompts=version, systems=versions,
        # The fake provider says the same to everybody, which would be ties without asking.
        settings={"gold_share": 0.0, "risk_policy": {"identical": "show"}},
    )  # fmt: skip
    move_study(study=study, to=StudyState.RUNNING, actor=owner)
    due_outputs(study=study)
    build_comparisons(study=study)
    return study


@pytest.fixture
def provider(httpserver):
    return httpserver


def url_of(provider):
    return provider.url_for("").rstrip("/")


def expect(provider):
    return provider.expect_request("/v1/chat/completions", method="POST")


def again_now(output):
    Output.objects.filter(pk=output.pk).update(due_at=timezone.now())


@pytest.mark.django_db
class TestOneOutput:
    def first(self, provider, **options):
        study_on(url_of(provider), **options)
        return Output.objects.order_by("pk").first()

    def test_an_answer_is_stored_with_what_the_provider_said(self, provider):
        expect(provider).respond_with_json(answer("**Bold**", finish="length"))
        output = self.first(provider, price_in=1, price_out=2)
        assert generate_output(output_id=output.pk)
        output.refresh_from_db()
        assert (output.state, output.text, output.finish_reason) == ("done", "**Bold**", "length")
        assert "<strong>Bold</strong>" in output.html
        assert (output.prompt_tokens, output.completion_tokens) == (7, 5)
        assert float(output.cost) == pytest.approx((7 * 1 + 5 * 2) / 1e6)
        assert output.reported_model == "m-2026-01-01"

    def test_a_second_job_asks_nothing(self, provider):
        expect(provider).respond_with_json(answer())
        output = self.first(provider)
        assert generate_output(output_id=output.pk)
        assert not generate_output(output_id=output.pk)
        assert len(provider.log) == 1

    @pytest.mark.parametrize(
        ("response", "code"),
        [
            (Response("slow down", 429, {"Retry-After": "7"}), "http_429"),
            (Response("oops", 500), "http_500"),
            (Response("{broken", 200, {"Content-Type": "application/json"}), "bad_answer"),
            (Response('{"choices": []}', 200, {"Content-Type": "application/json"}), "bad_answer"),
        ],
    )
    def test_passing_trouble_is_tried_again(self, provider, response, code):
        expect(provider).respond_with_response(response)
        output = self.first(provider)
        before = timezone.now()
        assert not generate_output(output_id=output.pk)
        output.refresh_from_db()
        assert (output.state, output.error_code, output.attempts) == ("due", code, 1)
        if code == "http_429":
            assert output.due_at >= before + timedelta(seconds=7)
        provider.clear()
        expect(provider).respond_with_json(answer())
        again_now(output)
        assert generate_output(output_id=output.pk)

    @pytest.mark.parametrize(
        ("status", "body", "code"),
        [
            (401, {"error": {"message": f"bad key {KEY}", "code": "invalid_api_key"}}, "http_401"),
            (404, {"error": {"message": "no such model"}}, "http_404"),
            (
                429,
                {"error": {"message": "quota", "code": "insufficient_quota"}},
                "http_429",
            ),
        ],
    )
    def test_lasting_trouble_is_shown_by_name_without_the_key(self, provider, status, body, code):
        expect(provider).respond_with_json(body, status=status)
        output = self.first(provider)
        assert not generate_output(output_id=output.pk)
        output.refresh_from_db()
        assert (output.state, output.error_code) == (OutputState.FAILED, code)
        assert body["error"]["message"].replace(KEY, "[key]")[:8] in output.error_message
        assert KEY not in output.error_message
        assert KEY not in output.system_version.connection.key_encrypted
        headers = provider.log[0][0].headers
        assert headers["Authorization"] == f"Bearer {KEY}"

    def test_a_refusal_is_recorded_as_one(self, provider):
        expect(provider).respond_with_json(answer("", finish="content_filter"))
        output = self.first(provider)
        generate_output(output_id=output.pk)
        output.refresh_from_db()
        assert output.state == OutputState.REFUSED

    def test_a_key_from_the_environment_is_read_and_its_absence_named(self, provider, monkeypatch):
        expect(provider).respond_with_json(answer())
        output = self.first(provider, key="", key_env="JEOUL_TEST_KEY")
        monkeypatch.delenv("JEOUL_TEST_KEY", raising=False)
        generate_output(output_id=output.pk)
        output.refresh_from_db()
        assert output.error_code == "key_unavailable"
        assert "JEOUL_TEST_KEY" in output.error_message

    def test_the_lease_of_a_dead_job_ends_and_a_late_answer_changes_nothing(self, provider):
        expect(provider).respond_with_json(answer())
        output = self.first(provider)
        assert take_output(output_id=output.pk)
        assert take_output(output_id=output.pk) is None
        assert output.pk not in outputs_due(limit=10)
        Output.objects.filter(pk=output.pk).update(lease_until=timezone.now())
        assert output.pk in outputs_due(limit=10)
        assert generate_output(output_id=output.pk)

    def test_the_connection_holds_its_concurrency_and_its_rate(self, provider):
        expect(provider).respond_with_json(answer())
        study_on(url_of(provider), prompts=4, concurrency=2, requests_per_minute=3)
        ids = list(Output.objects.order_by("pk").values_list("pk", flat=True))
        assert take_output(output_id=ids[0])
        assert take_output(output_id=ids[1])
        assert take_output(output_id=ids[2]) is None
        Output.objects.filter(pk__in=ids[:2]).update(
            state=OutputState.DONE, finished_at=timezone.now(), lease_until=None
        )
        assert take_output(output_id=ids[3])
        Output.objects.filter(pk=ids[3]).update(
            state=OutputState.DONE, finished_at=timezone.now(), lease_until=None
        )
        assert take_output(output_id=ids[4]) is None


def test_backoff_grows_with_full_jitter_and_keeps_the_providers_wish():
    class Top:
        def uniform(self, low, high):
            return high

    assert [backoff(n, None, Top()) for n in (1, 2, 3, 12)] == [2, 4, 8, 300]
    assert backoff(1, 60.0, Top()) == 60.0


def wait_for_outputs(study):
    outputs = Output.objects.values_list("state", "error_code", "due_at")
    until(lambda: not Output.objects.exclude(state=OutputState.DONE).exists(), lambda: [*outputs])
    # A scan that dies with its worker is queued again after two minutes only (tasks.risk).
    until(lambda: not study.comparisons.filter(ready=False).exists())


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_loses_and_doubles_nothing(provider, process_env, tmp_path):
    """The broker is flushed and the worker killed in the middle; sweeps pick everything up."""
    asked = []

    def reply(request: Request) -> Response:
        asked.append(json.loads(request.data)["messages"][-1]["content"])
        time.sleep(0.15)
        return Response(json.dumps(answer()), content_type="application/json")

    expect(provider).respond_with_handler(reply)
    study = study_on(url_of(provider), prompts=12)
    first = conftest.start_worker(process_env, tmp_path)
    try:
        done = Output.objects.filter(state=OutputState.DONE)
        until(lambda: done.count() >= 4, (tmp_path / "worker.log").read_text)
        redis.Redis.from_url(settings.REDIS_URL).flushdb()
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    # A lease lasts a minute beyond the time-out; the killed job's ends here and now.
    Output.objects.filter(state=OutputState.RUNNING).update(lease_until=timezone.now())
    second = conftest.start_worker(process_env, tmp_path)
    try:
        wait_for_outputs(study)
    finally:
        conftest.end(second)
    assert Output.objects.count() == 24
    assert not Output.objects.filter(text="").exists()
    # Only what was under way when the worker died may have been asked twice.
    assert len(asked) <= 24 + 8


@pytest.mark.django_db(transaction=True)
def test_beat_starts_a_due_watch_and_a_worker_makes_and_closes_its_round(provider, celery_worker):
    expect(provider).respond_with_json(answer())
    study = study_on(url_of(provider))
    watch = start_watch(
        owner=factories.owner_of(study), version=study.systems.first(),
        prompts=study.prompt_set_version, every_hours=1,
    )  # fmt: skip
    until(watch.rounds.filter(finished_at__isnull=False).exists, lambda: [*watch.rounds.values()])
    assert watch.rounds.get().facts["answered"] == study.prompt_set_version.prompts.count()
    watch.refresh_from_db()
    assert watch.next_at > timezone.now()

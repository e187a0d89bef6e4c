"""Pages, API and commands of connections, generation, runs and watches, on real parts."""

import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from jeoul.accounts.actions import make_token
from jeoul.results.actions import analyse_study
from jeoul.results.drift import close_rounds
from jeoul.studies.generation.progress import generation_progress
from jeoul.studies.generation.pump import Pump
from jeoul.studies.models import Connection, Output, Study, StudyState, System, Watch
from jeoul.studies.running import due_outputs, move_study
from jeoul.studies.systems_actions import create_system_version
from jeoul.studies.version_reading import warnings_of
from jeoul.studies.watching import begin_due_rounds
from werkzeug import Response

from tests import factories
from tests.generation.test_generation import KEY, answer, expect, study_on, url_of

pytestmark = pytest.mark.django_db


def pump():
    Pump(Connection.objects.get().pk, on_stored=lambda ids: None).run(20)


def echo(httpserver, text="An answer to {0}"):
    def reply(request):
        asked = json.loads(request.data)["messages"][-1]["content"]
        return Response(json.dumps(answer(text.format(asked))), content_type="application/json")

    expect(httpserver).respond_with_handler(reply)


@pytest.fixture
def study(httpserver):
    return study_on(url_of(httpserver), prompts=3, price_in=Decimal(1), price_out=Decimal(1))


@pytest.fixture
def visit(client, study):
    client.force_login(factories.owner_of(study))

    def get(name, *args, query="", status=200, lang="en"):
        response = client.get(reverse(name, args=args) + query, headers={"accept-language": lang})
        assert response.status_code == status
        return response.content.decode()

    get.client = client
    return get


@pytest.fixture
def api(client, study):
    _, token = make_token(user=factories.owner_of(study), name="t")

    def ask(method, path, data=None):
        return getattr(client, method)(
            f"/api/v1/{path}", data=None if data is None else json.dumps(data),
            content_type="application/json", headers={"authorization": f"Bearer {token}"},
        )  # fmt: skip

    return ask


def test_the_output_pages_tell_everything_in_the_providers_words(visit, httpserver, study):
    expect(httpserver).respond_with_json({"error": {"message": "no <b>such</b> model"}}, status=404)
    before = visit("output-list", study.uuid)
    assert "What is missing will cost" in before
    pump()
    text = visit("output-list", study.uuid, query="?state=failed&code=http_404")
    assert "6 × http_404" in text
    assert "no &lt;b&gt;such&lt;/b&gt; model" in text
    output = Output.objects.first()
    assert "no &lt;b&gt;such" in visit("output-detail", study.uuid, output.uuid)
    assert "No output here" in visit("output-list", study.uuid, query="?code=http_500")
    url = reverse("generation-move", args=[study.uuid])
    visit.client.post(url, {"to": "pause"})
    study.refresh_from_db()
    assert study.generation_paused_at
    visit.client.post(url, {"to": "resume"})
    httpserver.clear()
    echo(httpserver)
    visit.client.post(reverse("study-generate", args=[study.uuid]), {"code": "http_404"})
    pump()
    assert generation_progress(study).done == 6
    visit.client.post(url, {"to": "rerun", "reason": "look again"})
    pump()
    text = visit("output-list", study.uuid, query="?generation=1")
    assert "Use generation 1" in text
    assert "새 세대" in visit("output-list", study.uuid, query="?generation=1", lang="ko")
    visit.client.post(url, {"to": "use", "generation": "1"})
    assert Output.objects.filter(is_current=True, generation=1).count() == 6


def test_a_stranger_sees_nothing_of_it(client, study, httpserver):
    echo(httpserver)
    pump()
    client.force_login(factories.make_user())
    connection = Connection.objects.get()
    for name, args in (
        ("connection-detail", [connection.uuid]),
        ("connection-edit", [connection.uuid]),
        ("system-detail", [System.objects.first().uuid]),
        ("output-detail", [study.uuid, Output.objects.first().uuid]),
        ("run-list", [study.uuid]),
    ):
        assert client.get(reverse(name, args=args)).status_code == 404
    for name, args in (("connection-test", [connection.uuid]), ("generation-move", [study.uuid])):
        assert client.post(reverse(name, args=args), {"to": "pause"}).status_code == 404


def test_a_connection_is_changed_without_showing_its_key(visit, study):
    connection = Connection.objects.get()
    text = visit("connection-edit", connection.uuid)
    assert KEY not in text
    assert connection.key_encrypted not in text
    form = {
        "name": "c", "protocol": "http", "base_url": "https://llm.example/x", "concurrency": 3,
        "timeout_seconds": 9, "price_in": 1, "price_out": 2, "currency": "EUR",
        "prices": '{"m": ["0.5", 2]}', "request_template": '{"q": "{prompt}"}',
        "answer_paths": '{"text": "a.b"}',
    }  # fmt: skip
    url = reverse("connection-edit", args=[connection.uuid])
    assert visit.client.post(url, form | {"prices": '{"m": ["x"]}'}).status_code == 422
    assert visit.client.post(url, form | {"answer_paths": "{}"}).status_code == 422
    assert visit.client.post(url, form).status_code == 302
    connection.refresh_from_db()
    assert connection.price_of("m") == (Decimal("0.5"), Decimal(2))
    assert connection.price_of("other") == (1, 2)
    assert connection.key_encrypted
    assert "stored encrypted" in visit("connection-detail", connection.uuid)
    assert "c" in visit("system-list", query="?q=c")


def test_a_test_says_what_works(visit, httpserver, study, capsys):
    def reply(request):
        asked = json.loads(request.data)
        if "stop" in asked:
            return Response(json.dumps({"error": {"message": "stop is unknown"}}), 400)
        return Response(json.dumps(answer("ready")), content_type="application/json")

    expect(httpserver).respond_with_handler(reply)
    connection = Connection.objects.get()
    call_command("test_connection", "c", "--model", "m-2026-02-02", "--json")
    report = {c["name"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    assert report["chat"]["ok"]
    assert report["seed"]["ok"]
    assert report["model"] == {"name": "model", "ok": False, "words": "m-2026-01-01"}
    assert not report["logprobs"]["ok"]
    assert "stop is unknown" in report["stop"]["words"]
    assert "stop is unknown" in visit("connection-detail", connection.uuid)
    httpserver.clear()
    expect(httpserver).respond_with_json({"error": {"message": f"bad {KEY}"}}, status=401)
    with pytest.raises(CommandError, match="does not answer"):
        call_command("test_connection", "c", "--model", "m")
    told = capsys.readouterr().err
    assert "http_401: bad [key]" in told


def test_versions_are_compared_and_warned_of(visit, api, study):
    owner, connection = factories.owner_of(study), Connection.objects.get()
    first = create_system_version(
        owner=owner, name="x", connection=connection, model="m-2026-01-01",
        system_prompt="Be kind.\nBe brief.", sampling={"temperature": 0.2, "seed": 1},
    )  # fmt: skip
    second = create_system_version(
        owner=owner, name="x", connection=connection, model="m-latest",
        system_prompt="Be kind.\nBe long.", sampling={"temperature": 0.9, "seed": 1},
        examples=[{"user": "1?", "assistant": "2."}],
    )  # fmt: skip
    assert warnings_of(first) == []
    said = " ".join(warnings_of(second, first))
    assert "alias" in said
    assert "together" in said
    text = visit("system-differences", second.system.uuid)
    assert "- Be brief." in text
    assert "+ Be long." in text
    assert "alias" in visit("system-detail", second.system.uuid)
    body = api("get", f"systems/{second.system.uuid}/differences/?before=1&after=2").json()
    assert {d["field"] for d in body["differences"]} == {
        "model", "system_prompt", "examples", "temperature"
    }  # fmt: skip
    assert api("get", f"systems/{second.system.uuid}/differences/?before=9").status_code == 404
    text = visit("system-create", query=f"?from={second.system.uuid}")
    assert "m-latest" in text


def test_a_new_run_asks_only_what_is_new_and_shows_both_versions(visit, api, httpserver, study):
    echo(httpserver)
    pump()
    worker = factories.worker_for(study)
    from jeoul.comparisons.building import mark_ready

    mark_ready(study=study)
    for _ in range(3):
        factories.judge(worker)
    before = set(study.comparisons.values_list("pk", flat=True))
    texts = dict(Output.objects.values_list("pk", "content_hash"))
    move_study(study=study, to=StudyState.CLOSED, actor=factories.owner_of(study))
    version = create_system_version(
        owner=factories.owner_of(study), name="s1", connection=Connection.objects.get(),
        model="m-2026-03-03",
    )  # fmt: skip
    body = {"version": str(version.uuid), "reason": ""}
    assert api("post", f"studies/{study.uuid}/runs/", body).status_code == 422
    made = api("post", f"studies/{study.uuid}/runs/", body | {"reason": "the new model"})
    assert made.status_code == 201
    assert made.json()["previous"] == "s1"
    assert api("post", f"studies/{study.uuid}/runs/", body | {"reason": "x"}).status_code == 422
    study.refresh_from_db()
    assert study.state == StudyState.RUNNING
    assert study.amendments.get().change["systems"]["to"].endswith("'s1 v2']")
    pump()
    mark_ready(study=study)
    assert texts.items() <= dict(Output.objects.values_list("pk", "content_hash")).items()
    after = set(study.comparisons.values_list("pk", flat=True))
    assert before < after
    assert len(after - before) == 6
    for _ in range(6):
        factories.judge(worker)
    assert study.comparisons.filter(judged=1).count() == 9
    analyse_study(study=Study.objects.get(pk=study.pk))
    text = visit("run-list", study.uuid)
    assert "s1 v2 beside s1" in text
    rows = api("get", f"studies/{study.uuid}/runs/1/").json()["slices"]
    overall = {r["opponent"]: r for r in rows if not r["slice"]}
    assert set(overall) == {"", "s0"}
    assert overall["s0"]["new"]["n"] == overall["s0"]["old"]["n"] == 3


def test_a_watch_tells_that_the_model_changed(visit, api, httpserver, study, capsys):
    owner = factories.owner_of(study)
    prompts = study.prompt_set_version
    call_command("watch_model", "s0", "--prompts", prompts.prompt_set.name)
    watch = Watch.objects.get()

    def ask_again():
        Watch.objects.update(next_at=timezone.now())
        assert begin_due_rounds() == 1
        assert begin_due_rounds() == 0
        assert "under way: 0 of 3" in visit("watch-detail", watch.uuid)
        pump()
        assert close_rounds() == 1

    echo(httpserver)
    ask_again()
    ask_again()
    ask_again()
    httpserver.clear()
    expect(httpserver).respond_with_json(answer("Another.") | {"model": "m-2026-09-09"})
    ask_again()
    facts = [r.facts for r in watch.rounds.all()]
    assert [f["changed_share"] for f in facts] == [0.0, 0.0, 0.0, 1.0]
    assert [bool(f["alarm"]) for f in facts] == [False, False, False, True]
    assert "m-2026-09-09" in facts[-1]["alarm"]
    # The study's own outputs are untouched: these rounds are generations that no study uses.
    assert due_outputs(study=study) == 0
    assert Output.objects.current().count() == 6
    text = visit("watch-detail", watch.uuid)
    assert "m-2026-09-09" in text
    visit.client.force_login(owner)
    chart = visit.client.get(reverse("watch-chart", args=[watch.uuid]))
    assert chart.content.startswith(b"<svg")
    assert api("get", "watches/").json()["results"][0]["rounds"][3]["facts"]["changed"] == 3
    call_command("watch_model", "s0", "--prompts", prompts.prompt_set.name, "--show")
    assert "100% changed" in capsys.readouterr().err


def test_the_command_shows_costs_progress_and_failures(httpserver, study, capsys):
    call_command("generate", study.slug, "--estimate")
    assert "s0: 3 of 3 to make" in capsys.readouterr().err
    echo(httpserver)
    call_command("generate", study.slug, "--json")
    told = capsys.readouterr()
    assert json.loads(told.out)["done"] == 6
    assert "6 of 6" in told.err
    assert "tokens" in told.err
    call_command("generate", study.slug, "--rerun", "again", "--json")
    assert "Generation 1 with 6 outputs" in capsys.readouterr().err
    assert Output.objects.filter(generation=1, state="done").count() == 6


def test_the_api_moves_the_generation(api, httpserver, study):
    echo(httpserver)
    base = f"studies/{study.uuid}/generation/"
    assert api("get", f"{base}estimate/").json()["systems"][0]["basis"] == "guess"
    assert api("post", f"{base}pause/", {}).json()["paused_at"]
    assert api("post", f"{base}resume/", {}).json()["paused_at"] is None
    pump()
    assert api("get", base).json()["done"] == 6
    assert api("post", f"{base}rerun/", {"reason": "why not"}).status_code == 200
    assert api("post", f"{base}use/", {"generation": 1}).status_code == 409
    assert api("post", f"{base}retry/", {"code": "http_500"}).status_code == 200
    connection = Connection.objects.get()
    shown = api("patch", f"connections/{connection.uuid}/", {"tokens_per_minute": 9}).json()
    assert shown["tokens_per_minute"] == 9
    assert shown["concurrency"] == connection.concurrency
    assert KEY not in json.dumps(shown)
    bad = api("patch", f"connections/{connection.uuid}/", {"base_url": "http://u:p@x.example"})
    assert bad.status_code == 422


def test_a_connection_is_made_limited_and_shown_by_command(capsys, study):
    owner = factories.owner_of(study)

    def told(*more):
        call_command("set_connection", "Our vLLM", *more, "--owner", owner.username)
        return json.loads(capsys.readouterr().out)

    with pytest.raises(CommandError, match="with --base-url it is made"):
        told("--concurrency", "9")
    made = told("--base-url", "https://llm.example/v1/", "--key-env", "LLM_KEY")
    assert (made["base_url"], made["key"]) == ("https://llm.example/v1", "LLM_KEY")
    told("--requests-per-minute", "600", "--tokens-per-minute", "9000", "--price-in", "0.5")
    told("--tokens-per-minute", "none", "--concurrency", "9")
    now = told()
    assert (now["requests_per_minute"], now["tokens_per_minute"]) == (600, None)
    assert (now["concurrency"], now["price_in"]) == (9, "0.500000")
    with pytest.raises(CommandError, match="at least 1"):
        told("--concurrency", "0")

"""The demonstration's parts: prompts, supervisor, crowd, local model."""

import json
import socket
import subprocess
import sys

import openai
import pytest
from django.core.management import call_command
from jeoul import local
from jeoul.comparisons.models import Judgement
from jeoul.demo.crowd import Crowd, run_crowd
from jeoul.demo.setup import PROMPTS
from jeoul.local_llm import MODEL
from jeoul.results.compute import compute
from jeoul.results.exports import COPIED, SOURCES, export_stream
from jeoul.studies.generation.probing import probe
from jeoul.studies.importing import parse_prompt
from jeoul.studies.reading_files import read_rows
from jeoul.studies.systems_actions import create_connection
from jeoul.supervisor import PortTaken, Supervisor, check_port, wait_for_port

from tests import factories
from tests.waiting import PATIENCE, until


def test_the_demo_prompts_are_of_every_kind():
    good = [parse_prompt(row) for _, row in read_rows(PROMPTS.read_text(), "jsonl")]
    assert len(good) >= 30
    high = [p for p in good if p.risk == "high"]
    assert len(high) >= 10
    assert all(p.fields["hazard"] for p in high)
    assert {p.fields["language"] for p in good} == {"en", "ko"}
    assert sum(len(p.messages) > 1 for p in good) >= 3
    assert len({p.fields["category"] for p in good}) >= 6


SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_the_supervisor_ends_what_it_started_and_nothing_else(tmp_path):
    other = subprocess.Popen(SLEEP)
    supervisor = Supervisor(tmp_path)
    child = supervisor.start("sleeper", SLEEP, {})
    assert child.process.poll() is None
    supervisor.stop()
    assert child.process.poll() is not None
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_crashed_process_is_started_again_and_one_that_is_done_is_not(tmp_path):
    supervisor = Supervisor(tmp_path)
    supervisor.start("once", [sys.executable, "-c", "pass"], {}, again=False)
    crashing = supervisor.start("crash", SLEEP, {})
    first = crashing.process.pid
    crashing.process.kill()
    crashing.process.wait()
    died = []

    def started_again():
        died.extend(supervisor.watch())
        return crashing.process is not None and crashing.process.pid != first

    until(started_again)
    assert died == ["crash"]
    supervisor.stop()


def test_a_taken_port_is_named_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} for the web server.*PORT="):
            check_port(port, "the web server", "PORT=…")


@pytest.mark.django_db
def test_a_crowd_works_a_study_through_and_everything_is_marked(capsys):
    study = factories.make_study(prompts=8, systems=("one", "two", "three"))
    done, truth = run_crowd(study=study, size=9, seed=3)
    assert done == 8 * 3 * 3
    assert set(study.comparisons.values_list("judged", "taken", "target")) == {(3, 3, 3)}
    assert not Judgement.objects.filter(study=study, simulated=False).exists()
    study.refresh_from_db()
    assert study.simulated
    assert len({p["pseudonym"] for p in truth["people"]}) == 9
    for what in (*COPIED, *SOURCES):
        lines = b"".join(export_stream(study=study, what=what, form="jsonl")).splitlines()
        assert lines or what == "flags", what
        assert all(json.loads(line)["simulated"] is True for line in lines), what
    call_command("results", study.slug)
    assert "SIMULATED" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_crowd_comes_back_as_the_same_people():
    study = factories.make_study(prompts=4)
    first = Crowd(study=study, size=5, seed=1).truth()
    assert Crowd(study=study, size=5, seed=1).truth() == first
    assert study.enrolments.count() == 5


@pytest.mark.django_db
def test_the_rules_find_the_planted_spammers():
    """A crowd of 30 with one-siders and hasty ones; the careful are mostly left in peace."""
    study = factories.make_study(prompts=80, systems=("one", "two"), overlap=6)
    _, truth = run_crowd(study=study, size=20, seed=5)
    kinds = {p["pseudonym"]: p["kind"] for p in truth["people"]}
    results, _ = compute(study)
    flagged = {w["worker"]: {f["rule"] for f in w["flags"]} for w in results["workers"]}
    one_siders = [w for w, kind in kinds.items() if kind == "one_side"]
    assert one_siders
    assert all("one_side" in flagged[w] for w in one_siders)
    careful = [w for w, kind in kinds.items() if kind == "careful"]
    assert sum(bool(flagged[w]) for w in careful) <= len(careful) // 4


@pytest.mark.django_db
def test_the_local_model_speaks_the_openai_protocol_and_passes_the_connections_test(tmp_path):
    port = local.free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jeoul.local_llm", "--port", str(port)], stderr=log
        )
    try:
        assert wait_for_port(port, PATIENCE), (tmp_path / "log").read_text()
        client = openai.OpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=10
        )
        with client:
            reply = client.chat.completions.create(
                model=MODEL, max_tokens=8, temperature=0, seed=1,
                messages=[{"role": "user", "content": "Say hello."}],
            )  # fmt: skip
        assert reply.choices[0].message.content.strip()
        assert reply.usage.completion_tokens <= 8
        connection = create_connection(
            owner=factories.make_user(), name="local", base_url=f"http://127.0.0.1:{port}/v1"
        )
        report = probe(connection=connection, model=MODEL)
        found = {check["name"]: check["ok"] for check in report["checks"]}
        assert (report["ok"], found["chat"], found["seed"], found["stop"]) == (True,) * 4
    finally:
        process.terminate()
        process.wait(PATIENCE)

"""make demo as a newcomer starts it: from nothing to a comparison, and again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from jeoul import local

from tests.waiting import PATIENCE, answers, until

ROOT = Path(__file__).resolve().parents[2]


def start(var: Path, port: int, *options: str) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    with (var.parent / "demo.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(port),
             "--llm-port", str(local.free_port()), *options],
            cwd=ROOT, env=env | {"JEOUL_VAR": str(var)}, text=True, stderr=log,
        )  # fmt: skip


def until_ready(process: subprocess.Popen[str], var: Path, port: int) -> dict:
    log = var.parent / "demo.log"

    def ready():
        assert process.poll() is None, log.read_text()
        try:
            demo = json.loads((var / "demo.json").read_text())
        except OSError:
            return None
        return demo if f":{port}/" in demo["invite_url"] and answers(demo["invite_url"]) else None

    return until(ready, log.read_text)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)


def running_on(var: Path) -> list[str]:
    """Command lines of processes that name the demo's folder or its database."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().decode(errors="replace")
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"JEOUL_VAR={var}\0" in environment + "\0" or str(var) in command:
            found.append(command.replace("\0", " "))
    return found


@pytest.mark.slow
def test_a_newcomer_gets_a_comparison_and_a_second_run_resumes(tmp_path):
    tmp_path.chmod(0o700)  # as a home folder is: PostgreSQL must not need to be let in
    var = tmp_path / "var"
    port = local.free_port()
    process = start(var, port)
    try:
        first = until_ready(process, var, port)
        assert set(first) == {
            "dashboard_url", "invite_url", "api_url", "api_token", "username", "password", "study",
        }  # fmt: skip
        with httpx.Client(follow_redirects=True, timeout=PATIENCE) as browser:
            consent = browser.post(first["invite_url"])
            assert "decision" in consent.text
            browser.post(f"{consent.url}consent/", data={"decision": "agree"})
            comparison = browser.get(f"{consent.url}compare/")
            assert "client_key" in comparison.text
        headers = {"Authorization": f"Bearer {first['api_token']}"}
        listed = httpx.get(f"{first['api_url']}studies/", headers=headers, timeout=PATIENCE)
        (study,) = listed.json()["results"]
        assert study["slug"] == first["study"]
    finally:
        stop(process)
    assert running_on(var) == []
    second_port = local.free_port()
    process = start(var, second_port)
    try:
        again = until_ready(process, var, second_port)
        assert {k: again[k] for k in ("api_token", "password", "study")} == {
            k: first[k] for k in ("api_token", "password", "study")
        }
    finally:
        stop(process)
    assert running_on(var) == []

"""Commands that run until they are told to end, as a script starts them."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jeoul import local

from tests.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_started_in_the_background_ends_with_the_servers_it_started(tmp_path, number):
    """A shell ignores SIGINT for what it starts with "&"; the command must obey it even so."""
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT, env=env | {"JEOUL_VAR": str(tmp_path)}, stderr=file,
            stdout=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )  # fmt: skip
    try:

        def ready():
            assert process.poll() is None, log.read_text()
            return re.search(r"celery@\S+ ready", log.read_text())

        until(ready, log.read_text)
        servers = local.LocalServices(tmp_path)._servers
        assert all(server.running() for server in servers)
        process.send_signal(number)
        process.wait(PATIENCE)
        assert not any(server.running() for server in servers)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_every_verb_of_the_house_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    verbs = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert verbs >= {"demo", "test", "check", "bench", "serve", "worker", "format", "docs"}
    commands = set(re.findall(r"manage\.py (\w+)", makefile))
    known = subprocess.run(
        [sys.executable, "manage.py", "help", "--commands"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert commands <= set(known)

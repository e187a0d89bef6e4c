"""What can be checked of the deployment without a container engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
KEY = "k" * 64


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    # What tests allow themselves, a deployment may not.
    clean = {k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=clean | env,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "SECRET_KEY"),
        ({"SECRET_KEY": KEY}, "ALLOWED_HOSTS"),
        ({"SECRET_KEY": KEY, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"SECRET_KEY": KEY, "ALLOWED_HOSTS": "a.example", "DEBUG": "1"}, "DEBUG"),
    ],
)
def test_production_refuses_to_start_unsafely(env, named):
    done = run("manage.py", "check", JEOUL_PRODUCTION="1", **env)
    assert done.returncode
    assert named in done.stderr


def test_production_starts_with_safe_settings():
    done = run(
        "manage.py", "check", "--deploy", "--fail-level", "ERROR",
        JEOUL_PRODUCTION="1", SECRET_KEY=KEY, ALLOWED_HOSTS="a.example",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_service_is_there_and_its_command_runs(tmp_path):
    services = COMPOSE["services"]
    assert set(services) == {"migrate", "web", "generator", "worker", "beat", "postgres", "valkey"}
    served = set()
    for name, verb in (("generator", "worker"), ("worker", "worker"), ("beat", "beat")):
        program, *arguments = services[name]["command"]
        assert program == "celery"
        served |= {arguments[at + 1] for at, word in enumerate(arguments) if word == "-Q"}
        command = arguments[: arguments.index(verb) + 1]
        assert run("-m", "celery", *command, "--help").returncode == 0
    # Every job is served; a queue that nobody reads would only be found out by waiting.
    assert served == {queue.name for queue in settings.CELERY_TASK_QUEUES}
    assert services["migrate"]["command"][:3] == ["python", "manage.py", "migrate"]
    done = run("manage.py", "migrate", "--plan")
    assert done.returncode == 0, done.stderr
    assert run("-m", "gunicorn", "jeoul.wsgi", "--check-config").returncode == 0


def test_static_files_are_collected_with_hashes(tmp_path):
    done = run(
        "manage.py", "collectstatic", "--noinput",
        STATIC_HASHED="1", STATIC_ROOT=str(tmp_path / "static"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "static" / "staticfiles.json").exists()
    assert list((tmp_path / "static" / "css").glob("jeoul.*.css"))


def test_every_variable_of_the_example_is_read():
    settings = (ROOT / "platform" / "jeoul" / "settings.py").read_text()
    compose = (ROOT / "docker-compose.yml").read_text()
    for line in (ROOT / ".env.example").read_text().splitlines():
        name, equals, _ = line.partition("=")
        if equals and not line.startswith("#"):
            assert f'"{name}"' in settings or f"${{{name}:" in compose, name

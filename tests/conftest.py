"""A real PostgreSQL, a real Valkey and, where a test asks for it, a real Celery worker."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from jeoul import local

from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
_services = None


def _start_services() -> None:
    """Started by the first process of the run; the others inherit the addresses."""
    global _services
    if "JEOUL_TEST_VAR" not in os.environ:
        os.environ["JEOUL_TEST_VAR"] = tempfile.mkdtemp(prefix="jeoul-test-")
        _services = local.LocalServices(Path(os.environ["JEOUL_TEST_VAR"]), durable=False)
        os.environ.update(_services.open())
    place = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rsplit("/", 1)[0] + f"/{int(place) + 1}"
    os.environ["JEOUL_VAR"] = os.environ["JEOUL_TEST_VAR"] + f"/gw{place}"
    Path(os.environ["JEOUL_VAR"], "static").mkdir(parents=True, exist_ok=True)
    os.environ["SWEEP_SECONDS"] = "1"
    # Thousands of requests a minute are a test's business, not a stranger's.
    os.environ["API_USER_RATE"] = os.environ["API_ANON_RATE"] = "1000000/min"
    os.environ["DJANGO_SETTINGS_MODULE"] = "jeoul.settings"
    # Playwright keeps an event loop in the thread of the tests; no query waits for it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    import django

    django.setup()
    # Inherited by the processes of xdist, this name would make pytest-django read the settings
    # there before the lines above: all processes would share the first one's Valkey and folder.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    from django.conf import settings

    assert os.environ["REDIS_URL"] == settings.REDIS_URL


_start_services()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _services is not None:
        _services.close()


@pytest.fixture(autouse=True)
def _empty_cache():
    from django.core.cache import cache

    yield
    cache.clear()


@pytest.fixture
def process_env(transactional_db):
    """The environment of a process that works on the test's own database."""
    from django.db import connection

    base = os.environ["DATABASE_URL"]
    name = connection.settings_dict["NAME"]
    return os.environ | {"DATABASE_URL": base.replace(f"/{local.DATABASE}?", f"/{name}?")}


@pytest.fixture
def celery_worker(process_env):
    """A real worker with its beat, ended with the test."""
    folder = Path(os.environ["JEOUL_VAR"])
    folder.mkdir(parents=True, exist_ok=True)
    worker = start_worker(process_env, folder)
    yield worker
    end(worker)


def start_worker(env: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable, "-m", "celery", "-A", "tasks", "worker", "--beat",
                "--schedule", str(folder / "beat"), "--pool", "threads", "-c", "4",
                "--loglevel", "warning", "--without-gossip", "--without-mingle",
            ],
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=log,
            # Its beat is a process of its own, which must not outlive a killed worker.
            start_new_session=True,
        )  # fmt: skip


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

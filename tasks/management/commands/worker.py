"""Run the Celery workers and their beat beside the servers of this machine."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from tasks.management.base import JeoulCommand

_LOOK_SECONDS = 0.5


class Command(JeoulCommand):
    help = (
        "Run two Celery workers, one that asks providers and one with a beat for all other jobs, "
        "until Ctrl-C; for one machine, since beat runs once."
    )
    example = "worker --concurrency 8"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=4, help="jobs at once, in each")

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = Path(settings.VAR) / "celerybeat-schedule"
        schedule.parent.mkdir(parents=True, exist_ok=True)
        celery = [sys.executable, "-m", "celery", "-A", "tasks", "worker"]
        more = ["-c", str(options["concurrency"]), "--pool", "threads", "--loglevel", "info"]
        beat = ["--beat", "--schedule", str(schedule)]
        # Children, not exec: on leaving, manage.py stops the embedded servers it started.
        workers = [
            subprocess.Popen(command, cwd=settings.ROOT)  # noqa: S603 - our own commands
            for command in (
                [*celery, "-Q", "generation", "-n", "generation@%h", *more],
                [*celery, "-Q", "celery", *beat, *more],
            )
        ]
        try:
            while all(worker.poll() is None for worker in workers):
                time.sleep(_LOOK_SECONDS)
        finally:
            for worker in workers:
                if worker.poll() is None:
                    worker.terminate()
            codes = [worker.wait() for worker in workers]
        if any(codes):
            raise CommandError(f"A worker ended with code {next(c for c in codes if c)}.")

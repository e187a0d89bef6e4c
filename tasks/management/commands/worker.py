"""Run the Celery worker and its beat beside the servers of this machine."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from tasks.management.base import JeoulCommand


class Command(JeoulCommand):
    help = "Run a Celery worker with its beat until Ctrl-C; for one machine, since beat runs once."
    example = "worker --concurrency 8"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=4, help="jobs at once")

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = Path(settings.VAR) / "celerybeat-schedule"
        schedule.parent.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-m", "celery", "-A", "tasks", "worker", "--beat",
            "--schedule", str(schedule), "--pool", "threads",
            "--concurrency", str(options["concurrency"]), "--loglevel", "info",
        ]  # fmt: skip
        # A child, not exec: on leaving, manage.py stops the embedded servers it started.
        process = subprocess.Popen(command, cwd=settings.ROOT)  # noqa: S603 - our own command
        try:
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if code:
            raise CommandError(f"The worker ended with code {code}.")

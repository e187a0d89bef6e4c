"""Run the whole of Jeoul on this machine with a study of its own."""

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from jeoul.demo.setup import Demo, open_study, read_demo, set_up
from jeoul.results.progress import StudyProgress, study_progress
from jeoul.serving import web_command
from jeoul.studies.generation.actions import outputs_due
from jeoul.studies.models import Study
from jeoul.supervisor import PortTaken, Supervisor, check_port, wait_for_port

from tasks.generation import enqueue
from tasks.management.base import JeoulCommand

_TICK_SECONDS = 1.0
_START_SECONDS = 60.0


class Command(JeoulCommand):
    help = "Start web, worker, beat and a local model, make a demo study, and go on until Ctrl-C."
    example = "demo --port 8000 --crowd 40"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--llm-port", type=int, help="the local model's; --port + 1")
        parser.add_argument(
            "--crowd", type=int, default=0, metavar="N", help="simulated annotators"
        )
        parser.add_argument("--reset", action="store_true", help="throw the demo's data away")

    def handle(self, *args: Any, **options: Any) -> None:
        self.var = Path(settings.VAR)
        if options["reset"]:
            return self._reset()
        port = options["port"]
        llm_port = options["llm_port"] or port + 1
        try:
            check_port(port, "the web server", "PORT=… (--port)")
            check_port(llm_port, "the local model", "--llm-port, or PORT=…")
        except PortTaken as error:
            raise CommandError(str(error)) from None
        self.started = time.monotonic()
        base = f"http://127.0.0.1:{port}"
        supervisor = Supervisor(self.var / "log")
        try:
            self._run(supervisor, base, port, llm_port, options["crowd"])
        except KeyboardInterrupt:
            self.say("\nStopping what was started …")
        finally:
            supervisor.stop()
            self.say("Stopped. Everything is kept; run it again to go on.")
        return None

    def _run(self, supervisor: Supervisor, base: str, port: int, llm_port: int, crowd: int) -> None:
        path = self.var / "demo.json"
        demo, study = set_up(
            base=base, llm_url=f"http://127.0.0.1:{llm_port}/v1", known=read_demo(path)
        )
        python, env = sys.executable, os.environ | {"SITE_URL": base}
        if not os.environ.get("OPENAI_BASE_URL"):
            supervisor.start(
                "model", [python, "-m", "jeoul.local_llm", "--port", str(llm_port)], env
            )
        supervisor.start("web", web_command(port), env)
        celery = [python, "-m", "celery", "-A", "tasks"]
        worker = [*celery, "worker", "--pool", "threads", "-c", "4", "-l", "warning"]
        supervisor.start("generator", [*worker, "-Q", "generation", "-n", "generation@%h"], env)
        supervisor.start("worker", [*worker, "-Q", "celery"], env)
        schedule = str(self.var / "celerybeat-schedule")
        supervisor.start("beat", [*celery, "beat", "-s", schedule, "-l", "warning"], env)
        open_study(study)
        enqueue(outputs_due(limit=10_000, study=study))
        if not wait_for_port(port, _START_SECONDS):
            raise CommandError(f"The web server did not start; see {self.var / 'log' / 'web.log'}.")
        self._follow(supervisor, study, demo, path, crowd)

    def _follow(
        self, supervisor: Supervisor, study: Study, demo: Demo, path: Path, crowd: int
    ) -> None:
        """Show progress; tell the addresses as soon as there is something to judge."""
        told = complete = False
        while True:
            for name in supervisor.watch():
                self.say(f"\n{name} ended and is started again; see {self.var / 'log' / name}.log")
            progress = study_progress(study)
            if progress.ready and not told:
                told = True
                demo.write(path)
                self._tell(demo)
                if crowd:
                    self._bring(supervisor, study, crowd)
            if not complete:
                complete = self._bar(progress)
            time.sleep(_TICK_SECONDS)

    def _bring(self, supervisor: Supervisor, study: Study, crowd: int) -> None:
        command = [
            sys.executable, "manage.py", "simulate_crowd", study.slug, "--workers", str(crowd),
            "--follow",
        ]  # fmt: skip
        command[1] = str(Path(settings.ROOT) / "manage.py")
        supervisor.start("crowd", command, dict(os.environ), again=False)

    def _bar(self, progress: StudyProgress) -> bool:
        """One line that is drawn again; on a pipe a new line for each tenth. True when complete."""
        total, done = progress.outputs, progress.outputs_done + progress.outputs_failed
        share = done / total if total else 0.0
        spent = time.monotonic() - self.started
        if not hasattr(self, "first_done"):
            self.first_done, self.tenth = done, -1
        made = done - self.first_done
        left = f", about {spent / made * (total - done):.0f} s left" if made else ""
        failed = f", {progress.outputs_failed} failed" if progress.outputs_failed else ""
        line = f"Outputs {done}/{total}{failed}{left}"
        if self.stderr.isatty():
            bar = "█" * round(30 * share) + "░" * (30 - round(30 * share))
            self.stderr.write(f"\r{bar} {line}   ", ending="\n" if done >= total else "")
            self.stderr.flush()
        elif int(10 * share) > self.tenth:
            self.tenth = int(10 * share)
            self.say(line)
        return done >= total

    def _tell(self, demo: Demo) -> None:
        seconds = time.monotonic() - self.started
        site = demo.api_url.removesuffix("/api/v1/")
        self.say(
            f"\nReady after {seconds:.0f} s.\n"
            f"  Annotate    {demo.invite_url}\n"
            f"  Dashboard   {demo.dashboard_url}\n"
            f"              {demo.username} / {demo.password}\n"
            f"  API         {site}/api/docs/\n"
            f"  For scripts {self.var / 'demo.json'}\n"
            "Ctrl-C stops everything that was started here.\n"
        )

    def _reset(self) -> None:
        """Empty the embedded database and forget the demo's files."""
        if "host=" not in os.environ.get("DATABASE_URL", ""):
            raise CommandError("DATABASE_URL names your own server; empty it yourself.")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if cursor.fetchone()[0]:
                raise CommandError("Something still works with the data; stop the demo first.")
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
        for path in [self.var / "demo.json", self.var / "log", *self.var.glob("crowd-*.json")]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for path in self.var.glob("celerybeat-schedule*"):
            path.unlink()
        self.say("The demo's data are gone; `make demo` starts over.")

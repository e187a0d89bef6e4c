"""Judgements per second of the annotator's door, on the production set-up of `make demo`.

`make bench-serve` starts PostgreSQL, Valkey and gunicorn, fills a study and lets N annotators
judge without a pause. Afterwards the database is held against what was acknowledged. The load
generator and PostgreSQL share the machine with the server. A run ends after --seconds, or when
the first annotator finds nothing left; its rate counts up to that moment.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from jeoul import local, supervisor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import serve_crowd  # noqa: E402  # the benches are programs, not a package

OUT = ROOT / "bench" / "out" / "serve.json"
SYSTEMS = 5
PAIRS = SYSTEMS * (SYSTEMS - 1) // 2
WORDS = 150
TICK = os.sysconf("SC_CLK_TCK")
LEXICON = [
    "answer",
    "because",
    "carefully",
    "different",
    "example",
    "first",
    "general",
    "however",
    "important",
    "judgement",
    "known",
    "language",
    "measure",
    "number",
    "often",
    "people",
    "question",
    "reason",
    "scale",
    "simple",
    "system",
    "therefore",
    "together",
    "under",
    "value",
    "water",
    "weigh",
    "without",
    "world",
    "year",
]


def some_text(rng: random.Random) -> str:
    """About 150 words of Markdown, as an assistant writes them."""
    words = [rng.choice(LEXICON) for _ in range(WORDS)]
    parts = [" ".join(words[at : at + 30]).capitalize() + "." for at in range(0, WORDS, 30)]
    return (
        f"{parts[0]}\n\n- **{words[0]}**: {parts[1]}\n- `{words[1]}`: {parts[2]}\n\n"
        + "\n\n".join(parts[3:])
    )


# --- The study ------------------------------------------------------------------------------


class Room:
    """Prompts and outputs that every run's study shares."""

    def __init__(self, comparisons: int) -> None:
        from django.utils import timezone
        from jeoul.accounts.models import User
        from jeoul.studies.models import Output
        from jeoul.studies.prompt_actions import import_prompts, system_for_outputs
        from jeoul.studies.rendering import RENDERER_VERSION, render_markdown

        self.owner = User.objects.create_user("bench")
        self.prompts = -(-comparisons // PAIRS)
        rows = (
            json.dumps({"id": f"p{n}", "prompt": f"Question {n}: what weighs more, and why?"})
            for n in range(self.prompts)
        )
        self.version, _ = import_prompts(
            owner=self.owner, name="Bench", text="\n".join(rows), kind="jsonl"
        )
        self.systems = [
            system_for_outputs(owner=self.owner, name=f"system {n}") for n in range(SYSTEMS)
        ]
        rng = random.Random(1)
        texts = [some_text(rng) for _ in range(400)]
        ready = [(t, render_markdown(t), hashlib.sha256(t.encode()).hexdigest()) for t in texts]
        prompt_ids = list(self.version.prompts.values_list("pk", flat=True))
        now = timezone.now()

        def output(prompt_id: int, version: object) -> Output:
            text, html, digest = rng.choice(ready)
            return Output(
                system_version=version, prompt_id=prompt_id, state="done", text=text, html=html,
                renderer=RENDERER_VERSION, content_hash=digest, finished_at=now,
            )  # fmt: skip

        for at in range(0, len(prompt_ids), 1000):
            Output.objects.bulk_create(
                output(p, v) for p in prompt_ids[at : at + 1000] for v in self.systems
            )

    def study(self, overlap: int) -> tuple[object, str]:
        """A running study of its own and the token of its invitation."""
        from django.db import connection
        from jeoul.comparisons.building import build_comparisons
        from jeoul.studies.actions import create_study
        from jeoul.studies.models import Output, StudyState
        from jeoul.studies.running import move_study
        from jeoul.workers.actions import get_vendor, make_invite

        study = create_study(
            owner=self.owner, title="Load", prompts=self.version, systems=self.systems,
            settings={"overlap": overlap, "seed": 7},
        )  # fmt: skip
        move_study(study=study, to=StudyState.RUNNING, actor=self.owner)
        # Scanning every text is the night shift's work and not what is measured: the comparisons
        # are built before their texts are there, and opened by hand.
        Output.objects.update(state="running")
        build_comparisons(study=study)
        Output.objects.update(state="done")
        study.comparisons.update(ready=True)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does within its minute
        vendor = get_vendor(owner=self.owner, name="Bench")
        return study, make_invite(study=study, vendor=vendor).token


# --- The machine ----------------------------------------------------------------------------


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(root: int) -> list[int]:
    """The process and all that come from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(_stat(int(entry.name))[1])
            except (OSError, IndexError):
                continue
    found, fresh = [root], {root}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh}
        found += fresh
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of living processes, and of the children they have outlived."""
    total = 0
    for pid in pids:
        try:
            total += sum(int(n) for n in _stat(pid)[11:15])
        except (OSError, IndexError):
            continue
    return total / TICK


def memory_mb(pids: list[int]) -> float:
    """Proportional set size: shared pages count once over all of them."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


class Watch(threading.Thread):
    """The server's memory at its highest, and its kills in the second mode."""

    def __init__(self, web: supervisor.Child, services: supervisor.Supervisor) -> None:
        super().__init__(daemon=True)
        self.web, self.services = web, services
        self.peak_mb = 0.0
        self.kill_at: list[float] = []
        self.killed = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            if self.kill_at and time.perf_counter() > self.kill_at[0]:
                self.kill_at.pop(0)
                assert self.web.process
                os.killpg(self.web.process.pid, signal.SIGKILL)
                self.web.process.wait()
                self.killed += 1
            self.services.watch()
            if self.web.process:
                self.peak_mb = max(self.peak_mb, memory_mb(family(self.web.process.pid)))


# --- What the database says ------------------------------------------------------------------


def check(study: object, acknowledged: list[bytes]) -> list[str]:
    """Every acknowledged judgement once, and no comparison above its overlap."""
    import uuid

    from django.db.models import Count, F, Q
    from jeoul.comparisons.models import Assignment, Comparison, Judgement

    stored = Counter(
        str(key)
        for key in Judgement.objects.filter(study=study).values_list("client_key", flat=True)
    )
    keys = [str(uuid.UUID(key.decode())) for key in acknowledged]
    rows = Comparison.objects.filter(study=study).annotate(
        said=Count("judgements", distinct=True),
        held=Count(
            "assignments", filter=Q(assignments__state__in=["reserved", "submitted"]), distinct=True
        ),
    )
    twice = (
        Assignment.objects.filter(enrolment__study=study, state="submitted")
        .values("enrolment", "comparison", "repeat")
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
    )
    wrong = {
        "acknowledged but not stored": sum(stored[key] == 0 for key in keys),
        "acknowledged twice": len(keys) - len(set(keys)),
        "stored more than once": sum(n > 1 for n in stored.values()),
        "comparisons above their overlap": rows.filter(said__gt=F("target")).count(),
        "comparisons whose count is wrong": rows.exclude(judged=F("said"), taken=F("held")).count(),
        "comparisons twice for one worker": twice.count(),
    }
    return [f"{count} {what}" for what, count in wrong.items() if count]


# --- One run ---------------------------------------------------------------------------------


def measure(
    room: Room, web: supervisor.Child, services: supervisor.Supervisor, postmaster: int,
    count: int, asked: argparse.Namespace,
) -> dict[str, object]:  # fmt: skip
    study, invite = room.study(asked.overlap)
    watch = Watch(web, services)
    watch.start()

    def burnt() -> dict[str, float]:
        assert web.process
        return {
            "web": cpu_seconds(family(web.process.pid)),
            "postgresql": cpu_seconds(family(postmaster)),
            "generator": time.process_time(),
        }

    before: dict[str, float] = {}

    def ready() -> None:
        before.update(burnt())
        if asked.kill:
            now = time.perf_counter()
            watch.kill_at = [now + asked.seconds / 3, now + 2 * asked.seconds / 3]

    tally = serve_crowd.run(asked.port, invite, count, asked.seconds, ready)
    after = burnt()
    watch.over.set()
    watch.join()
    end = tally.nothing_left_at or tally.began + asked.seconds
    in_time = [took for at, took in zip(tally.at, tally.took, strict=True) if at <= end]
    cuts = statistics.quantiles(in_time, n=100) if len(in_time) > 1 else [float("nan")] * 99
    done = max(1, len(tally.acknowledged))
    return {
        "annotators": count,
        "judgements_per_second": len(in_time) / (end - tally.began),
        "p50_ms": 1000 * cuts[49], "p95_ms": 1000 * cuts[94], "p99_ms": 1000 * cuts[98],
        "judgements": len(tally.acknowledged), "ran_out": bool(tally.nothing_left_at),
        "errors": dict(Counter(tally.errors)), "sent_again": tally.sent_again,
        "kilobytes": tally.bytes_in / done / 1000, "memory_mb": watch.peak_mb,
        "killed": watch.killed,
        "cpu_ms": {} if asked.kill else {k: 1000 * (after[k] - before[k]) / done for k in after},
        "wrong": check(study, tally.acknowledged),
    }  # fmt: skip


def show(row: dict[str, object]) -> None:
    cpu = row["cpu_ms"]
    assert isinstance(cpu, dict)
    print(
        f"N={row['annotators']:>3}  {row['judgements_per_second']:6.1f} judgements/s   "
        f"p50 {row['p50_ms']:.0f}  p95 {row['p95_ms']:.0f}  p99 {row['p99_ms']:.0f} ms   "
        f"{row['judgements']} acknowledged{' (nothing left)' if row['ran_out'] else ''}   "
        f"{row['kilobytes']:.1f} kB each   server {row['memory_mb']:.0f} MB"
    )
    if cpu:
        parts = "  ".join(f"{name} {value:.2f}" for name, value in cpu.items())
        print(f"       CPU ms per judgement: {parts}  sum {sum(cpu.values()):.2f}")
    if row["killed"]:
        print(
            f"       killed {row['killed']} times with -9; {row['sent_again']} requests sent again"
        )
    print(f"       errors: {row['errors'] or 'none'};  database: {row['wrong'] or 'as it must be'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=2000)
    parser.add_argument("--overlap", type=int, default=3)
    parser.add_argument("--annotators", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--seconds", type=float, default=20.0, help="of load for each N")
    parser.add_argument("--kill", action="store_true", help="kill the web server twice with -9")
    parser.add_argument("--jobs", action="store_true", help="with Celery's worker and beat beside")
    parser.add_argument("--port", type=int, default=8590)
    parser.add_argument("--pause", action="store_true", help="wait for Enter before each run")
    asked = parser.parse_args()
    var = Path(os.environ.get("JEOUL_VAR") or ROOT / "var") / "bench-serve"
    shutil.rmtree(var, ignore_errors=True)
    supervisor.check_port(asked.port, "the benchmark's web server", "--port")
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ["JEOUL_VAR"] = str(var)
    services = supervisor.Supervisor(var / "log")
    signal.signal(signal.SIGTERM, _interrupt)
    rows = []
    with local.services(var):
        try:
            rows = _bench(asked, var, services)
        finally:
            services.stop()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"asked": vars(asked), "runs": rows}, indent=2))
    shutil.rmtree(var, ignore_errors=True)
    return int(any(row["wrong"] or (row["errors"] and not asked.kill) for row in rows))


def _bench(
    asked: argparse.Namespace, var: Path, services: supervisor.Supervisor
) -> list[dict[str, object]]:
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
    django.setup()
    from jeoul.serving import web_command

    call_command("migrate", verbosity=0, interactive=False)
    begun = time.perf_counter()
    room = Room(asked.comparisons)
    print(f"{room.prompts * PAIRS} comparisons, overlap {asked.overlap}, filled in "
          f"{time.perf_counter() - begun:.0f} s; {os.cpu_count()} cores for all")  # fmt: skip
    env = dict(os.environ)
    web = services.start("web", web_command(asked.port), env)
    if asked.jobs:
        celery = [sys.executable, "-m", "celery", "-A", "tasks"]
        services.start(
            "worker", [*celery, "worker", "--pool", "threads", "-c", "4", "-l", "warning"], env
        )
        services.start("beat", [*celery, "beat", "-s", str(var / "beat"), "-l", "warning"], env)
    assert supervisor.wait_for_port(asked.port, 60), "the web server did not start; see log/web.log"
    postmaster = int((var / "postgres" / "postmaster.pid").read_text().split()[0])
    rows = []
    for count in asked.annotators:
        if asked.pause:
            input(f"web {web.process and web.process.pid}, database {postmaster}; Enter starts")
        row = measure(room, web, services, postmaster, count, asked)
        show(row)
        rows.append(row)
    return rows


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""Candidate outputs against a provider that answers after one second: how near is the ideal?

`make bench-generate` starts PostgreSQL, Valkey, a Celery worker and a fake provider on this
machine and makes 2,000 outputs at a concurrency of 100, three times: without faults; with 10 %
429s and 2 % dropped connections; and with the worker killed (-9) and Valkey flushed in the
middle. Ideal is n / concurrency × latency. The fake counts what it was asked, so that nothing
made twice can hide. All of it shares the machine's cores.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

from jeoul import local, supervisor

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out" / "generate.json"
WORDS = ["answer", "because", "carefully", "different", "example", "first", "general", "however"]

# --- The provider ---------------------------------------------------------------------------


class Fake:
    """HTTP/1.1 with keep-alive and nothing else: it must cost less than what it measures."""

    def __init__(self, latency: float, limited: float, dropped: float) -> None:
        self.latency, self.limited, self.dropped = latency, limited, dropped
        self.rng = random.Random(5)
        self.answered: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.open = self.most_open = 0
        # Requests under way, added up over time: the mean tells where places stood empty.
        self.area = self.began = self.changed = 0.0

    def count(self, by: int) -> None:
        now = time.monotonic()
        self.began = self.began or now
        self.area += self.open * (now - (self.changed or now))
        self.open, self.changed = self.open + by, now
        self.most_open = max(self.most_open, self.open)

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self.speak, "127.0.0.1", port, backlog=1024)
        await server.serve_forever()

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n")
                     if line.startswith(b"content-length:")), 0,
                )  # fmt: skip
                body = await reader.readexactly(length)
                if head.startswith(b"GET"):
                    self.send(writer, 200, self.report())
                elif not await self.answer(writer, json.loads(body)):
                    return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, writer: asyncio.StreamWriter, asked: dict) -> bool:
        """False where the connection is dropped in mid-answer."""
        self.count(1)
        try:
            if self.rng.random() < self.limited:
                self.faults["http_429"] += 1
                self.send(writer, 429, {"error": {"message": "slow down"}}, "Retry-After: 1\r\n")
                return True
            await asyncio.sleep(self.latency)
        finally:
            self.count(-1)
        if self.rng.random() < self.dropped:
            self.faults["dropped"] += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
            return False
        text = asked["messages"][-1]["content"]
        self.answered[f"{asked['model']} {text}"] += 1
        self.send(writer, 200, completion(asked["model"], text))
        return True

    def send(self, writer: asyncio.StreamWriter, status: int, data: dict, more: str = "") -> None:
        body = json.dumps(data).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def report(self) -> dict:
        twice = {key: n for key, n in self.answered.items() if n > 1}
        return {
            "answered": sum(self.answered.values()),
            "different": len(self.answered),
            "twice": len(twice),
            "faults": self.faults,
            "most_open": self.most_open,
            "mean_open": round(self.area / max(self.changed - self.began, 0.001), 1),
            "asking_seconds": round(self.changed - self.began, 2),
        }


def answer_to(model: str, text: str) -> str:
    """About 120 words of Markdown that tell which prompt they answer; each model has its own."""
    rng = random.Random(f"{model} {text}")
    words = " ".join(rng.choice(WORDS) for _ in range(100))
    return f"To *{text}*\n\n- **{words[:200]}**\n- `{words[200:300]}`\n\n{words[300:]}"


def completion(model: str, text: str) -> dict:
    message = {"role": "assistant", "content": answer_to(model, text)}
    return {
        "id": "r", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 130, "total_tokens": 150},
    }  # fmt: skip


# --- A run ----------------------------------------------------------------------------------


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_provider(options: argparse.Namespace, limited: float, dropped: float) -> tuple:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, __file__, "--provider", str(port), "--latency", str(options.latency),
         "--limited", str(limited), "--dropped", str(dropped)],
    )  # fmt: skip
    if not supervisor.wait_for_port(port, 20):
        sys.exit("The fake provider did not start.")
    return process, port


def start_workers(
    env: dict[str, str], folder: Path, options: argparse.Namespace
) -> list[subprocess.Popen]:
    """The workers of `make worker`, the one that asks providers first; each in a session of its
    own, so that its beat or its pool dies with it. With --together one serves both queues."""
    pool = ["--pool", options.pool, "-c", str(options.threads), "-l", "error"]
    beat = ["--beat", "--schedule", str(folder / "beat")]
    kinds = [
        ["-Q", "generation", "-n", "generation@%h", *pool],
        ["-Q", "celery", "--pool", "threads", "-c", "4", "-l", "error", *beat],
    ]
    if options.together:
        kinds = [[*pool, *beat]]
    with (folder / "worker.log").open("ab") as log:
        return [
            subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "tasks", "worker", *kind],
                cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True,
            )
            for kind in kinds
        ]  # fmt: skip


def wait_for_workers(number: int) -> None:
    from tasks.celery import app

    end = time.monotonic() + 60
    while time.monotonic() < end:
        if len(app.control.ping(timeout=1.0)) >= number:
            return
    sys.exit("The workers did not start; see their log.")


def cpu_seconds(process: subprocess.Popen) -> float:
    """CPU of a process and all that live in its session so far."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(") ", 1)[1].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == process.pid:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def make_room(port: int, options: argparse.Namespace, number: int) -> object:
    """A study of n outputs, all due, on the fake."""
    from jeoul.accounts.models import User
    from jeoul.comparisons.building import build_comparisons
    from jeoul.studies.actions import create_study
    from jeoul.studies.models import StudyState
    from jeoul.studies.prompt_actions import import_prompts
    from jeoul.studies.running import due_outputs, move_study
    from jeoul.studies.systems_actions import create_connection, create_system_version

    owner = User.objects.create_user(f"bench{number}")
    rows = (
        json.dumps({"id": f"p{n}", "prompt": f"Question {n}: what weighs more, and why?"})
        for n in range(options.outputs // 2)
    )
    prompts, _ = import_prompts(owner=owner, name="Bench", text="\n".join(rows), kind="jsonl")
    connection = create_connection(
        owner=owner, name="fake", base_url=f"http://127.0.0.1:{port}/v1",
        concurrency=options.concurrency, timeout_seconds=30,
    )  # fmt: skip
    versions = [
        create_system_version(owner=owner, name=name, connection=connection, model=name)
        for name in ("m-2026-01-01", "m-2026-02-02")
    ]
    study = create_study(
        owner=owner, title="Bench", prompts=prompts, systems=versions,
        settings={"gold_share": 0.0},
    )  # fmt: skip
    move_study(study=study, to=StudyState.RUNNING, actor=owner)
    due_outputs(study=study)
    build_comparisons(study=study)
    return study


def left_of(study: object) -> int:
    from jeoul.studies.models import Output

    return Output.objects.filter(study=study).exclude(state="done").count()


def check(study: object, outputs: int) -> None:
    """Everything there once, each text the answer to its own prompt, every comparison open."""
    from jeoul.studies.models import Output

    rows = Output.objects.filter(study=study).select_related("prompt", "system_version")
    assert rows.count() == outputs, rows.count()
    for row in rows.iterator():
        assert row.state == "done", (row.state, row.error_code)
        assert row.text == answer_to(row.system_version.model, row.prompt.last_user_text())
    # Texts are scanned in jobs of their own; what a flushed queue lost, the next sweep finds.
    end = time.monotonic() + 120
    while (waiting := study.comparisons.filter(ready=False).count()) and time.monotonic() < end:
        time.sleep(1.0)
    assert not waiting, f"{waiting} comparisons still wait"


def run(name: str, options: argparse.Namespace, env: dict[str, str], folder: Path, number: int,
        *, limited: float = 0.0, dropped: float = 0.0, kill: bool = False) -> dict:  # fmt: skip
    import redis
    from jeoul.studies.generation.actions import outputs_due

    from tasks.generation import enqueue

    provider, port = start_provider(options, limited, dropped)
    workers = start_workers(env, folder, options)
    try:
        wait_for_workers(len(workers))
        study = make_room(port, options, number)
        before, started = [cpu_seconds(w) for w in workers], time.monotonic()
        enqueue(outputs_due(limit=options.outputs, study=study))
        killed = not kill
        while (left := left_of(study)) and time.monotonic() - started < options.longest:
            if not killed and left < options.outputs * 0.7:
                killed = True
                for worker in workers:
                    os.killpg(worker.pid, signal.SIGKILL)
                    worker.wait()
                redis.Redis.from_url(env["REDIS_URL"]).flushdb()
                workers = start_workers(env, folder, options)
                before = [0.0 for _ in workers]
            time.sleep(0.1)
        seconds = time.monotonic() - started
        if left:
            sys.exit(f"{name}: {left} outputs are missing after {seconds:.0f} s")
        cpu = [cpu_seconds(w) - then for w, then in zip(workers, before, strict=True)]
        asked = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/"))
        time.sleep(1.0)
        check(study, options.outputs)
    finally:
        for process in (*workers, provider):
            process.terminate()
        for process in (*workers, provider):
            process.wait()
    ideal = options.outputs / options.concurrency * options.latency
    result = {"run": name, "pool": options.pool, "together": options.together,
              "load": round(os.getloadavg()[0], 1), "seconds": round(seconds, 2), "ideal": ideal,
              "share_of_ideal": round(ideal / seconds, 3),
              "cpu_seconds": [round(c, 1) for c in cpu],
              **asked}  # fmt: skip
    print(json.dumps(result), flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outputs", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=4, help="of the worker that asks")
    parser.add_argument(
        "--pool", default="threads", choices=["threads", "prefork", "solo", "gevent"]
    )
    parser.add_argument("--together", action="store_true", help="one worker for both queues")
    parser.add_argument("--longest", type=float, default=300.0)
    parser.add_argument("--only", choices=["plain", "faults", "killed"])
    parser.add_argument("--provider", type=int, help="be the fake provider on this port")
    parser.add_argument("--limited", type=float, default=0.1)
    parser.add_argument("--dropped", type=float, default=0.02)
    options = parser.parse_args()
    if options.provider:
        fake = Fake(options.latency, options.limited, options.dropped)
        asyncio.run(fake.serve(options.provider))
        return
    # A time limit from outside must not leave servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended from outside."))
    folder = Path(tempfile.mkdtemp(prefix="jeoul-bench-"))
    services = local.LocalServices(folder, durable=True)
    try:
        os.environ.update(services.open())
        os.environ["JEOUL_VAR"] = str(folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "jeoul.settings"
        measure(options, folder)
    finally:
        services.close()
        shutil.rmtree(folder, ignore_errors=True)


def measure(options: argparse.Namespace, folder: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    env = dict(os.environ)
    faults = {"limited": options.limited, "dropped": options.dropped}
    runs = {"plain": {}, "faults": faults, "killed": faults | {"kill": True}}
    results = [
        run(name, options, env, folder, number, **more)
        for number, (name, more) in enumerate(runs.items())
        if options.only in {None, name}
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

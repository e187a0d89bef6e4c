"""Server time and queries of every page of the dashboard with 100,000 judgements stored.

`make bench-pages` fills a database of its own (500 workers, three systems, all judgements in one
running study), asks for each page several times, with a filled and with an empty cache, and prints
the best time and the mean processor time of the web process and its PostgreSQL backend, which says
what a page costs also where the machine is busy with other things. A study of ten judgements
stands beside it, so that a query that grows with the rows shows. `--only NAME` asks for the pages
with that in their name. Writes bench/out/pages.json.
"""

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

from jeoul import local

OUT = Path(__file__).resolve().parent / "out" / "pages.json"
SYSTEMS = ("alpha", "beta", "gamma")
PAIRS = (("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma"))
TEXT = "A plain answer of about one hundred and fifty words, as a model gives it. " * 12


def lines(judgements: int, workers: int, seed: int = 7) -> str:
    """A file of judgements: each comparison by three different workers."""
    rng = random.Random(seed)
    rows = []
    for at in range(judgements):
        unit, turn = divmod(at, 3)
        prompt, pair = divmod(unit, 3)
        a, b = PAIRS[pair]
        rows.append(
            json.dumps(
                {
                    "prompt_id": f"p{prompt}",
                    "prompt": f"Question {prompt}: what would you do?",
                    "system_a": a,
                    "system_b": b,
                    "output_a": f"{a} {prompt}. {TEXT}",
                    "output_b": f"{b} {prompt}. {TEXT}",
                    "worker": f"w{(unit * 7 + turn * 131) % workers}",
                    "choice": rng.choice(["a", "a", "b", "tie", "both_bad"]),
                    "left": rng.choice("ab"),
                    "seconds": round(rng.lognormvariate(3.5, 0.5), 1),
                }
            )
        )
    return "\n".join(rows)


def fill(owner, slug: str, judgements: int, workers: int):
    from jeoul.comparisons.import_actions import import_judgements
    from jeoul.studies.models import StudyState

    start = time.monotonic()
    study, _ = import_judgements(
        owner=owner, study=None, text=lines(judgements, workers), kind="jsonl", slug=slug
    )
    print(f"{slug}: imported in {time.monotonic() - start:.0f} s")
    # Running, so that the pages show what they show while people judge.
    study.state, study.closed_at = StudyState.RUNNING, None
    study.save()
    return study


def addresses(study) -> dict[str, str]:
    from django.urls import get_resolver, reverse

    comparison = study.comparisons.order_by("pk").first()
    worker = study.enrolments.order_by("pk").first().worker.pseudonym
    known = {
        "study": study.uuid,
        "comparison": comparison.uuid,
        "worker": worker,
        "prompt_set": study.prompt_set_version.prompt_set.uuid,
        "system": study.systems.first().system.uuid,
        "name": "pairs-overall",
        "form": "svg",
    }
    found = {}
    for name, ways in get_resolver().reverse_dict.lists():
        if not isinstance(name, str) or name.startswith(("api-", "worker-", "token-", "login")):
            continue
        wanted = ways[0][0][0][1]
        if name in {"set_language", "logout", "study-export"} or not set(wanted) <= known.keys():
            continue
        found[name] = reverse(name, kwargs={key: known[key] for key in wanted})
    for name in ("worker-list", "worker-detail"):
        keys = ("study", "worker")[: 1 + (name == "worker-detail")]
        found[name] = reverse(name, kwargs={key: known[key] for key in keys})
    base = found["comparison-list"]
    found["worker-effect"] = reverse("worker-effect", args=[study.uuid, worker])
    found["comparison-list, judged"] = f"{base}?show=judged"
    found["comparison-list, disputed"] = f"{base}?show=disputed"
    found["comparison-list, text"] = f"{base}?text=answer"
    last = study.comparisons.order_by("-position", "-pk").values_list("position", "pk")[
        min(60, study.comparisons.count() - 1)
    ]
    found["comparison-list, last page"] = f"{base}?after={last[0]}-{last[1]}"
    found["comparison-list, rare text"] = f"{base}?text=not+to+be+found"
    found["comparison-list, by a worker"] = f"{base}?worker={worker}"
    found["comparison-list, by flagged"] = f"{base}?flag=1"
    found["comparison-list, a verdict"] = f"{base}?verdict=3"
    found["output-list, failed"] = f"{found['output-list']}?state=failed"
    found["output-list, by prompt"] = f"{found['output-list']}?q=not-there"
    # What a page of many rows asks for after it is there.
    found["study-detail, its figures"] = f"{found['study-detail']}?part=progress"
    found["study-detail, its pairs and slices"] = f"{found['study-detail']}?part=parts"
    found["output-list, its figures"] = f"{found['output-list']}?part=generation"
    return dict(sorted(found.items()))


def processor_seconds(backend: int) -> float:
    """Of this process and of the backend that works for it."""
    fields = Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def asked(client, address: str, backend: int, rounds: int, empty: bool) -> tuple[float, float]:
    """Best milliseconds, and mean ones of the processors; ``empty`` clears the cache each time."""
    from django.core.cache import cache

    spent, used = [], 0.0
    for _ in range(rounds):
        if empty:
            cache.clear()
        start, before = time.perf_counter(), processor_seconds(backend)
        client.get(address, headers={"HX-Request": "true"} if "part=" in address else {})
        spent.append(1000 * (time.perf_counter() - start))
        used += processor_seconds(backend) - before
    return min(spent), 1000 * used / rounds


def measure(client, address: str, rounds: int) -> dict[str, float] | None:
    """With a filled and with an empty cache, and the queries of an empty one; None without a GET.

    The very first request, in which a process reads its templates, is in neither.
    """
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    cache.clear()
    with CaptureQueriesContext(connection) as seen:
        first = client.get(address)
    queries = len(seen)
    if first.status_code in {405, 409}:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    cold, cold_cpu = asked(client, address, backend, max(rounds // 3, 1), empty=True)
    # Filled with the figures too, which a page of many rows asks for later.
    client.get(f"{address}{'&' if '?' in address else '?'}now=1")
    ms, cpu = asked(client, address, backend, rounds, empty=False)
    return {
        "ms": round(ms, 1),
        "cpu_ms": round(cpu, 1),
        "empty_ms": round(cold, 1),
        "empty_cpu_ms": round(cold_cpu, 1),
        "queries": queries,
        "status": first.status_code,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgements", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="a folder that keeps the data for the next run")
    parser.add_argument("--only", default="", help="the pages with this in their name")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        var = chosen.keep or Path(folder)
        services = local.LocalServices(var)
        os.environ.update(services.open() | {"JEOUL_VAR": str(var), "STATIC_HASHED": "0"})
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
        try:
            run(chosen)
        finally:
            services.close()


def run(chosen: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from jeoul.accounts.models import User
    from jeoul.studies.models import Study

    call_command("migrate", verbosity=0, interactive=False)
    owner, _ = User.objects.get_or_create(username="bench")
    small = Study.objects.filter(slug="ten").first() or fill(owner, "ten", 12, 3)
    large = Study.objects.filter(slug="large").first() or fill(
        owner, "large", chosen.judgements, chosen.workers
    )
    from tasks.analyses import analyse

    for study in (small, large):
        # Kept data may hold an analysis that other code made.
        study.analyses.all().delete()
        # As a worker does it, which also counts what is there.
        analyse(study.pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(owner)
    beside = {
        name: measure(client, at, 1) for name, at in addresses(small).items() if chosen.only in name
    }
    rows = []
    columns = ("ms", "cpu_ms", "empty_ms", "empty_cpu_ms", "queries")
    print(f"\n{'page':30}" + "".join(f"{name:>13}" for name in (*columns, "with ten")))
    for name, address in addresses(large).items():
        if chosen.only not in name:
            continue
        found, other = measure(client, address, chosen.rounds), beside[name]
        if found is None or other is None:
            continue
        mark = " SLOW" * (min(found["ms"], found["cpu_ms"]) > 100)
        mark += " SLOW FIRST" * (min(found["empty_ms"], found["empty_cpu_ms"]) > 100)
        mark += " GROWS" * (found["queries"] >= other["queries"] + 10)
        mark += f" STATUS {found['status']}" * (found["status"] not in {200, 302})
        print(f"{name:30}" + "".join(f"{found[c]:13}" for c in columns), end="")
        print(f"{other['queries']:13}{mark}", flush=True)
        rows.append({"page": name} | found | {"queries_with_ten": other["queries"]})
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

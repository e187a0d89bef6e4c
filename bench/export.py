"""How fast a million judgements are exported, beside a plain COPY of the same rows.

Builds the rows inside an embedded PostgreSQL of its own, then times each format in a fresh
process with its peak memory.
Run: make bench-export            (ROWS=200000 for fewer)
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROWS = int(os.environ.get("ROWS", "1000000"))
WORKERS, PROMPTS = 499, 2_000

EACH = {
    "comparisons_assignment": (
        {"uuid": "gen_random_uuid()", "comparison_id": "c.id", "enrolment_id": "e.id",
         "repeat": "1 + (i / {workers}) % 32000", "a_on_left": "i % 2 = 0",
         "client_key": "gen_random_uuid()"},
        """generate_series(0, {rows} - 1) i
        JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM comparisons_comparison
              WHERE study_id = {study}) c ON c.at = i % {prompts}
        JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM workers_enrolment
              WHERE study_id = {study}) e ON e.at = i % {workers}""",
    ),
    "comparisons_judgement": (
        {"uuid": "gen_random_uuid()", "comparison_id": "g.comparison_id", "assignment_id": "g.id",
         "worker_id": "e.worker_id", "client_key": "gen_random_uuid()", "a_on_left": "g.a_on_left",
         "seconds": "20 + random() * 40", "simulated": "true"},
        """comparisons_assignment g JOIN workers_enrolment e ON e.id = g.enrolment_id
        AND g.id > {first}""",
    ),
    "comparisons_answer": (
        {"judgement_id": "j.id", "outcome": "j.id % 4", "grade": "NULL"},
        "(SELECT id FROM comparisons_judgement WHERE id > {judgement}) j",
    ),
}  # fmt: skip


def fill() -> int:
    """A study with ROWS judgements, made of copies of one that was really given."""
    from django.apps import apps
    from django.db import connection
    from jeoul.workers.models import Enrolment, Worker

    from tests import factories

    study = factories.make_study(prompts=PROMPTS, systems=("one", "two"))
    enrolment = factories.worker_for(study)
    first = factories.judge(enrolment)
    Worker.objects.bulk_create(
        Worker(vendor=enrolment.worker.vendor, simulated=True) for _ in range(WORKERS - 1)
    )
    Enrolment.objects.bulk_create(
        Enrolment(study=study, worker=worker, invite=enrolment.invite, stage="working")
        for worker in Worker.objects.exclude(pk=enrolment.worker_id)
    )
    known = {
        "rows": ROWS, "study": study.pk, "workers": WORKERS, "prompts": PROMPTS,
        "first": first.assignment_id, "judgement": first.pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        # No trigger and no foreign key is asked for each of the rows.
        cursor.execute("SET session_replication_role = replica")
        for table, (changed, source) in EACH.items():
            (model,) = [m for m in apps.get_models() if m._meta.db_table == table]
            names = [f.column for f in model._meta.concrete_fields if f.column != "id"]
            values = ", ".join(changed.get(name, f"x.{name}") for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            where = f"x.id = (SELECT min(id) FROM {table})"
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values.format(**known)} "
                f"FROM {table} x CROSS JOIN {source.format(**known)} WHERE {where}"
            )
        cursor.execute("ANALYZE")
    return study.pk


def measure(study: int, what: str) -> None:
    """One run in this process: prints seconds, bytes and the peak memory as JSON."""
    from django.db import connection
    from jeoul.results.exports import export_stream
    from jeoul.results.exports.tables import COPIED
    from jeoul.studies.models import Study

    row = Study.objects.get(pk=study)
    # The most that was ever resident, counted anew from here: what the export itself needs.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    started, size = time.perf_counter(), 0
    if what == "copy":
        table = COPIED["judgements"]
        cells = ", ".join(f'{c.sql} AS "{c.name}"' for c in table.columns)
        with connection.cursor() as cursor, Path(os.devnull).open("wb") as sink:
            text = cursor.mogrify(
                f"COPY (SELECT {cells} {table.source}) TO STDOUT", table.params(row)
            ).decode()
            cursor.copy_expert(text, sink)
    else:
        for chunk in export_stream(study=row, what="judgements", form=what):
            size += len(chunk)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "bytes": size, "peak": peak(), "before": before}))


def peak() -> int:
    """VmHWM in kB: unlike getrusage's, it is this program's alone, not what forked it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
    sys.path.insert(0, str(ROOT))
    if len(sys.argv) == 3:
        import django

        django.setup()
        measure(int(sys.argv[1]), sys.argv[2])
        return
    from jeoul import local

    with tempfile.TemporaryDirectory(prefix="jeoul-bench-") as folder:
        os.environ["JEOUL_VAR"] = folder
        services = local.LocalServices(Path(folder), durable=False)
        os.environ.update(services.open())
        try:
            run()
        finally:
            services.close()


def run() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    started = time.perf_counter()
    study = fill()
    print(f"{ROWS:,} judgements made in {time.perf_counter() - started:.0f} s")
    plain = 0.0
    for what in ("copy", "csv", "jsonl", "parquet"):
        found = min((once(study, what) for _ in range(2)), key=lambda r: r["seconds"])
        plain = plain or found["seconds"]
        print(
            f"{what:>8}: {found['seconds']:6.2f} s  {ROWS / found['seconds']:>9,.0f} rows/s  "
            f"{found['seconds'] / plain:.2f} x plain COPY  {found['bytes'] / 1e6:6.0f} MB out  "
            f"peak RSS {found['peak'] / 1024:.0f} MB ({found['before'] / 1024:.0f} MB before)"
        )


def once(study: int, what: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, str(study), what], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()

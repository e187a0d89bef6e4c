"""How fast a million judgements are exported, beside a plain COPY of the same rows.

Builds the rows inside an embedded PostgreSQL of its own, then times each format in a fresh
process with its peak memory.
Run: make bench-export            (ROWS=200000 for fewer)
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROWS = int(os.environ.get("ROWS", "1000000"))
WORKERS, PROMPTS = 499, 2_000

FILL = """
INSERT INTO workers_worker (uuid, created_at, vendor_id, pseudonym, languages, state, state_reason,
                            simulated)
SELECT gen_random_uuid(), now(), {vendor}, 'w-' || to_hex(i), '[]', 'active', '', true
FROM generate_series(1, {workers}) i;
INSERT INTO workers_enrolment (uuid, created_at, study_id, worker_id, invite_id, stage,
    consent_hash, language, completion_code, submitted, token_round)
SELECT gen_random_uuid(), now(), {study}, w.id, {invite}, 'working', '', '', 'X', 0, 0
FROM workers_worker w WHERE w.vendor_id = {vendor};
INSERT INTO comparisons_assignment (uuid, comparison_id, enrolment_id, state, repeat, a_on_left,
    reserved_at, expires_at, skip_reason, client_key, draft, created_at)
SELECT gen_random_uuid(), c.id, e.id, 'submitted', (i / {workers}) % 32000, i % 2 = 0, now(), now(),
       '', gen_random_uuid(), '{{}}', now()
FROM generate_series(0, {rows} - 1) i
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM comparisons_comparison
      WHERE study_id = {study}) c ON c.at = i % {prompts}
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM workers_enrolment
      WHERE study_id = {study}) e ON e.at = i % {workers};
INSERT INTO comparisons_judgement (uuid, created_at, study_id, comparison_id, assignment_id,
    worker_id, client_key, payload_hash, judged_at, seconds, a_on_left, simulated, imported)
SELECT gen_random_uuid(), now(), {study}, g.comparison_id, g.id, e.worker_id, gen_random_uuid(),
       repeat('0', 64), now(), 20 + random() * 40, g.a_on_left, true, false
FROM comparisons_assignment g JOIN workers_enrolment e ON e.id = g.enrolment_id
WHERE e.study_id = {study};
INSERT INTO comparisons_answer (judgement_id, criterion_id, outcome, grade, chips)
SELECT id, {criterion}, id % 4, NULL, '[]' FROM comparisons_judgement WHERE study_id = {study};
"""


def fill() -> int:
    """A study with ROWS judgements; returns its number."""
    from django.db import connection
    from jeoul.workers.actions import get_vendor, make_invite

    from tests import factories

    study = factories.make_study(prompts=PROMPTS, systems=("one", "two"))
    vendor = get_vendor(owner=factories.owner_of(study), name="Bench")
    invite = make_invite(study=study, vendor=vendor)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            FILL.format(
                vendor=vendor.pk, study=study.pk, invite=invite.pk, workers=WORKERS, rows=ROWS,
                prompts=PROMPTS,
                criterion=study.criteria.get().pk,
            )
        )  # fmt: skip
        cursor.execute("ANALYZE")
    return study.pk


def measure(study: int, what: str) -> None:
    """One run in this process: prints seconds, bytes and the peak memory as JSON."""
    from django.db import connection
    from jeoul.results.exports import export_stream
    from jeoul.results.exports.tables import COPIED
    from jeoul.studies.models import Study

    row = Study.objects.get(pk=study)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
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
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "bytes": size, "peak": after, "before": before}))


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

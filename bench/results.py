"""From rows in PostgreSQL to a full results page: where the time goes, beside a plain COPY.

    make bench-results            loads 1,000,000 judgements into a database of its own
    python bench/results.py --judgements 100000

`copy` reads the columns that the results need by COPY in text form and throws them away: what
any reader must wait for. Both CPU and wall times are printed, since a shared machine stretches
the second. The servers lie in a temporary folder (or JEOUL_BENCH_VAR, which is kept and used
again) and are stopped at the end.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jeoul import local
from tables import publish

NEEDED = (
    (
        "SELECT id, comparison_id, worker_id, a_on_left, seconds, supersedes_id "
        "FROM comparisons_judgement WHERE study_id = {study}"
    ),
    (
        "SELECT judgement_id, criterion_id, outcome, grade FROM comparisons_answer "
        "WHERE criterion_id IN (SELECT id FROM studies_criterion WHERE study_id = {study})"
    ),
    (
        "SELECT id, prompt_id, system_a_id, system_b_id, output_a_id, output_b_id, kind, gold_sign "
        "FROM comparisons_comparison WHERE study_id = {study}"
    ),
    "SELECT output_id, seconds, length, headers, bold, lists FROM results_textfeature",
)


class Nowhere:
    """Takes what is copied and forgets it."""

    def write(self, data: bytes) -> int:
        return len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgements", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--docs", action="store_true", help="write the table into the docs")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jeoul-bench-") as folder:
        var = Path(os.environ.get("JEOUL_BENCH_VAR") or folder)
        os.environ["JEOUL_VAR"] = str(var)
        servers = local.LocalServices(var, durable=False)
        os.environ.update(servers.open())
        try:
            run(chosen.judgements, chosen.runs, chosen.docs)
        finally:
            servers.close()


def run(judgements: int, runs: int, docs: bool) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    rows = measure(judgements, runs)
    by_step = {row["step"]: row for row in rows}
    whole = sum(by_step[s]["wall"] for s in ("read", "compute", "charts", "store", "page"))
    copy = by_step["copy"]["wall"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    shown = [
        {"step": r["step"], "wall ms": r["wall"], "CPU ms of this process": r["cpu"],
         "× COPY": r["wall"] / copy}
        for r in rows
    ]  # fmt: skip
    note = (
        f"`make bench-results`: read, compute, charts, store and page together {whole:,.0f} ms = "
        f"{whole / copy:.1f} times the `COPY`; best of {runs} runs; peak memory {memory:,.0f} MB; "
    )
    publish("results", [(f"{judgements:,} judgements", shown)], docs=docs, note=note)


def measure(judgements: int, runs: int) -> list[dict[str, Any]]:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from jeoul.results.actions import analyse_study
    from jeoul.results.charts import draw_charts
    from jeoul.results.compute import compute_from
    from jeoul.results.inputs import read_inputs
    from jeoul.studies.models import Study
    from loading import load_study

    rows: list[dict[str, Any]] = []

    def step(name: str, call: Callable[[], Any], times: int = runs) -> Any:
        best, result = None, None
        for _ in range(times):
            wall, cpu = time.perf_counter(), time.process_time()
            result = call()
            taken = (1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))
            best = taken if best is None else min(best, taken)
        rows.append({"step": name, "wall": best[0], "cpu": best[1]})  # type: ignore[index]
        return result

    title = f"{judgements} judgements"
    study = Study.objects.filter(title=title, judgements__isnull=False).first()
    if study is None:
        study = step("load by COPY (once)", lambda: load_study(judgements=judgements,
                     workers=max(50, judgements // 500)), 1)  # fmt: skip

    def copy() -> None:
        with connection.cursor() as cursor:
            for query in NEEDED:
                cursor.copy_expert(f"COPY ({query.format(study=study.pk)}) TO STDOUT", Nowhere())

    step("first reading: measures every text (once)", lambda: read_inputs(study), 1)
    step("copy", copy)
    inputs = step("read", lambda: read_inputs(study))
    results, _ = step("compute", lambda: compute_from(inputs))
    draw_charts(results)  # the renderer's second to start is the process's, not the analysis's
    step("charts", lambda: draw_charts(results))

    def anew() -> Any:
        study.analyses.all().delete()
        return analyse_study(study=study)

    total = step("analyse_study, all of it", anew)
    rows.append({"step": "store", "wall": 0.0, "cpu": 0.0})
    parts = {row["step"]: row for row in rows}
    for kind in ("wall", "cpu"):
        made = sum(parts[s][kind] for s in ("read", "compute", "charts"))
        rows[-1][kind] = max(0.0, parts["analyse_study, all of it"][kind] - made)
    assert total is not None
    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(study.memberships.get(role="owner").user)
    step("page", lambda: client.get(f"/studies/{study.uuid}/results/"))
    return rows


if __name__ == "__main__":
    main()

"""Scans of texts that came together or wait, up to a hundred in a job: one costs ten times more."""

from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from jeoul.comparisons.building import mark_ready
from jeoul.comparisons.standing import reassess
from jeoul.risk import scanning
from jeoul.risk.contamination.jobs import run_check
from jeoul.risk.models import CorpusJob
from jeoul.risk.scanning import unscanned_outputs, unscanned_prompts
from jeoul.studies.models import LeaveOut, PromptUpload
from jeoul.studies.uploads import read_upload

from tasks.celery import app

_BATCH = 2000
_TEXTS_PER_JOB = 100
# A queued text is not queued again for this long; a lost queue costs no more than it.
_QUEUED_SECONDS = 120


@app.task(name="tasks.risk.scan_outputs")
def scan_outputs(ids: list[int]) -> None:
    """Scan outputs and open the comparisons that waited for them; twice does no more."""
    scanning.scan_outputs(ids=ids)
    mark_ready(output_ids=ids, scan_here=0)


@app.task(name="tasks.risk.scan_prompts")
def scan_prompts(ids: list[int]) -> None:
    """Scan some prompts; those that are scanned already cost a look."""
    scanning.scan_prompts(ids=ids)


@app.task(name="tasks.risk.unscanned")
def unscanned() -> None:
    """Queue what the present rules have not seen: new texts, and all when the rules change."""
    outputs = unscanned_outputs().order_by("pk").values_list("pk", flat=True)[:_BATCH]
    _queue(scan_outputs, "scan", outputs)
    prompts = unscanned_prompts().order_by("pk").values_list("pk", flat=True)[: 10 * _BATCH]
    _queue(scan_prompts, "scan-prompt", prompts)


def _queue(job: Any, name: str, ids: Iterable[int]) -> None:
    new = [pk for pk in ids if cache.add(f"{name}:{pk}", 1, _QUEUED_SECONDS)]
    for at in range(0, len(new), _TEXTS_PER_JOB):
        job.delay(new[at : at + _TEXTS_PER_JOB])


@app.task(name="tasks.risk.read_prompts")
def read_prompts(upload_id: int) -> None:
    """Import one uploaded prompt file; twice does no more."""
    read_upload(upload_id=upload_id)


@app.task(name="tasks.risk.check_corpus")
def check_corpus(job_id: int) -> None:
    """Look a corpus through for a prompt set; studies that leave such prompts out follow."""
    job = run_check(job_id=job_id)
    if job is not None and job.check_row is not None:
        for study in job.version.studies.exclude(contamination=LeaveOut.NOTHING):
            reassess(study=study)


@app.task(name="tasks.risk.waiting_uploads")
def waiting_uploads() -> None:
    """Queue files that no living job reads."""
    for name, job, files in (
        ("corpus", check_corpus, CorpusJob.objects), ("upload", read_prompts, PromptUpload.objects),
    ):  # fmt: skip
        for pk in files.waiting().values_list("pk", flat=True):
            if cache.add(f"{name}:{pk}", 1, _QUEUED_SECONDS):
                job.delay(pk)

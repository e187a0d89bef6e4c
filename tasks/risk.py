"""Scans, one job per output; prompts by the hundred, since a set comes in as a whole."""

from django.core.cache import cache
from jeoul.comparisons.building import mark_ready
from jeoul.risk.scanning import scan_output, scan_prompt, unscanned_outputs, unscanned_prompts
from jeoul.studies.uploads import read_upload, uploads_due

from tasks.celery import app

_BATCH = 2000
_PROMPTS_PER_JOB = 100
# A queued text is not queued again for this long; a lost queue costs no more than it.
_QUEUED_SECONDS = 120


@app.task(name="tasks.risk.scan")
def scan(output_id: int) -> None:
    """Scan one output and open the comparisons that waited for it; twice does no more."""
    scan_output(output_id=output_id)
    mark_ready(output_id=output_id)


@app.task(name="tasks.risk.scan_outputs")
def scan_outputs(ids: list[int]) -> None:
    """Scan outputs that were stored together, and open the comparisons that waited for them."""
    for output_id in ids:
        scan_output(output_id=output_id)
    mark_ready(output_ids=ids, scan_here=0)


@app.task(name="tasks.risk.scan_prompts")
def scan_prompts(ids: list[int]) -> None:
    """Scan some prompts; those that are scanned already cost a look."""
    for prompt_id in ids:
        scan_prompt(prompt_id=prompt_id)


@app.task(name="tasks.risk.unscanned")
def unscanned() -> None:
    """Queue what the present rules have not seen: new texts, and all when the rules change."""
    outputs = unscanned_outputs().order_by("pk").values_list("pk", flat=True)[:_BATCH]
    for pk in outputs:
        if cache.add(f"scan:{pk}", 1, _QUEUED_SECONDS):
            scan.delay(pk)
    rows = unscanned_prompts().order_by("pk").values_list("pk", flat=True)[: 10 * _BATCH]
    prompts = [pk for pk in rows if cache.add(f"scan-prompt:{pk}", 1, _QUEUED_SECONDS)]
    for at in range(0, len(prompts), _PROMPTS_PER_JOB):
        scan_prompts.delay(prompts[at : at + _PROMPTS_PER_JOB])


@app.task(name="tasks.risk.read_prompts")
def read_prompts(upload_id: int) -> None:
    """Import one uploaded prompt file; twice does no more."""
    read_upload(upload_id=upload_id)


@app.task(name="tasks.risk.waiting_uploads")
def waiting_uploads() -> None:
    """Queue files that no living job reads."""
    for pk in uploads_due():
        if cache.add(f"upload:{pk}", 1, _QUEUED_SECONDS):
            read_prompts.delay(pk)

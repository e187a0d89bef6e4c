"""Writing the evaluation record of a study, streamed."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from jeoul import __version__
from jeoul.comparisons.chain import content_of, seal_study
from jeoul.results.compute import compute_from
from jeoul.results.exports import export_stream
from jeoul.results.exports.encoders import Drained
from jeoul.results.inputs import read_inputs
from jeoul.results.progress import study_progress
from jeoul.results.record import FORMAT, MANIFEST, README, RESULTS, Writer, as_json, packed
from jeoul.studies.access import prompt_texts_hidden
from jeoul.studies.models import Study
from jeoul.studies.running import plan_of

_DATA = ("history", "comparisons", "outputs", "workers", "flags", "audit")


def record_stream(study: Study) -> Iterator[bytes]:
    """The zip's bytes as they come; the judgements are sealed into the chain before."""
    while seal_study(study=study):
        pass
    drained = Drained()
    writer = Writer(drained.file, drained.take)
    inputs, cost = read_inputs(study), _cost(study)
    results = compute_from(inputs)[0] | {"cost": cost}
    files = {"README.txt": README.encode(), "plan.json": as_json(_plan(study)).encode()}
    files |= {RESULTS: as_json(results).encode()} | packed(inputs)
    for name, data in files.items():
        yield from writer.add(name, iter([data]))
    yield from writer.add("data/prompts.jsonl", _lines(_prompts(study)))
    for what in _DATA:
        rows = export_stream(study=study, what=what, form="jsonl")
        yield from writer.add(f"data/{what}.jsonl", rows)
    yield from writer.add("chain.jsonl", _lines(_chain(study)))
    manifest = {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "code_version": __version__,
        "study": inputs.study,
        "cost": cost,
        "files": dict(writer.files),
    }
    yield from writer.add(MANIFEST, iter([as_json(manifest).encode()]))
    yield writer.end()


def _cost(study: Study) -> dict[str, str]:
    progress = study_progress(study)
    return {
        "people": str(progress.people_cost),
        "generation": str(progress.generation_cost),
        "currency": study.currency,
    }


def _plan(study: Study) -> dict[str, Any]:
    amendments = study.amendments.select_related("by").order_by("number")
    return {
        "plan": study.plan or plan_of(study),
        "plan_hash": study.plan_hash,
        "frozen_at": study.frozen_at and study.frozen_at.isoformat(),
        "amendments": [
            {
                "number": a.number, "by": a.by.get_username(), "at": a.created_at.isoformat(),
                "reason": a.reason, "change": a.change,
            }
            for a in amendments
        ],
    }  # fmt: skip


def _prompts(study: Study) -> Iterator[dict[str, Any]]:
    """The prompts of the study's version; the texts of a sealed set only when it has ended."""
    version = study.prompt_set_version
    if version is None:
        return
    hidden = prompt_texts_hidden(version.prompt_set)
    names = ["key", "category", "language", "difficulty", "risk", "hazard", "content_hash"]
    rows = version.prompts.order_by("pk").values(*names, *([] if hidden else ["messages"]))
    yield from rows.iterator(chunk_size=500)


def _chain(study: Study) -> Iterator[dict[str, Any]]:
    links = study.chain.select_related("judgement").prefetch_related("judgement__answers")
    for link in links.order_by("number").iterator(chunk_size=1000):
        yield {
            "number": link.number, "digest": link.digest, "content": content_of(link.judgement)
        }  # fmt: skip


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "replace")

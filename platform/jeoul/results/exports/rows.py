"""What each export holds: its columns, and its rows from the database, by server-side cursors."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from django.db.models import Exists, OuterRef

from jeoul.accounts.models import AuditEvent
from jeoul.comparisons.models import Answer, Comparison, Judgement, Remark
from jeoul.quality.models import Exclusion
from jeoul.results.actions import current_results
from jeoul.results.exports.encoders import Row, Schema
from jeoul.studies.models import A_WINS, B_WINS, TIE, Output, Study
from jeoul.workers.models import Enrolment

_CHUNK: Final = 2000
_TIME: Final = pa.timestamp("us", tz="UTC")
_WORDS: Final = {A_WINS: "a", B_WINS: "b", TIE: "tie"}


@dataclass(frozen=True)
class Source:
    """One kind of export."""

    schema: Schema
    rows: Callable[[Study], Iterator[Row]]


def _labels(study: Study) -> dict[int, str]:
    entries = study.entries.select_related("system_version__system")
    return {e.system_version_id: e.system_version.label for e in entries}


def choice_of(outcome: int, grade: int | None, scale: int) -> str | int:
    """The choice as an importer reads it: a grade on graded scales, else a word."""
    if scale in {5, 7} and grade is not None:
        return grade
    return _WORDS.get(outcome, "both_bad")


_JUDGEMENTS: Final[Schema] = {
    "id": pa.string(),
    "study": pa.string(),
    "comparison": pa.string(),
    "kind": pa.string(),
    "prompt_id": pa.string(),
    "system_a": pa.string(),
    "system_b": pa.string(),
    "sample_a": pa.int64(),
    "sample_b": pa.int64(),
    "worker": pa.string(),
    "vendor": pa.string(),
    "criterion": pa.string(),
    "choice": pa.string(),
    "left": pa.string(),
    "seconds": pa.float64(),
    "visible_seconds": pa.float64(),
    "reason": pa.string(),
    "chips": pa.string(),
    "created_at": _TIME,
    "supersedes": pa.string(),
    "in_force": pa.bool_(),
    "excluded": pa.bool_(),
    "simulated": pa.bool_(),
    "imported": pa.bool_(),
}


def _judgements(study: Study, *, history: bool = False) -> Iterator[Row]:
    labels = _labels(study)
    later = Judgement.objects.filter(supersedes=OuterRef("judgement_id"))
    out = Exclusion.objects.filter(
        study=study, lifted_at=None, worker=OuterRef("judgement__worker_id")
    )
    remark = Remark.objects.filter(
        judgement=OuterRef("judgement_id"), criterion=OuterRef("criterion_id")
    ).values("text")[:1]
    answers = Answer.objects.filter(judgement__study=study).annotate(
        superseded=Exists(later), excluded=Exists(out), reason=remark
    )
    if not history:
        answers = answers.filter(superseded=False)
    names = (
        "judgement__uuid", "judgement__comparison__uuid", "judgement__comparison__kind",
        "judgement__comparison__prompt__key", "judgement__comparison__system_a_id",
        "judgement__comparison__system_b_id", "judgement__comparison__output_a__sample",
        "judgement__comparison__output_b__sample", "judgement__worker__pseudonym",
        "judgement__worker__vendor__name", "criterion__key", "criterion__scale", "outcome",
        "grade", "judgement__a_on_left", "judgement__seconds",
        "judgement__telemetry__visible_ms", "reason", "chips", "judgement__judged_at",
        "judgement__supersedes__uuid", "superseded", "excluded", "judgement__simulated",
        "judgement__imported",
    )  # fmt: skip
    rows = answers.order_by("judgement_id", "pk").values_list(*names)
    for (
        uuid, comparison, kind, prompt, a, b, sample_a, sample_b, worker, vendor, criterion,
        scale, outcome, grade, a_left, seconds, visible, reason, chips, at, supersedes,
        superseded, excluded, simulated, imported,
    ) in rows.iterator(chunk_size=_CHUNK):  # fmt: skip
        yield (
            str(uuid), study.slug, str(comparison), kind, prompt, labels.get(a), labels.get(b),
            sample_a, sample_b, worker, vendor, criterion, choice_of(outcome, grade, scale),
            None if a_left is None else "a" if a_left else "b", seconds,
            None if visible is None else visible / 1000, reason, chips, at,
            supersedes and str(supersedes), not superseded, excluded, simulated, imported,
        )  # fmt: skip


_COMPARISONS: Final[Schema] = {
    "id": pa.string(),
    "study": pa.string(),
    "kind": pa.string(),
    "prompt_id": pa.string(),
    "system_a": pa.string(),
    "system_b": pa.string(),
    "sample_a": pa.int64(),
    "sample_b": pa.int64(),
    "target": pa.int64(),
    "judged": pa.int64(),
    "ready": pa.bool_(),
    "position": pa.int64(),
    "simulated": pa.bool_(),
}


def _comparisons(study: Study) -> Iterator[Row]:
    labels = _labels(study)
    rows = Comparison.objects.filter(study=study).order_by("position", "pk")
    names = (
        "uuid", "kind", "prompt__key", "system_a_id", "system_b_id", "output_a__sample",
        "output_b__sample", "target", "judged", "ready", "position",
    )  # fmt: skip
    for uuid, kind, prompt, a, b, *rest in rows.values_list(*names).iterator(chunk_size=_CHUNK):
        yield (
            str(uuid), study.slug, kind, prompt, labels.get(a), labels.get(b), *rest,
            study.simulated,
        )  # fmt: skip


_OUTPUTS: Final[Schema] = {
    "id": pa.string(),
    "prompt_id": pa.string(),
    "system": pa.string(),
    "sample": pa.int64(),
    "state": pa.string(),
    "text": pa.string(),
    "finish_reason": pa.string(),
    "reported_model": pa.string(),
    "prompt_tokens": pa.int64(),
    "completion_tokens": pa.int64(),
    "latency_ms": pa.int64(),
    "cost": pa.float64(),
    "attempts": pa.int64(),
    "error_code": pa.string(),
    "error_message": pa.string(),
    "content_hash": pa.string(),
    "imported": pa.bool_(),
    "generation": pa.int64(),
    "simulated": pa.bool_(),
}


def _outputs(study: Study) -> Iterator[Row]:
    labels = _labels(study)
    outputs = Output.objects.filter(
        system_version__in=labels, prompt__versions=study.prompt_set_version
    )
    names = (
        "uuid", "prompt__key", "system_version_id", "sample", "state", "text", "finish_reason",
        "reported_model", "prompt_tokens", "completion_tokens", "latency_ms", "cost", "attempts",
        "error_code", "error_message", "content_hash", "imported", "generation",
    )  # fmt: skip
    rows = outputs.order_by("pk").values_list(*names)
    for uuid, prompt, version, *rest in rows.iterator(chunk_size=_CHUNK):
        rest[8] = None if rest[8] is None else float(rest[8])
        yield (str(uuid), prompt, labels[version], *rest, study.simulated)


_WORKERS: Final[Schema] = {
    "worker": pa.string(),
    "vendor": pa.string(),
    "stage": pa.string(),
    "consented_at": _TIME,
    "finished_at": _TIME,
    "n": pa.int64(),
    "median_seconds": pa.float64(),
    "agreement": pa.float64(),
    "gold_n": pa.int64(),
    "gold_right": pa.int64(),
    "left_share": pa.float64(),
    "excluded": pa.bool_(),
    "flags": pa.string(),
    "simulated": pa.bool_(),
}


def _workers(study: Study) -> Iterator[Row]:
    facts = {w["worker"]: w for w in current_results(study=study)["workers"]}
    rows = Enrolment.objects.filter(study=study).select_related("worker__vendor").order_by("pk")
    for e in rows.iterator(chunk_size=_CHUNK):
        fact: dict[str, Any] = facts.get(e.worker.pseudonym, {})
        yield (
            e.worker.pseudonym, e.worker.vendor.name, e.stage, e.consented_at, e.finished_at,
            fact.get("n", 0), fact.get("median_seconds"), fact.get("agreement"),
            fact.get("gold_n", 0), fact.get("gold_right", 0), fact.get("left_share"),
            fact.get("excluded", False), [f["rule"] for f in fact.get("flags", [])],
            e.worker.simulated,
        )  # fmt: skip


_RESULTS: Final[Schema] = {
    "criterion": pa.string(),
    "slice": pa.string(),
    "system_a": pa.string(),
    "system_b": pa.string(),
    "wins_a": pa.int64(),
    "wins_b": pa.int64(),
    "ties": pa.int64(),
    "both_bad": pa.int64(),
    "n": pa.int64(),
    "win_rate_a": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "method": pa.string(),
    "simulated": pa.bool_(),
}
_PAIR: Final = tuple(_RESULTS)[2:-1]


def _results(study: Study) -> Iterator[Row]:
    results = current_results(study=study)
    for criterion in results["criteria"]:
        for pair in criterion["pairs"]:
            yield (criterion["key"], "", *(pair[k] for k in _PAIR), study.simulated)
    for part in results["slices"]:
        for pair in part["pairs"]:
            name = f"{part['slice']}={part['value']}"
            yield ("overall", name, *(pair[k] for k in _PAIR), study.simulated)


_FLAGS: Final[Schema] = {
    "id": pa.string(),
    "worker": pa.string(),
    "rule": pa.string(),
    "rule_version": pa.string(),
    "evidence": pa.string(),
    "state": pa.string(),
    "created_at": _TIME,
    "decided_by": pa.string(),
    "decided_at": _TIME,
    "simulated": pa.bool_(),
}


def _flags(study: Study) -> Iterator[Row]:
    names = (
        "uuid", "worker__pseudonym", "rule", "rule_version", "evidence", "state", "created_at",
        "decided_by__username", "decided_at", "worker__simulated",
    )  # fmt: skip
    for uuid, *rest in study.flags.order_by("pk").values_list(*names).iterator(chunk_size=_CHUNK):
        yield (str(uuid), *rest)


_AUDIT: Final[Schema] = {
    "id": pa.string(),
    "at": _TIME,
    "actor": pa.string(),
    "verb": pa.string(),
    "object_type": pa.string(),
    "object": pa.string(),
    "data": pa.string(),
}


def _audit(study: Study) -> Iterator[Row]:
    events = AuditEvent.objects.filter(study_uuid=study.uuid).order_by("pk")
    for e in events.iterator(chunk_size=_CHUNK):
        yield (
            str(e.uuid), e.created_at, e.actor, e.verb, e.object_type,
            e.object_uuid and str(e.object_uuid), e.data,
        )  # fmt: skip


_PREFERENCES: Final[Schema] = {
    "prompt": pa.string(),
    "chosen": pa.string(),
    "rejected": pa.string(),
    "prompt_id": pa.string(),
    "chosen_system": pa.string(),
    "rejected_system": pa.string(),
    "votes": pa.int64(),
    "margin": pa.float64(),
    "tie_policy": pa.string(),
    "simulated": pa.bool_(),
}


def _preferences(study: Study) -> Iterator[Row]:
    """One row per comparison with a majority on the overall criterion; ties are left out."""
    labels = _labels(study)
    tally: dict[int, list[int]] = {}
    superseded = Judgement.objects.filter(supersedes=OuterRef("judgement_id"))
    answers = Answer.objects.filter(
        ~Exists(superseded), judgement__study=study, criterion__is_overall=True
    )
    rows = answers.values_list("judgement__comparison_id", "outcome")
    for comparison, outcome in rows.iterator(chunk_size=_CHUNK):
        tally.setdefault(comparison, [0, 0, 0, 0])[outcome] += 1
    comparisons = (
        Comparison.objects.filter(study=study, kind="real")
        .select_related("prompt", "output_a", "output_b")
        .order_by("position", "pk")
    )
    for c in comparisons.iterator(chunk_size=500):
        wins_a, wins_b, *_ = counts = tally.get(c.pk, [0, 0, 0, 0])
        texts_missing = c.output_a.text_missing or c.output_b.text_missing
        if wins_a == wins_b or texts_missing:
            continue
        first = wins_a > wins_b
        chosen, rejected = (c.output_a, c.output_b) if first else (c.output_b, c.output_a)
        yield (
            _prompt_text(c.prompt.messages), chosen.text, rejected.text, c.prompt.key,
            labels.get(chosen.system_version_id), labels.get(rejected.system_version_id),
            sum(counts), abs(wins_a - wins_b) / sum(counts), "majority of votes; ties left out",
            study.simulated,
        )  # fmt: skip


def _prompt_text(messages: list[dict[str, str]]) -> str:
    """A single turn as its text, a conversation as JSON messages."""
    if len(messages) == 1:
        return messages[0]["content"]
    return json.dumps(messages, ensure_ascii=False)


SOURCES: Final[dict[str, Source]] = {
    "judgements": Source(_JUDGEMENTS, _judgements),
    "history": Source(_JUDGEMENTS, lambda study: _judgements(study, history=True)),
    "comparisons": Source(_COMPARISONS, _comparisons),
    "outputs": Source(_OUTPUTS, _outputs),
    "workers": Source(_WORKERS, _workers),
    "results": Source(_RESULTS, _results),
    "flags": Source(_FLAGS, _flags),
    "audit": Source(_AUDIT, _audit),
    "preferences": Source(_PREFERENCES, _preferences),
}

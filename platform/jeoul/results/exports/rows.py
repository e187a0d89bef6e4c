"""The small exports: their columns, and their rows from the database, by server-side cursors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from jeoul.accounts.models import AuditEvent
from jeoul.results.actions import current_results
from jeoul.results.exports import preferences
from jeoul.results.exports.encoders import Row, Schema
from jeoul.studies.models import A_WINS, B_WINS, TIE, Study
from jeoul.workers.models import Enrolment

_CHUNK: Final = 2000
_TIME: Final = pa.timestamp("us", tz="UTC")
_WORDS: Final = {A_WINS: "a", B_WINS: "b", TIE: "tie"}


@dataclass(frozen=True)
class Source:
    """One kind of export."""

    schema: Schema
    rows: Callable[[Study], Iterator[Row]]


def choice_of(outcome: int, grade: int | None, scale: int) -> str | int:
    """The choice as an importer reads it: a grade on graded scales, else a word."""
    if scale in {5, 7} and grade is not None:
        return grade
    return _WORDS.get(outcome, "both_bad")


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
    "automatic_ties": pa.int64(),
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
            yield (criterion["key"], "", *(pair.get(k, 0) for k in _PAIR), study.simulated)
    for part in results["slices"]:
        for pair in part["pairs"]:
            name = f"{part['slice']}={part['value']}"
            yield ("overall", name, *(pair.get(k) for k in _PAIR), study.simulated)


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
    "simulated": pa.bool_(),
}


def _audit(study: Study) -> Iterator[Row]:
    events = AuditEvent.objects.filter(study_uuid=study.uuid).order_by("pk")
    for e in events.iterator(chunk_size=_CHUNK):
        yield (
            str(e.uuid), e.created_at, e.actor, e.verb, e.object_type,
            e.object_uuid and str(e.object_uuid), e.data, study.simulated,
        )  # fmt: skip


SOURCES: Final[dict[str, Source]] = {
    "workers": Source(_WORKERS, _workers),
    "results": Source(_RESULTS, _results),
    "flags": Source(_FLAGS, _flags),
    "audit": Source(_AUDIT, _audit),
    "preferences": Source(preferences.TEXTS, preferences.as_texts),
    "preferences-messages": Source(preferences.MESSAGES, preferences.as_messages),
}

"""Pairs for other tools: preference tuning (texts or messages), and LLM Comparator's viewer.

A pair is a real comparison that a majority decided on the overall criterion; ties, both-bad
answers, workers left out and machine judges choose neither side.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pyarrow as pa
from django.db.models import Count, Exists, OuterRef, QuerySet

from jeoul.base import DomainError, InvalidInput
from jeoul.comparisons.models import Answer, Comparison, Judgement, Remark
from jeoul.quality.models import Exclusion
from jeoul.results.exports.encoders import Row, Schema
from jeoul.studies.access import prompt_texts_hidden
from jeoul.studies.models import A_WINS, B_WINS, Criterion, Study
from jeoul.studies.version_reading import labels_of
from jeoul.workers.models import VendorKind

TIE_POLICY: Final = "majority of votes; ties left out"
_CHUNK: Final = 500
_MESSAGES: Final = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_PROVENANCE: Final[Schema] = {
    "prompt_id": pa.string(),
    "chosen_system": pa.string(),
    "rejected_system": pa.string(),
    "votes": pa.int64(),
    "margin": pa.float64(),
    "tie_policy": pa.string(),
    "study": pa.string(),
    "comparison": pa.string(),
    "plan_hash": pa.string(),
    "simulated": pa.bool_(),
    "imported": pa.bool_(),
}
TEXTS: Final[Schema] = dict.fromkeys(("prompt", "chosen", "rejected"), pa.string()) | _PROVENANCE
MESSAGES: Final[Schema] = dict.fromkeys(("prompt", "chosen", "rejected"), _MESSAGES) | _PROVENANCE


class TextsSealed(DomainError):
    """The prompts' texts are for annotators only until the study ends."""

    code = "texts_sealed"


def check(study: Study) -> None:
    """Raises TextsSealed before the first byte is sent."""
    version = study.prompt_set_version
    if version is not None and prompt_texts_hidden(version.prompt_set):
        raise TextsSealed("The prompt set is sealed until its studies have ended.")


def two_systems(study: Study, pair: tuple[str, ...]) -> tuple[int, int]:
    """The ids of the two systems that are named, or that there are; raises InvalidInput."""
    known = {label: pk for pk, label in labels_of(study).items()}
    names = pair or tuple(known)
    found = [known[name] for name in names if name in known]
    if len(set(found)) != 2 or len(names) != 2:
        raise InvalidInput(
            f"LLM Comparator shows two systems: name two of {', '.join(known)}.", field="systems"
        )
    return found[0], found[1]


def _votes(study: Study) -> QuerySet[Answer]:
    """People's answers in force on the overall criterion, of those who count."""
    later = Judgement.objects.filter(supersedes=OuterRef("judgement_id"))
    out = Exclusion.objects.filter(
        study=study, lifted_at=None, worker=OuterRef("judgement__worker_id")
    )
    return Answer.objects.filter(
        ~Exists(later), ~Exists(out), judgement__study=study, criterion__is_overall=True
    ).exclude(judgement__worker__vendor__kind=VendorKind.MACHINE)


def _comparisons(study: Study) -> QuerySet[Comparison]:
    return (
        Comparison.objects.filter(study=study, kind="real")
        .exclude(output_a__text_missing=True)
        .exclude(output_b__text_missing=True)
        .select_related("prompt", "output_a", "output_b")
        .order_by("position", "pk")
    )


def _batches(rows: QuerySet[Comparison]) -> Iterator[list[Comparison]]:
    """The comparisons in the plan's order; votes are read per batch, so that memory is constant."""
    walk = rows.iterator(chunk_size=_CHUNK)
    while batch := list(islice(walk, _CHUNK)):
        yield batch


def _tally(study: Study, batch: list[Comparison]) -> dict[int, list[int]]:
    """Votes by outcome of each of these comparisons."""
    tally: dict[int, list[int]] = {c.pk: [0, 0, 0, 0] for c in batch}
    votes = _votes(study).filter(judgement__comparison__in=list(tally)).order_by()
    counts = votes.values_list("judgement__comparison", "outcome").annotate(n=Count("pk"))
    for comparison, outcome, n in counts:
        tally[comparison][outcome] = n
    return tally


def _pairs(study: Study) -> Iterator[tuple[list[dict[str, str]], str, str, Row]]:
    """Messages, the text chosen, the text rejected, and the provenance."""
    labels = labels_of(study)
    for batch in _batches(_comparisons(study)):
        tally = _tally(study, batch)
        for c in batch:
            counts = tally[c.pk]
            a, b = counts[A_WINS], counts[B_WINS]
            if a == b:
                continue
            chosen, rejected = (c.output_a, c.output_b) if a > b else (c.output_b, c.output_a)
            yield c.prompt.messages, chosen.text, rejected.text, (
                c.prompt.key, labels.get(chosen.system_version_id),
                labels.get(rejected.system_version_id), sum(counts), abs(a - b) / sum(counts),
                TIE_POLICY, study.slug, str(c.uuid), study.plan_hash, study.simulated,
                study.imported,
            )  # fmt: skip


def as_texts(study: Study) -> Iterator[Row]:
    """A single turn as its text, a conversation as JSON messages."""
    for messages, chosen, rejected, provenance in _pairs(study):
        single = len(messages) == 1
        prompt = messages[0]["content"] if single else json.dumps(messages, ensure_ascii=False)
        yield (prompt, chosen, rejected, *provenance)


def as_messages(study: Study) -> Iterator[Row]:
    """Every turn as a message, and the answers as the assistant's: TRL's conversational form."""
    for messages, chosen, rejected, provenance in _pairs(study):
        prompt = [{"role": m["role"], "content": m["content"]} for m in messages]
        yield (prompt, _answer(chosen), _answer(rejected), *provenance)


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def for_comparator(study: Study, systems: tuple[int, int]) -> Iterator[bytes]:
    """LLM Comparator's JSON of two systems; positive scores prefer A."""
    labels = labels_of(study)
    overall = study.criteria.get(is_overall=True)
    rows = _comparisons(study).filter(system_a__in=systems, system_b__in=systems)
    first = rows.first()
    shown = systems if first is None else (first.system_a_id, first.system_b_id)
    head = {
        "metadata": {
            "source_path": f"{study.slug} ({study.uuid})",
            "custom_fields_schema": [],
            "simulated": study.simulated,
            "plan_hash": study.plan_hash,
        },
        "models": [{"name": labels[pk]} for pk in shown],
    }
    yield json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "examples": ['
    between = b"\n"
    for batch in _batches(rows):
        for example in _examples(study, batch, overall):
            yield between + json.dumps(example, ensure_ascii=False).encode("utf-8", "replace")
            between = b",\n"
    yield b"\n]}\n"


def _examples(
    study: Study, batch: list[Comparison], overall: Criterion
) -> Iterator[dict[str, Any]]:
    """Those of a batch that anybody judged."""
    scores: dict[int, list[dict[str, Any]]] = {}
    votes = _votes(study).filter(judgement__comparison__in=[c.pk for c in batch])
    remark = Remark.objects.filter(
        judgement=OuterRef("judgement_id"), criterion=OuterRef("criterion_id")
    ).values("text")[:1]
    rows = votes.annotate(said=remark).order_by("judgement_id").values_list(
        "judgement__comparison_id", "outcome", "grade", "judgement__a_on_left", "said"
    )  # fmt: skip
    for comparison, outcome, grade, left, said in rows:
        scores.setdefault(comparison, []).append(_rater(overall, outcome, grade, left, said))
    for c in batch:
        raters = scores.get(c.pk)
        if raters:
            yield {
                "input_text": "\n\n".join(m["content"] for m in c.prompt.messages),
                "tags": [t for t in (c.prompt.category, c.prompt.risk, c.prompt.hazard) if t],
                "output_text_a": c.output_a.text,
                "output_text_b": c.output_b.text,
                "score": sum(r["score"] for r in raters) / len(raters),
                "individual_rater_scores": raters,
                "custom_fields": {},
            }


def _rater(
    overall: Criterion, outcome: int, grade: int | None, left: bool | None, said: str | None
) -> dict[str, Any]:
    """One vote: ±1, or on a graded scale up to ±1.5, as the viewer's own raters give."""
    score = {A_WINS: 1.0, B_WINS: -1.0}.get(outcome, 0.0)
    if overall.scale in {5, 7} and grade is not None:
        score = 1.5 * grade / (overall.scale // 2)
    much = {0.5: "slightly ", 1.5: "much "}.get(abs(score), "")
    label = f"{'A' if score > 0 else 'B'} is {much}better" if score else "same"
    return {
        "score": score, "rating_label": label, "is_flipped": left is False, "rationale": said or "",
    }  # fmt: skip

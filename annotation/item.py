"""A comparison as the annotator's browser receives it: texts, sides, questions; no system."""

import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from jeoul.comparisons.models import Answer, Assignment, Comparison, Judgement, Kind
from jeoul.comparisons.reading import comparison_with_texts
from jeoul.risk.words import announced
from jeoul.studies.models import Criterion, Output, Study
from jeoul.studies.rendering import RENDERER_VERSION, render_markdown, render_plain

from annotation.scales import both_bad_step, shown_steps, to_value


@lru_cache(maxsize=4096)
def rendered(text: str) -> str:
    """Prompts, definitions and instructions: few texts that are shown many times."""
    return render_markdown(text)


# A message longer than this can be put away.
LONG: Final = 1200
# Scripts that one language (or nearly one) is written in; the first that fills a text tells it.
_SCRIPTS: Final = (
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
_SAME_SCRIPT: Final = {"ar": ("fa", "ur"), "ru": ("uk", "bg", "sr", "kk"), "hi": ("mr", "ne")}
_LETTER: Final = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Side:
    html: str
    raw: str
    language: str = ""


def language_of(text: str, asked_in: str) -> str:
    """What a screen reader should speak: the prompt's language, unless the script says another.

    An answer in Korean to an English question is read as Korean; Latin letters tell nothing.
    """
    start = text[:2000]
    if start.isascii() or not (letters := len(_LETTER.findall(start))):
        return asked_in
    for code, script in _SCRIPTS:
        if len(script.findall(start)) > 0.3 * letters:
            same = (code, *_SAME_SCRIPT.get(code, ()))
            return asked_in if asked_in.split("-")[0] in same else code
    return asked_in


@dataclass
class ShownCriterion:
    key: str
    name: str
    question: str
    definition_html: str
    field_name: str
    steps: list[Any]
    both_bad: Any
    chips: list[dict[str, Any]]
    free_text: str
    selected: str = ""
    text: str = ""
    error: str = ""


@dataclass
class Item:
    assignment_id: uuid.UUID
    client_key: uuid.UUID
    messages: list[dict[str, Any]]
    left: Side
    right: Side
    criteria: list[ShownCriterion]
    content_warning: str
    language: str
    seconds_left: int
    errors: list[str] = field(default_factory=list)
    # The criteria as HTML where nothing is chosen yet, else empty.
    questions: str = ""


def _side(output: Output, asked_in: str) -> Side:
    html = output.html if output.renderer == RENDERER_VERSION else render_markdown(output.text)
    return Side(html, render_plain(output.text), language_of(output.text, asked_in))


def criteria_of(study: Study) -> list[Criterion]:
    """The study's questions; a frozen plan's can't change, so they are read once."""
    if study.frozen_at:
        return list(_frozen_criteria(study.pk, study.frozen_at))
    return list(study.criteria.all())


@lru_cache(maxsize=256)
def _frozen_criteria(study_id: int, frozen_at: datetime) -> tuple[Criterion, ...]:
    return tuple(Criterion.objects.filter(study=study_id))


def _questions(criteria: list[Criterion], study: Study) -> str:
    """The form's questions as nobody has answered them yet: the same at each comparison."""
    if not study.frozen_at:
        return _render_questions([shown_criterion(c) for c in criteria])
    return frozen_questions(study.pk, study.frozen_at, get_language() or "")


@lru_cache(maxsize=256)
def frozen_questions(study_id: int, frozen_at: datetime, language: str) -> str:
    """Of a frozen plan, in the language that is switched on now."""
    criteria = _frozen_criteria(study_id, frozen_at)
    return _render_questions([shown_criterion(c) for c in criteria])


def _render_questions(shown: list["ShownCriterion"]) -> str:
    return mark_safe(  # noqa: S308 - the template has escaped it
        "".join(
            render_to_string("annotation/_criterion.html", {"criterion": criterion})
            for criterion in shown
        )
    )


def shown_criterion(
    criterion: Criterion, draft: dict[str, Any] | None = None, error: str = ""
) -> ShownCriterion:
    """A criterion as the page shows it; ``draft`` is what was chosen before."""
    draft = draft or {}
    chosen = draft.get(f"chips_{criterion.key}", [])
    return ShownCriterion(
        key=criterion.key,
        name=criterion.name,
        question=criterion.question,
        definition_html=rendered(criterion.definition) if criterion.definition else "",
        field_name=f"choice_{criterion.key}",
        steps=shown_steps(criterion.scale),
        both_bad=both_bad_step(criterion.scale),
        chips=[{"value": c, "label": c, "selected": c in chosen} for c in criterion.chips],
        free_text=criterion.free_text,
        selected=str(draft.get(f"choice_{criterion.key}", "")),
        text=str(draft.get(f"text_{criterion.key}", "")),
        error=error,
    )


def build_item(
    *,
    assignment: Assignment,
    study: Study,
    criteria: list[Criterion],
    draft: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    client_key: uuid.UUID | None = None,
) -> Item:
    """The page's data of one assignment; ``draft`` is what was chosen before."""
    comparison = comparison_with_texts(assignment.comparison)
    spoken = comparison.prompt.language
    a, b = _side(comparison.output_a, spoken), _side(comparison.output_b, spoken)
    errors = errors or {}
    filled = assignment.draft if draft is None else draft
    warning = study.content_warning if comparison.prompt.risk == "high" else ""
    warning = " ".join(filter(None, [warning, announced(comparison.warnings)]))
    return Item(
        assignment_id=assignment.uuid,
        client_key=client_key or assignment.client_key,
        messages=[
            {
                "role": m["role"],
                "html": rendered(m["content"]),
                "long": len(m["content"]) > LONG,
            }
            for m in comparison.prompt.messages
        ],
        left=a if assignment.a_on_left else b,
        right=b if assignment.a_on_left else a,
        criteria=[shown_criterion(c, filled, errors.get(c.key, "")) for c in criteria],
        questions="" if filled or errors else _questions(criteria, study),
        content_warning=warning,
        language=spoken,
        seconds_left=_seconds_left(assignment),
        errors=list(errors.values()),
    )


def _seconds_left(assignment: Assignment) -> int:
    """In steps of ten, so that the page says nothing of how long it was made."""
    left = (assignment.expires_at - timezone.now()).total_seconds()
    return max(0, int(left // 10) * 10)


def draft_of(judgement: Judgement) -> dict[str, Any]:
    """A stored judgement as the form that made it."""
    texts = {r.criterion_id: r.text for r in judgement.remarks.all()}
    draft: dict[str, Any] = {}
    answers = Answer.objects.filter(judgement=judgement).select_related("criterion")
    for answer in answers:
        key = answer.criterion.key
        draft[f"choice_{key}"] = to_value(
            answer.criterion.scale,
            answer.outcome,
            answer.grade,
            a_on_left=bool(judgement.a_on_left),
        )
        draft[f"chips_{key}"] = answer.chips
        draft[f"text_{key}"] = texts.get(answer.criterion_id, "")
    return draft


@lru_cache(maxsize=256)
def _counted(study_id: int, minute: int) -> int:
    return Comparison.objects.filter(study_id=study_id, kind=Kind.REAL).count()


def comparisons_in(study: Study) -> int:
    """How many there are, counted at most once a minute: the bar needs no exact number."""
    return _counted(study.pk, int(time.time() // 60))

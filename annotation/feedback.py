"""What a worker hears after an answer: a lesson on practice items, a word when they race."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jeoul.comparisons.actions import Said
from jeoul.comparisons.models import Assignment, Kind
from jeoul.comparisons.statements import LAST_TIMES
from jeoul.studies.models import A_WINS, B_WINS, TIE, Criterion, Output

from annotation.item import rendered
from annotation.scales import label_of, label_of_sign

# Silent reading has a mean of 238 words a minute and hardly passes 300 (Brysbaert 2019); beyond
# twice that, over several items, nobody has read both texts.
FASTEST_WORDS: Final = 600
# Of writing without spaces between words: about as many signs as five words in two.
FASTEST_SIGNS: Final = 1500
IN_A_ROW: Final = 3
_SIGN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Feedback:
    agrees: bool
    chosen: object
    expected: object
    explanation_html: str


def feedback_on(held: Assignment, criteria: list[Criterion], said: list[Said]) -> Feedback | None:
    """The lesson of a practice item; None for all else, checks above all."""
    comparison = held.comparison
    if comparison.kind != Kind.TRAINING or comparison.gold_sign is None:
        return None
    overall = next(c for c in criteria if c.is_overall)
    answer = next(s for s in said if s.criterion_id == overall.pk)
    right = A_WINS if comparison.gold_sign > 0 else B_WINS if comparison.gold_sign < 0 else TIE
    sign = comparison.gold_sign if held.a_on_left else -comparison.gold_sign
    return Feedback(
        agrees=answer.outcome == right,
        chosen=label_of(overall.scale, answer.outcome, answer.grade, a_on_left=held.a_on_left),
        expected=label_of_sign(sign),
        explanation_html=rendered(comparison.explanation) if comparison.explanation else "",
    )


def least_seconds(*texts: str) -> float:
    """How long a very fast reader needs for these texts."""
    signs = sum(len(_SIGN.findall(text)) for text in texts)
    words = sum(len(_SIGN.sub(" ", text).split()) for text in texts)
    return 60 * (words / FASTEST_WORDS + signs / FASTEST_SIGNS)


def racing(held: Assignment, telemetry: dict[str, int | None] | None) -> bool:
    """Whether this and the answers before it came faster than their texts can be read.

    A gentle word only: nothing is stored, and nobody is judged by it.
    """
    seen = (telemetry or {}).get("visible_ms")
    if seen is None or seen > 60_000:
        return False
    rows = LAST_TIMES.rows(held.enrolment_id, IN_A_ROW)
    return len(rows) == IN_A_ROW and all(
        ms is not None and ms < 1000 * (_least_of(a) + _least_of(b)) for ms, a, b in rows
    )


@lru_cache(maxsize=20_000)
def _least_of(output_id: int) -> float:
    """Of an output's text, which never changes."""
    return least_seconds(Output.objects.values_list("text", flat=True).get(pk=output_id))

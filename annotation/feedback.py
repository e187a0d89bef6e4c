"""What a worker hears after an answer: a lesson on practice items, a word when they race."""

from dataclasses import dataclass
from typing import Final

from jeoul.comparisons.actions import Said
from jeoul.comparisons.models import Assignment, Kind
from jeoul.studies.models import A_WINS, B_WINS, TIE, Criterion
from jeoul.workers.models import Enrolment

from annotation.item import rendered
from annotation.scales import label_of, label_of_sign

IN_A_ROW: Final = 3


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


def racing(enrolment: Enrolment) -> bool:
    """Whether the latest answers came faster than their texts can be read.

    A gentle word only: nobody is judged by it.
    """
    return enrolment.study.nudges and enrolment.hurried >= IN_A_ROW

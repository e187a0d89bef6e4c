"""A scale as the annotator sees it: by sides, never by systems."""

from dataclasses import dataclass
from typing import Final

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from jeoul.comparisons.actions import Said
from jeoul.studies.models import A_WINS, B_WINS, BOTH_BAD, TIE, Criterion

_Text = str | Promise
FIRST, SECOND, EQUAL, BAD = "first", "second", "tie", "both_bad"

# From favouring Answer 1 to favouring Answer 2: what is posted, and how it reads.
_CHOICES: Final[dict[int, list[tuple[str, _Text]]]] = {
    2: [
        (FIRST, gettext_lazy("Answer 1 is better")),
        (SECOND, gettext_lazy("Answer 2 is better")),
    ],
    3: [
        (FIRST, gettext_lazy("Answer 1 is better")),
        (EQUAL, gettext_lazy("Equally good")),
        (SECOND, gettext_lazy("Answer 2 is better")),
    ],
    5: [
        ("2", gettext_lazy("Answer 1 is much better")),
        ("1", gettext_lazy("Answer 1 is better")),
        ("0", gettext_lazy("Equal")),
        ("-1", gettext_lazy("Answer 2 is better")),
        ("-2", gettext_lazy("Answer 2 is much better")),
    ],
    7: [
        ("3", gettext_lazy("Answer 1 is much better")),
        ("2", gettext_lazy("Answer 1 is better")),
        ("1", gettext_lazy("Answer 1 is slightly better")),
        ("0", gettext_lazy("Equal")),
        ("-1", gettext_lazy("Answer 2 is slightly better")),
        ("-2", gettext_lazy("Answer 2 is better")),
        ("-3", gettext_lazy("Answer 2 is much better")),
    ],
}
_CHOICES[4] = _CHOICES[3]
_MAX_TEXT: Final = 4000


@dataclass(frozen=True)
class ShownStep:
    """One step of a scale on the page."""

    value: str
    label: _Text
    kbd: str


def shown_steps(scale: int) -> list[ShownStep]:
    return [
        ShownStep(value, label, str(at)) for at, (value, label) in enumerate(_CHOICES[scale], 1)
    ]


def both_bad_step(scale: int) -> ShownStep | None:
    return ShownStep(BAD, gettext_lazy("Both are bad"), "0") if scale == 4 else None


def values_of(scale: int) -> set[str]:
    return {value for value, _label in _CHOICES[scale]} | ({BAD} if scale == 4 else set())


def to_outcome(value: str, *, a_on_left: bool) -> tuple[int, int | None]:
    """The stored outcome and grade (positive prefers A) of a posted value."""
    if value == BAD:
        return BOTH_BAD, None
    left = {FIRST: 1, SECOND: -1, EQUAL: 0}.get(value)
    grade = int(value) if left is None else left
    grade = grade if a_on_left else -grade
    return (A_WINS if grade > 0 else B_WINS if grade < 0 else TIE), grade


def to_value(scale: int, outcome: int, grade: int | None, *, a_on_left: bool) -> str:
    """The posted value that a stored answer came from."""
    if outcome == BOTH_BAD or grade is None:
        return BAD
    left = grade if a_on_left else -grade
    if scale in {5, 7}:
        return str(left)
    return FIRST if left > 0 else SECOND if left < 0 else EQUAL


def label_of(scale: int, outcome: int, grade: int | None, *, a_on_left: bool) -> _Text:
    """How a stored answer reads on the page."""
    value = to_value(scale, outcome, grade, a_on_left=a_on_left)
    if value == BAD:
        return gettext_lazy("Both are bad")
    return dict(_CHOICES[scale])[value]


def label_of_sign(sign: int) -> _Text:
    """What is right for a known item, seen from the left."""
    return dict(_CHOICES[3])[FIRST if sign > 0 else SECOND if sign < 0 else EQUAL]


def read_answers(
    criteria: list[Criterion], posted: QueryDict, *, a_on_left: bool
) -> tuple[list[Said], dict[str, str]]:
    """What was posted, criterion by criterion; the second part says what is missing or wrong."""
    said: list[Said] = []
    errors: dict[str, str] = {}
    for criterion in criteria:
        value = posted.get(f"choice_{criterion.key}", "")
        text = posted.get(f"text_{criterion.key}", "").replace("\x00", "").strip()
        if value not in values_of(criterion.scale):
            errors[criterion.key] = _("Please choose an answer for “%s”.") % criterion.name
            continue
        if criterion.free_text == "required" and not text:
            errors[criterion.key] = _("Please give a reason for “%s”.") % criterion.name
            continue
        if len(text) > _MAX_TEXT:
            errors[criterion.key] = _("Please keep the reason under %d characters.") % _MAX_TEXT
            continue
        outcome, grade = to_outcome(value, a_on_left=a_on_left)
        chips = [c for c in posted.getlist(f"chips_{criterion.key}") if c in criterion.chips]
        said.append(Said(criterion.pk, outcome, grade, chips, text))
    return said, errors

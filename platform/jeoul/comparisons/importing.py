"""Reading judgements made elsewhere: row by row, nothing coerced, every bad row named."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

from jeoul.studies.importing import BadRow, RowError, text_field
from jeoul.studies.models import A_WINS, B_WINS, BOTH_BAD, TIE

WORDS = {"a": (A_WINS, 1), "b": (B_WINS, -1), "tie": (TIE, 0), "both_bad": (BOTH_BAD, None)}
OVERALL_KEY = "overall"
_NAME_LIMIT = 200
# Ids in the database are 32 bit.
_MAX_SECONDS = 1e9


@dataclass(frozen=True)
class JudgementRow:
    """One judgement on one criterion as it came in, checked; ``number`` is its row."""

    number: int
    prompt_id: str
    system_a: str
    system_b: str
    worker: str
    criterion: str
    outcome: int
    grade: int | None
    graded: bool
    prompt: str | None
    output_a: str | None
    output_b: str | None
    left: str
    seconds: float | None
    reason: str
    created_at: datetime | None


def _choice(row: dict[str, object]) -> tuple[int, int | None, bool]:
    """Outcome, grade, and whether it was a grade in numbers."""
    value = row.get("choice")
    if value is None:
        raise RowError("choice", "is missing")
    if isinstance(value, str) and value in WORDS:
        outcome, grade = WORDS[value]
        return outcome, grade, False
    number = value
    if isinstance(value, str) and value.lstrip("+-").isascii() and value.lstrip("+-").isdigit():
        number = int(value)  # CSV knows only text
    if isinstance(number, bool) or not isinstance(number, int) or not -3 <= number <= 3:
        raise RowError(
            "choice", f"must be a, b, tie, both_bad or a whole number from -3 to 3, not {value!r}"
        )
    return (A_WINS if number > 0 else B_WINS if number < 0 else TIE), number, True


def _seconds(row: dict[str, object]) -> float | None:
    value = row.get("seconds")
    if value is None:
        return None
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not 0 <= number < _MAX_SECONDS:
        raise RowError("seconds", f"must be a number from 0, not {value!r}")
    return number


def _created_at(row: dict[str, object]) -> datetime | None:
    text = text_field(row, "created_at")
    if not text:
        return None
    try:
        value = parse_datetime(text) or datetime.fromisoformat(text)
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        # Years at the calendar's ends have no UTC time.
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RowError(
            "created_at", f"must be an ISO 8601 time such as 2026-11-24T12:00:00Z, not {text!r}"
        ) from None


def _id(row: dict[str, object], name: str) -> str:
    """An id: a text, or a whole number, which many published files use."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_field(row, name, required=True, limit=_NAME_LIMIT)


def _worker(row: dict[str, object]) -> str:
    if row.get("worker") in (None, ""):
        raise RowError(
            "worker",
            "is missing; where nobody knows who judged, give one name for all rows "
            "(the intervals then hold for that judge alone)",
        )
    return _id(row, "worker")


def _optional(row: dict[str, object], name: str) -> str | None:
    return text_field(row, name) if row.get(name) is not None else None


def parse_judgement(number: int, row: dict[str, object]) -> JudgementRow:
    """Check one row; raises RowError naming the field."""
    outcome, grade, graded = _choice(row)
    left = text_field(row, "left")
    if left not in {"", "a", "b"}:
        raise RowError("left", f"must be a or b, not {left!r}")
    parsed = JudgementRow(
        number=number,
        prompt_id=_id(row, "prompt_id"),
        system_a=_id(row, "system_a"),
        system_b=_id(row, "system_b"),
        worker=_worker(row),
        criterion=text_field(row, "criterion", limit=100).strip() or OVERALL_KEY,
        outcome=outcome,
        grade=grade,
        graded=graded,
        prompt=_optional(row, "prompt"),
        output_a=_optional(row, "output_a"),
        output_b=_optional(row, "output_b"),
        left=left,
        seconds=_seconds(row),
        reason=text_field(row, "reason"),
        created_at=_created_at(row),
    )
    if parsed.system_a == parsed.system_b:
        raise RowError("system_b", "is the same as system_a; a comparison needs two systems")
    return parsed


def parse_judgements(
    rows: Iterable[tuple[int, dict[str, object] | RowError]],
) -> tuple[list[JudgementRow], list[BadRow]]:
    """The good rows and the bad ones; a criterion speaks in words or in numbers, not in both."""
    good: list[JudgementRow] = []
    bad: list[BadRow] = []
    kinds: dict[str, tuple[bool, int]] = {}
    for number, row in rows:
        try:
            if isinstance(row, RowError):
                raise row
            parsed = parse_judgement(number, row)
            graded, first = kinds.setdefault(parsed.criterion, (parsed.graded, number))
            if graded != parsed.graded:
                raise RowError(
                    "choice",
                    f"the criterion {parsed.criterion!r} is in "
                    f"{'numbers' if graded else 'words'} since row {first}; use one of them",
                )
        except RowError as error:
            bad.append(BadRow(number, error.field, error.reason))
        else:
            good.append(parsed)
    return good, bad


def scale_of(rows: Iterable[JudgementRow]) -> int:
    """The smallest scale that holds all the rows' choices."""
    grades, outcomes, graded = set(), set(), False
    for row in rows:
        grades.add(abs(row.grade or 0))
        outcomes.add(row.outcome)
        graded = graded or row.graded
    if graded:
        return 7 if max(grades) == 3 else 5
    if BOTH_BAD in outcomes:
        return 4
    return 3 if TIE in outcomes else 2

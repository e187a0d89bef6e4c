"""What a page needs of an assignment, by prepared statements."""

import uuid
from collections.abc import Sequence
from typing import Any

from jeoul.comparisons import statements
from jeoul.comparisons.models import Assignment, Comparison
from jeoul.comparisons.statements import ASSIGNMENTS, COMPARISONS, OUTPUTS, PROMPTS
from jeoul.prepared import join
from jeoul.workers.models import Enrolment
from jeoul.workers.reading import WIDTH, read_enrolment


def find_item(
    enrolment: str, token_round: int, assignment: uuid.UUID
) -> tuple[Enrolment | None, Assignment | None]:
    """The enrolment that a token names, and one of its own assignments with the comparison."""
    row = statements.ITEM.row(enrolment, token_round, assignment)
    if row is None:
        return None, None
    worker = read_enrolment(row)
    return worker, read_held(row, worker, WIDTH) if row[WIDTH] else None


def read_held(row: Sequence[Any], enrolment: Enrolment, at: int = 0) -> Assignment:
    """The assignment whose columns, and behind them its comparison's, stand in ``row``."""
    held = ASSIGNMENTS.read(row, at)
    comparison = COMPARISONS.read(row, at + ASSIGNMENTS.width)
    join(held, comparison=comparison, enrolment=enrolment)
    return held


def read_texts(row: Sequence[Any], comparison: Comparison, at: int = 0) -> None:
    """Give the comparison its prompt and outputs, whose columns stand in ``row``."""
    a = at + PROMPTS.width
    join(
        comparison,
        prompt=PROMPTS.read(row, at),
        output_a=OUTPUTS.read(row, a),
        output_b=OUTPUTS.read(row, a + OUTPUTS.width),
    )


def comparison_with_texts(comparison: Comparison) -> Comparison:
    """The comparison with its prompt and both outputs, asked for once."""
    if "output_b" not in comparison._state.fields_cache:
        row = statements.TEXTS.row(comparison.pk)
        assert row, "protected by their keys"
        read_texts(row, comparison)
    return comparison

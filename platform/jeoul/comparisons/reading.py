"""What a page needs of an assignment, by prepared statements."""

import uuid

from jeoul.comparisons import statements
from jeoul.comparisons.models import Assignment, Comparison
from jeoul.prepared import read, width
from jeoul.studies.models import Output, Prompt
from jeoul.workers.models import Enrolment


def find_assignment(enrolment: Enrolment, uuid: uuid.UUID) -> Assignment | None:
    """One of the worker's own assignments, with its comparison."""
    row = statements.ASSIGNMENT.row(uuid, enrolment.pk)
    if row is None:
        return None
    found = read(Assignment, row)
    found.comparison = read(Comparison, row, width(Assignment))
    found.enrolment = enrolment
    return found


def comparison_with_texts(assignment: Assignment) -> Comparison:
    """The assignment's comparison with its prompt and both outputs."""
    comparison = assignment.comparison
    row = statements.TEXTS.row(comparison.pk)
    assert row, "protected by their keys"
    comparison.prompt = read(Prompt, row)
    comparison.output_a = read(Output, row, width(Prompt))
    comparison.output_b = read(Output, row, width(Prompt) + width(Output))
    return comparison

"""Noting what an annotator says is wrong with an item."""

from django.utils.translation import gettext_noop as _

from jeoul.base import InvalidInput
from jeoul.risk.models import Report, ReportReason
from jeoul.studies.models import Output, Prompt, Study


def report_item(
    *,
    study: Study,
    prompt: Prompt,
    outputs: tuple[Output, Output],
    reporter: str,
    reason: str,
    text: str = "",
) -> Report:
    """Store a report; it never counts against the reporter."""
    if reason not in ReportReason.values:
        raise InvalidInput(_("Choose what is wrong with the item."), field="kind")
    return Report.objects.create(
        study=study,
        prompt=prompt,
        output_a=outputs[0],
        output_b=outputs[1],
        reporter=reporter,
        reason=reason,
        text=text[:4000],
    )

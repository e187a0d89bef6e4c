"""The consent's text, and the browser's measurements as they are sent."""

from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from jeoul.studies.models import Study

TELEMETRY: Final = ("visible_ms", "focus_ms", "hidden_ms", "first_action_ms", "paste_chars")
# PostgreSQL's integer; a larger number is a broken clock.
_LARGEST: Final = 2**31 - 1


def consent_for(study: Study) -> str:
    """The study's consent, or the plain one that is true for every study."""
    return study.consent_text or _(
        "You will read pairs of answers written by computer programs and say which one is better. "
        "Taking part is voluntary, you can stop at any time, and your answers are stored under a "
        "random name."
    )


def telemetry_from(posted: QueryDict) -> dict[str, int | None] | None:
    """Whole numbers from 0; anything else counts as not measured, and none at all as none."""
    values: dict[str, int | None] = {}
    for name in TELEMETRY:
        raw = posted.get(name, "")
        number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 12 else None
        values[name] = number if number is not None and number <= _LARGEST else None
    return values if any(v is not None for v in values.values()) else None

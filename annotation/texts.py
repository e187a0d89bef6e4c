"""The consent's text, and the browser's measurements as they are sent."""

import hashlib
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


def consent_digest(text: str) -> str:
    """What the form on the page says it has shown."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def facts_of(study: Study) -> list[dict[str, str]]:
    """What a person wants to know before they agree."""
    facts = []
    if study.worker_cap:
        facts.append({"term": _("At most"), "value": _("%d comparisons") % study.worker_cap})
    if study.pay_per_judgement:
        pay = f"{study.pay_per_judgement.normalize():f} {study.currency}"
        facts.append({"term": _("Pay for each comparison"), "value": pay})
    return facts


def telemetry_from(posted: QueryDict) -> dict[str, int | None] | None:
    """Whole numbers from 0; anything else counts as not measured, and none at all as none."""
    values: dict[str, int | None] = {}
    for name in TELEMETRY:
        raw = posted.get(name, "")
        number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 12 else None
        values[name] = number if number is not None and number <= _LARGEST else None
    return values if any(v is not None for v in values.values()) else None

"""The consent's text, and the browser's measurements as they are sent."""

from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from jeoul.studies.models import Study

TELEMETRY: Final = ("visible_ms", "focus_ms", "hidden_ms", "first_action_ms", "paste_chars")
# PostgreSQL's integer; a larger number is a broken clock.
_LARGEST: Final = 2**31 - 1

# Refusals reach annotators in the words of the actions, which know no language. They stand here
# so that translators find them; a page translates what it is given.
REFUSALS: Final = (
    gettext_noop("This link has been ended by the organisers."),
    gettext_noop("This study does not take answers at the moment."),
    gettext_noop("Please agree to take part first."),
    gettext_noop("This link is not valid. Open the link you were invited with."),
    gettext_noop("This link has been ended. Open the link you were invited with."),
    gettext_noop("This invitation is closed."),
    gettext_noop("This invitation is full. Thank you for your interest."),
    gettext_noop("This answer was already sent with another content; reload the page."),
    gettext_noop("This answer is being saved already; please wait a moment."),
    gettext_noop("You skipped this comparison, so it can't be answered any more."),
    gettext_noop("The time for this comparison was over and someone else has answered it."),
    gettext_noop("There is no answer to change here."),
    gettext_noop("Choose what is wrong with the item."),
    gettext_noop("An answer to at least one question is needed."),
)


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

"""Every sentence with a value in it that refuses something, so that a page can say it again.

Refusals are put together where they are raised, in English, and some are stored by a job that
knows no reader; a test holds each of them against these. `manage.py messages` finds those that
hold no value.
"""

import re
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from jeoul.saying import said

# The first that fits is taken: what names its field stands before what leaves it open.
REFUSALS: Final = (
    _("A token needs scopes among {scopes}."),
    _("A study with the slug {slug} exists already."),
    _("Unknown or fixed setting {name}; known are {known}."),
    _("The design is one of {known}."),
    _("Contaminated prompts: one of {known}."),
    _("No row names the baseline {baseline}."),
    _("The criterion {name} has choices that need a scale of {needed} steps, not {scale}."),
    _("There is no export of {what}; choose {known}."),
    _("There is no {what} as {form}; choose {known}."),
    _("LLM Comparator shows two systems: name two of {known}."),
    _("{path} has a format that this version does not read."),
    _("{name} is not what the record says: it was changed."),
    _("{path} is no evaluation record: {error}"),
    _("The record lacks {name}: {error}"),
    _("A vendor has no {name}."),
    # connections and systems
    _("Unknown setting {name} of a connection."),
    _("The protocol is one of {known}."),
    _("The answer's paths are a JSON object with text, and any of {known}."),
    _("At most {most} examples."),
    _("Unknown sampling setting {key}; known are {known}."),
    _("{key} must be between {low} and {high}."),
    _("{key} must be a number."),
    _(
        "Connection {name} takes its key from the environment variable {variable}, which is not "
        "set in this process."
    ),
    _("The key of connection {name} can't be decrypted with FIELD_KEYS; enter it again."),
    _("Anthropic's messages know no {names}; make a version without."),
    _("The prompt template asks for {name}, which this prompt does not have."),
    _("The provider's answer holds no text at {path}."),
    _("The provider sent more than {most} MB."),
    _(
        "{host} is {address}, an address inside this network. The operator can allow it in "
        "PROVIDER_NETWORKS."
    ),
    _("{host} can't be found: {error}."),
    _("{host} has no address."),
    # the gate's rule
    _("looks is one of {known}."),
    _("A condition has the keys {known}."),
    _("The claim is one of {known}."),
    _("where names values of {known}."),
    _("{name} is a number from {low} to {high}."),
    _("{name} is one of {known}."),
    # where annotators come from
    _("{name} is no source of annotators; known are {known}."),
    _(
        "The host {host} is not allowed; allowed are {known}. Whoever runs the site can add it to "
        "COMPLETION_HOSTS."
    ),
    _("{url} is no web address."),
    _("{name} is no outcome; they are {known}."),
    _("The outcome {name} takes a code, a url, or both."),
    _("The code and url of {name} must be texts."),
    # files
    _("{n} bad row(s), nothing was imported: {rows}. Mend them, or take only the good rows."),
    _("{rows}; and {more} more"),
    _("Line {number} is longer than 16 MB."),
    _("The file is not Parquet ({error})."),
    _("{file}: the name must end with .jsonl, .txt, or one of these with .gz or .zst."),
    _("{file} is not a file."),
    _("{file} can't be read: {error}."),
    _("{file} is broken after {at} bytes of text: {error}"),
    # what is wrong with a row
    _("must be a, b, tie, both_bad or a whole number from -3 to 3, not {value}"),
    _("must be a number from 0, not {value}"),
    _("must be a, b or tie, not {value}"),
    _("must be a or b, not {value}"),
    _("must be an ISO 8601 time such as 2026-11-24T12:00:00Z, not {value}"),
    _("the criterion {name} is in {kind} since row {first}; use one of them"),
    _("numbers"),
    _("words"),
    _("must be realistic or high, not {value}"),
    _("must be one of {known}, or other: NAME; not {value}"),
    _("must be one of {known}; not {value}"),
    _("must be text, not {value}"),
    _("{name} is no prompt of this study"),
    _("{name} is no system of this study"),
    _("{name} has no finished answer to {prompt}"),
    _("{key} is not in this prompt set"),
    _("{key} stands already in row {earlier}"),
    _("is longer than {limit} characters"),
    _("is not CSV ({error})"),
    _("is not JSON ({error})"),
)
_ROWS: Final = re.compile(r"; (?=row \d+: )")
_ROW: Final = re.compile(r"row (\d+): ([^:]*): (.*)", re.DOTALL)
_CODE: Final = re.compile(r"[a-z0-9_]+")


def in_words(text: str) -> str:
    """A refusal in the reader's language; what a provider or a file said stays as it is."""
    if (whole := gettext(text) if text else text) != text:
        return whole
    if _ROW.fullmatch(text):
        parts = [_ROW.fullmatch(part) for part in _ROWS.split(text)]
        return "; ".join(_row(part) for part in parts if part)
    code, colon, rest = text.partition(": ")
    if colon and _CODE.fullmatch(code):
        return f"{code}: {in_words(rest)}"
    return said(text, REFUSALS, in_words)


def _row(found: re.Match[str]) -> str:
    return f"{gettext('Row')} {found[1]}: {found[2]}: {in_words(found[3])}"

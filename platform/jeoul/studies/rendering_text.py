"""What is done to the characters of a model's answer before anything reads them as Markdown.

An answer may hold anything a tokenizer can spell: NUL bytes, terminal escapes, half a surrogate
pair, direction overrides that swap text around, thousands of marks on one letter. All of it must
stay visible to the person who judges the answer, and none of it may leave its place on the page.
"""

import re
from typing import Final

#: Longer texts are cut, visibly: the page must stay usable on a phone.
MAX_TEXT: Final = 1_000_000

_LINE_ENDS: Final = re.compile(r"\r\n?|[\u0085\u2028\u2029]")
# C0 without tab and newline, DEL, C1: unseen in a browser, so they become seen.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
# Embeddings and overrides (U+202A..202E) can make "abc" read as "cba". The isolates (U+2066..2069)
# and the marks (U+200E, U+200F) are what honest bidirectional text uses; they stay.
_OVERRIDES: Final = re.compile(r"[\u202a-\u202e]")
# Zero-width characters join emoji and shape Persian and Indic words, so short runs are kept. The
# longest honest run is the six tag letters of a flag; a longer one hides or floods.
_INVISIBLE_RUN: Final = re.compile(
    r"([\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]{8})"
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
# Combining marks piled on one letter ("zalgo") climb out of the box and over the neighbour.
_MARKS: Final = (
    r"[\u0300-\u034e\u0350-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f"
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_MARK_RUN: Final = re.compile(f"({_MARKS}{{6}}){_MARKS}+")


def _picture(match: re.Match[str]) -> str:
    """The Unicode picture of a control character (␀ for NUL), or the replacement character."""
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _named(match: re.Match[str]) -> str:
    return f"⟦U+{ord(match.group()):04X}⟧"


def visible_text(text: str) -> str:
    """Return the text with harmful characters made visible and floods of unseen ones shortened."""
    cut = len(text) - MAX_TEXT
    if cut > 0:
        text = text[:MAX_TEXT]
    text = _LINE_ENDS.sub("\n", text)
    text = _CONTROLS.sub(_picture, text)
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", text)
        text = _OVERRIDES.sub(_named, text)
        text = _INVISIBLE_RUN.sub(r"\1", text)
        text = _MARK_RUN.sub(r"\1", text)
    return f"{text}\n\n[… +{cut}]" if cut > 0 else text

"""A stored chart as a reader sees it: its words in their language, its colours in light and dark.

Charts are drawn once, in English on white. Both are a matter of the page: so a language that is
added, or a reader's theme, asks for no new drawing.
"""

import re
from collections.abc import Callable
from functools import cache
from html import escape, unescape
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

# Every sentence that a chart may hold, and the notes of the tables; the first that fits is taken.
TEXTS: Final = (
    _("First wins"),
    _("Tie"),
    _("Both bad"),
    _("Second wins"),
    _("Share of judgements"),
    _("as judged"),
    _("adjusted for style"),
    _("Grade, positive for the first"),
    _("against"),
    _("is preferred"),
    _("Risk: violating outputs to high-risk prompts"),
    _("False refusals: refused outputs to realistic prompts"),
    _("Bradley–Terry score with 95 % interval (n = {n})"),
    _("Benefit: win rate against {system} on realistic prompts"),
    _("Win rate of the first: {pair}"),
    _("{system} (baseline; n = {n})"),
    _("category"),
    _("language"),
    _("difficulty"),
    _("risk"),
    _("hazard"),
    _("{slice}: {value} (n = {n})"),
    _("{first} against {second} (n = {n})"),
    _("{first} against {second}"),
    _("Round"),
    _("Changed since the first round"),
    _("Refused"),
    _("Length beside the first round"),
    _("The provider reports {models}."),
    _("{share} changed, {usual} in the rounds before."),
    _("{share} refused, {usual} in the rounds before."),
    _("One prompt and one worker: nothing can be said beyond this case."),
    _("One worker only: the interval holds for this worker, not for others."),
    _("One prompt only: the interval holds for this prompt, not for others."),
    _("Only {prompts} prompts and {workers} workers: under {few} the interval is approximate."),
    _("Only {prompts} prompts: under {few} the interval is approximate."),
    _("Only {workers} workers: under {few} the interval is approximate."),
)
_TEXT: Final = re.compile(r">([^<>]+)</text>")
# Words on a bar keep the ink that reads on its colour; the bars themselves read on both grounds.
_DARK: Final = """<style>@media (prefers-color-scheme: dark) {
svg > rect:first-of-type { fill: #1d2125; } text { fill: #e6e9eb; }
.role-mark text[fill="#1f2428"] { fill: #1f2428; } .role-mark text[fill="white"] { fill: #fff; }
[stroke="white"] { stroke: #1d2125; } [stroke="#e4e7ea"] { stroke: #343a40; }
[stroke="#565f67"] { stroke: #a8b1b9; } [fill="#565f67"] { fill: #a8b1b9; }
[fill="#1f4e79"] { fill: #3f7ab5; } [stroke="#1f4e79"] { stroke: #3f7ab5; }
}</style>"""


def in_words_of_the_reader(svg: str) -> str:
    """The chart with its words in the language in force."""
    return _TEXT.sub(lambda found: f">{escape(said(unescape(found[1])), quote=False)}</text>", svg)


def for_both_themes(svg: str) -> str:
    """The chart with colours that follow the reader's theme, as an image of a page."""
    start = svg.index(">") + 1
    return svg[:start] + _DARK + svg[start:]


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Each sentence with a place for each of its {names}."""
    place: Callable[[re.Match[str]], str] = lambda found: f"(?P<{found[1]}>.+)"  # noqa: E731
    return [(re.compile(re.sub(r"\\\{(\w+)\\\}", place, re.escape(text))), text) for text in TEXTS]


def said(text: str) -> str:
    """A sentence of ours in the language in force; any other text as it is."""
    for pattern, english in _patterns():
        if found := pattern.fullmatch(text):
            words = gettext(english)
            for name, value in found.groupdict().items():
                words = words.replace(f"{{{name}}}", said(value))
            return words
    return text

"""A stored chart as a reader sees it: its words in their language, its colours in light and dark.

Charts are drawn once, in English on white. Both are a matter of the page: so a language that is
added, or a reader's theme, asks for no new drawing.
"""

import re
from functools import lru_cache
from html import escape, unescape
from typing import Final

from django.utils.translation import get_language
from django.utils.translation import gettext_noop as _

from jeoul.results.reasons import REASONS
from jeoul.saying import said

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
    _("risk: high (n = {n})"),
    _("risk: realistic (n = {n})"),
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
# What methods and notes are put together of, between commas, semicolons and full stops.
PARTS: Final = (
    _("ties as half a win"),
    _("Davidson ties"),
    _("with length"),
    _("with headers"),
    _("with lists"),
    _("with position"),
    _("two-way clustered by prompt and worker"),
    _("two-way clustered covariance"),
    _("Krippendorff's alpha"),
    _("over units and judges as judges"),
    _("two-way clustered"),
    _("clustered by prompt"),
    _("clustered by worker"),
    _("paired difference"),
    _("Student t"),
    _("Student t over units"),
    _("Wilson form with effective n"),
    _("logit scale"),
    _("judgements taken as independent"),
    _("judgements independent"),
    _("observed information"),
    _("quadratic weights"),
    _("linear weights"),
    _("jackknife over units"),
    _("jackknife over units and judges"),
    _("percentiles of {n} resamples of units"),
    _("exact bound on the share of disagreeing units"),
    _("exact bound on the number of clusters"),
    _("share of agreeing pairs"),
    _("share of judged outputs"),
    _("outputs taken as independent"),
    _("share equal to the people's majority (draws left out)"),
    _("Where judges err these intervals cover far less than 95 %."),
    _("joint maximum with beta prior"),
    _("mean of the verdicts' posterior"),
    _("the judges' weights taken as known"),
    _("group-sequential"),
    _("repeated confidence interval"),
    _("beta-binomial mixture"),
    _("asymptotic confidence sequence"),
    _("No disagreement was seen."),
    _("Holds for these judges: too narrow for others where judges differ."),
    _("With n = {n} the exact interval is wider than it need be."),
    _("order statistics"),
    _("free of a distribution"),
    _("comparisons taken as independent"),
    _("exact"),
    _("with few known answers wider than it need be"),
    _("the verdicts taken as known: too narrow and the share too high where judges err"),
    _("Only {units} units: the interval is approximate."),
    _("Only {units} units and {judges} judges"),
    _("the interval is approximate."),
    _("Only {workers} workers: the interval is approximate."),
    _("Only {prompts} prompts and {workers} workers: under {few} the intervals are approximate."),
    _("Only {prompts} prompts: under {few} the intervals are approximate."),
    _("Only {workers} workers: under {few} the intervals are approximate."),
    _("Fleiss' kappa needs the same number of judges in each unit."),
    _("Regularised: {n} pseudo-ties were added to each pair played."),
    _("Regularised: {n} pseudo-judgements were added to each pair played."),
    _("On a seeded sample of comparisons, {n} judgements."),
    _("Read the order and the ratios of gaps"),
    _("the scale trades against reliability."),
    _("Under {few} prompts or workers: read from decided judgements as if each were independent."),
)
_KNOWN: Final = TEXTS + PARTS + REASONS
_SENTENCES: Final = re.compile(r"(?<=\.) ")
_CLAUSES: Final = re.compile(r"(, |; )")
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
    return _TEXT.sub(
        lambda found: f">{escape(said(unescape(found[1]), TEXTS), quote=False)}</text>", svg
    )


def for_both_themes(svg: str) -> str:
    """The chart with colours that follow the reader's theme, as an image of a page."""
    start = svg.index(">") + 1
    return svg[:start] + _DARK + svg[start:]


def said_in_parts(text: str) -> str:
    """A method or a note, sentence by sentence and clause by clause; names stay as they are."""
    return _said_in_parts(text, get_language())


@lru_cache(maxsize=4096)
def _said_in_parts(text: str, _language: str | None) -> str:
    """The same methods stand beside the numbers of every analysis."""
    if (whole := said(text, REASONS)) != text:
        return whole
    return " ".join(_said_sentence(sentence) for sentence in _SENTENCES.split(text))


def _said_sentence(text: str) -> str:
    if (whole := said(text, _KNOWN)) != text:
        return whole
    return "".join(said(part, _KNOWN) for part in _CLAUSES.split(text))

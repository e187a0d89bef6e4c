"""Style control: what a ranking looks like once length and markdown are allowed for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from jeoul.analysis.bradley_terry_extended import ExtendedRanking, fit_extended
from jeoul.analysis.counts import Floats, Ints, Votes
from jeoul.analysis.errors import BrokenVotes

FEATURES: Final = ("log length", "log headers", "log bold", "log list items")

# Marks inside code are code: "# comment" is no header and "- x" no list.
_CODE: Final = re.compile(r"^(```|~~~).*?(^\1|\Z)", re.MULTILINE | re.DOTALL)
_HEADER: Final = re.compile(r"^ {0,3}#{1,6}[ \t]", re.MULTILINE)
_BOLD: Final = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_ITEM: Final = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]", re.MULTILINE)


@dataclass(frozen=True)
class StyleControl:
    """The same votes ranked with and without the features; `shift` (K,): adjusted − raw."""

    raw: ExtendedRanking
    adjusted: ExtendedRanking
    shift: Floats
    names: tuple[str, ...]


def style_features(texts: Sequence[str]) -> Floats:
    """log(1 + count) of characters, headers, bold spans and list items, (n, 4) as FEATURES.

    The counts are the Arena's (2024), outside fenced code; length counts characters, so that
    languages without spaces are measured alike, and code too.
    """
    rows = [_counts(text) for text in texts]
    return np.log1p(np.asarray(rows, dtype=np.float64).reshape(len(rows), len(FEATURES)))


def _counts(text: str) -> tuple[int, int, int, int]:
    prose = _CODE.sub("", text)
    marks = (len(pattern.findall(prose)) for pattern in (_HEADER, _BOLD, _ITEM))
    headers, bold, items = marks
    return len(text), headers, bold, items


def style_difference(features: ArrayLike, output_a: Ints, output_b: Ints) -> Floats:
    """Features of A less those of B for each vote, (n, m), from features by output (o, m).

    Raises BrokenVotes for output codes without features or features that are not finite.
    """
    table = np.asarray(features, dtype=np.float64)
    if table.ndim != 2 or not bool(np.isfinite(table).all()):
        raise BrokenVotes("Features are a finite table with a row for each output.")
    if np.shape(output_a) != np.shape(output_b):
        raise BrokenVotes("Each vote has an output of A and one of B.")
    for codes in (output_a, output_b):
        if len(codes) and not 0 <= int(np.min(codes)) <= int(np.max(codes)) < len(table):
            raise BrokenVotes(f"Output codes must be 0..{len(table) - 1}.")
    result: Floats = table[output_a] - table[output_b]
    return result


def length_difference(length_a: Ints, length_b: Ints) -> Floats:
    """log(1 + length of A) − log(1 + length of B), (n,): a covariate for fit_extended."""
    result: Floats = np.log1p(np.asarray(length_a)) - np.log1p(np.asarray(length_b))
    return result


def style_control(
    votes: Votes, covariates: Floats, names: tuple[str, ...] = (), **settings: Any
) -> StyleControl:
    """Both rankings side by side: without covariates, and with them (see fit_extended).

    covariates (n, m); settings go to both fits. Columns in which no vote differs cannot have
    an effect and are left out; what remains is `names`. Raises as fit_extended.
    """
    x = np.asarray(covariates, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(votes) or (names and len(names) != x.shape[1]):
        raise BrokenVotes("Covariates are a table with a row for each vote and a name per column.")
    names = names or tuple(f"covariate {j + 1}" for j in range(x.shape[1]))
    varies = np.flatnonzero((x != 0).any(axis=0))
    kept = tuple(names[j] for j in varies)
    raw = fit_extended(votes, **settings)
    adjusted = fit_extended(votes, covariates=x[:, varies], names=kept, **settings)
    return StyleControl(raw, adjusted, adjusted.scores - raw.scores, kept)

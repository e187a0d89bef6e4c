"""What an answer looks like beside its question and beside the other answer."""

from collections.abc import Iterator
from typing import Final

from jeoul.risk.detectors.base import Found
from jeoul.studies.language import detect_language
from jeoul.studies.likeness import jaccard, plain, shingles
from jeoul.studies.models import RiskKind

NEAR: Final = 0.9
# From this many times the other's characters, and from this many characters on.
TIMES_LONGER: Final = 5
_LONG: Final = 400
# A detector is wrong on short texts; and a question may ask for another language.
_TELLING_LETTERS: Final = 40
_SURE: Final = 0.95


def shape(text: str, *, finish_reason: str, asked: str, language: str) -> Iterator[Found]:
    """Empty, cut off, or in another language than the question's."""
    if not text.strip():
        yield Found(RiskKind.EMPTY, "no_text", 0, len(text))
        return
    if finish_reason in {"length", "max_tokens"}:
        yield Found(RiskKind.TRUNCATED, "token_limit", max(0, len(text) - 1), len(text))
    elif text.count("```") % 2:
        yield Found(RiskKind.TRUNCATED, "open_code_block", text.rindex("```"), len(text))
    wanted = language[:2] or detect_language(asked, sure=_SURE)
    if wanted and sum(c.isalpha() for c in text) >= _TELLING_LETTERS:
        got = detect_language(text, sure=_SURE)
        if got and got != wanted:
            yield Found(RiskKind.WRONG_LANGUAGE, "detected", 0, len(text), f"{wanted}: {got}")


def pair_kinds(a: str, b: str) -> list[str]:
    """What is to be said of two answers together."""
    if a == b:
        return [RiskKind.IDENTICAL]
    short, long = sorted((len(a), len(b)))
    if plain(a) == plain(b):
        return [RiskKind.NEAR_IDENTICAL]
    # Texts of very different lengths can't share that much; comparing them costs the most.
    if short >= NEAR * long and jaccard(shingles(a), shingles(b)) >= NEAR:
        return [RiskKind.NEAR_IDENTICAL]
    if long >= _LONG and long >= TIMES_LONGER * max(short, 1):
        return [RiskKind.LENGTH]
    return []

"""A sentence that was put together, or stored, in English, said again in the reader's language."""

import re
from collections.abc import Callable
from functools import cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _


def percent(value: float | None, digits: int = 0) -> str:
    """0.573 as 57 %, or as the reader's language writes it; a dash where nothing is known."""
    if value is None:
        return "–"
    return _percent_form(get_language()).format(value=f"{100 * value:.{digits}f}")


@cache
def _percent_form(language: str | None) -> str:
    """Kept by language: a page of results says it hundreds of times."""
    return _("{value} %")


@cache
def _patterns(texts: tuple[str, ...]) -> list[tuple[re.Pattern[str], str]]:
    """Each sentence with a place for each of its {names}."""
    place: Callable[[re.Match[str]], str] = lambda found: f"(?P<{found[1]}>.+)"  # noqa: E731
    return [
        (re.compile(re.sub(r"\\\{(\w+)\\\}", place, re.escape(text)), re.DOTALL), text)
        for text in texts
    ]


def said(text: str, texts: tuple[str, ...], value_said: Callable[[str], str] | None = None) -> str:
    """A sentence of ours in the language in force; any other text as it is.

    The first of ``texts`` that fits is taken, so that the more particular ones stand first; what
    stands in its places is said by ``value_said``, or as sentences of the same texts.
    """
    inner = value_said or (lambda value: said(value, texts))
    for pattern, english in _patterns(texts):
        if found := pattern.fullmatch(text):
            words = _(english)
            for name, value in found.groupdict().items():
                words = words.replace(f"{{{name}}}", inner(value))
            return words
    return text

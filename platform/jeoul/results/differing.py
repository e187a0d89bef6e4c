"""Where two answers differ, word by word, as safe HTML."""

import re
from difflib import SequenceMatcher
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Comparing takes the square of it at worst.
MOST_WORDS: Final = 3000
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def marked_difference(first: str, second: str) -> tuple[SafeString, SafeString] | None:
    """Both texts with what the other lacks marked; None where they are too long to compare."""
    a, b = _WORDS.findall(first), _WORDS.findall(second)
    if max(len(a), len(b)) > MOST_WORDS:
        return None
    left: list[str] = []
    right: list[str] = []
    for kind, i, j, k, m in SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        one, other = escape("".join(a[i:j])), escape("".join(b[k:m]))
        if kind == "equal":
            left.append(one)
            right.append(other)
            continue
        if one:
            left.append(f"<del>{one}</del>")
        if other:
            right.append(f"<ins>{other}</ins>")
    # Every part was escaped above; only our own two tags are added.
    return mark_safe("".join(left)), mark_safe("".join(right))  # noqa: S308

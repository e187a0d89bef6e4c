"""How alike two texts are: shared shingles, words or, for scripts without spaces, characters."""

import re
import unicodedata
from typing import Final

# Han, kana and hangul: a word there is one to four characters, and often has no space after it.
CJK: Final = re.compile(
    r"[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
_GAPS: Final = re.compile(r"[\W_]+")
_LATIN_SHINGLE: Final = 5
_CJK_SHINGLE: Final = 2


def plain(text: str) -> str:
    """What remains when case, punctuation and spacing are taken away."""
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def is_cjk(text: str) -> bool:
    """Whether most letters are Chinese, Japanese or Korean."""
    letters = sum(c.isalpha() for c in text[:4000])
    return letters > 0 and 2 * len(CJK.findall(text[:4000])) > letters


def shingles(text: str) -> set[str]:
    """Overlapping pieces of five characters, of two for Chinese, Japanese and Korean."""
    flat = plain(text)
    size = _CJK_SHINGLE if is_cjk(flat) else _LATIN_SHINGLE
    if is_cjk(flat):
        flat = flat.replace(" ", "")
    return {flat[at : at + size] for at in range(max(1, len(flat) - size + 1))}


def jaccard(a: set[str], b: set[str]) -> float:
    """Shared over all, 0 to 1."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0

"""Text to hashed tokens, fast: a token is a word, or one Chinese, Japanese or Korean character.

A block of text becomes canonical bytes (lower case, one space or more between tokens) and then
one 64-bit hash per token, by numpy over the whole block. n-grams are hashed from prefix sums,
so that any n costs the same.
"""

import unicodedata
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
Ints = NDArray[np.int64]

_GAP, _WORD, _ALONE = 0, 1, 2
# Han, kana, hangul: written without spaces, or (Korean) with endings that make words too rare.
_CJK: Final = (
    (0x1100, 0x11FF), (0x3040, 0x30FF), (0x3130, 0x318F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x323AF),
)  # fmt: skip
# Ends a document: a token that no prompt holds, so that no n-gram runs over the border.
BREAK: Final = b" \x1f "
_ASCII: Final = bytes(
    0x1F if c == 0x1F else c + 32 if 65 <= c <= 90 else c if chr(c).isalnum() and c < 128 else 32
    for c in range(128)
) + bytes(range(128, 256))
_SECOND: Final = np.uint64(0xBF58476D1CE4E5B9)
_STEP: Final = np.uint64(0xD6E8FEB86659FD93)


@cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Lower case and class of every code point; made once, in a tenth of a second."""
    lower = np.arange(0x110000, dtype=np.uint32)
    kind = np.zeros(0x110000, dtype=np.uint8)
    # Planes above hold no letters but marks that change none.
    for code in range(0x32400):
        char = chr(code)
        if unicodedata.category(char)[0] in "LNM":
            kind[code] = _WORD
            small = char.lower()
            if len(small) == 1:
                lower[code] = ord(small)
    for first, last in _CJK:
        kind[first : last + 1][kind[first : last + 1] == _WORD] = _ALONE
    kind[0x1F] = _WORD
    return lower, kind


def canonical(block: bytes) -> bytes:
    """Lower-case tokens with spaces between; UTF-8 in and out, broken bytes count as gaps."""
    if block.isascii():
        return block.translate(_ASCII)
    high = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) > 127)
    if len(high) * 50 > len(block):
        return _canonical_codes(block.decode("utf-8", "replace"))
    # Text with a few quotation marks and accents: only those are looked at.
    begins = high[np.append(True, np.diff(high) > 1)].tolist()
    ends = (high[np.append(np.diff(high) > 1, True)] + 1).tolist()
    flat = block.translate(_ASCII)
    parts, at = [], 0
    for begin, end in zip(begins, ends, strict=True):
        parts += [flat[at:begin], _cached_run(flat[begin:end])]
        at = end
    return b"".join([*parts, flat[at:]])


@lru_cache(maxsize=1 << 16)
def _cached_run(run: bytes) -> bytes:
    return _canonical_codes(run.decode("utf-8", "replace"))


def _canonical_codes(text: str) -> bytes:
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    lower, kind = _tables()
    kinds = kind[codes]
    codes = np.where(kinds == _GAP, np.uint32(32), lower[codes])
    alone = kinds == _ALONE
    if alone.any():
        # A space on both sides of each such character.
        place = np.arange(len(codes)) + 2 * np.cumsum(alone) - alone
        spread = np.full(len(codes) + 2 * int(alone.sum()), 32, dtype=np.uint32)
        spread[place] = codes
        codes = spread
    return codes.tobytes().decode("utf-32-le", "replace").encode("utf-8")


def bounds(text: bytes) -> tuple[Ints, Ints]:
    """Where tokens begin and end in canonical bytes."""
    inside = np.zeros(len(text) + 2, dtype=np.bool_)
    np.not_equal(np.frombuffer(text, dtype=np.uint8), 32, out=inside[1:-1])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    return edges[::2], edges[1::2]


def _mixed(values: U64) -> U64:
    values = values ^ (values >> np.uint64(29))
    values *= _SECOND
    values ^= values >> np.uint64(32)
    return values


def hashes(text: bytes, starts: Ints, ends: Ints) -> U64:
    """One 64-bit hash per token: a polynomial over its bytes, from one prefix sum."""
    up, down = _powers(_room(len(text)))
    sums = np.zeros(len(text) + 1, dtype=np.uint64)
    np.cumsum(np.frombuffer(text, dtype=np.uint8) * up[: len(text)], out=sums[1:])
    return _mixed((sums[ends] - sums[starts]) * down[starts])


def _room(n: int) -> int:
    """The next power of two, so that few tables of powers are kept."""
    return max(1 << 16, 1 << n.bit_length())


@cache
def _powers(n: int) -> tuple[U64, U64]:
    """C^i and C^-i modulo 2^64 for i < n; C is odd, so it has an inverse."""
    inverse = np.uint64(pow(int(_STEP), -1, 2**64))
    one = np.ones(1, dtype=np.uint64)
    up = np.concatenate([one, np.full(n - 1, _STEP, dtype=np.uint64)])
    down = np.concatenate([one, np.full(n - 1, inverse, dtype=np.uint64)])
    return np.multiply.accumulate(up), np.multiply.accumulate(down)


class Grams:
    """Hashes of the n-grams of a token sequence, for any n, from one prefix sum."""

    def __init__(self, tokens: U64) -> None:
        up, self._down = _powers(_room(len(tokens)))
        self._sums = np.zeros(len(tokens) + 1, dtype=np.uint64)
        np.cumsum(tokens * up[: len(tokens)], out=self._sums[1:])

    def all(self, n: int) -> U64:
        """The n-gram at every position that has n tokens from there on."""
        count = len(self._sums) - n
        if count <= 0:
            return np.zeros(0, dtype=np.uint64)
        return _mixed((self._sums[n:] - self._sums[:count]) * self._down[:count])

    def at(self, n: int, places: Ints) -> U64:
        """The n-grams at some positions, each with n tokens from there on."""
        return _mixed((self._sums[places + n] - self._sums[places]) * self._down[places])

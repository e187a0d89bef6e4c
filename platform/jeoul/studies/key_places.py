"""In which row a key stood first, in some forty bytes a key."""

import hashlib
from array import array
from typing import Final

_FIRST: Final = 1 << 12


class Places:
    """Numbers from 1 by key; a dict of them takes four times the memory.

    A table of open addresses: two keys are one where their 64-bit digests are.
    """

    def __init__(self) -> None:
        self._digests, self._numbers = _room(_FIRST)
        self._count = 0

    def add(self, key: str, number: int) -> int:
        """Note the key's number unless it has one; returns that, or 0."""
        digest = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
        at = self._find(digest)
        if self._numbers[at]:
            return self._numbers[at]
        self._digests[at], self._numbers[at] = digest, number
        self._count += 1
        if 2 * self._count > len(self._numbers):
            self._grow()
        return 0

    def _find(self, digest: int) -> int:
        last = len(self._numbers) - 1
        at = digest & last
        while self._numbers[at] and self._digests[at] != digest:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        digests, numbers = self._digests, self._numbers
        self._digests, self._numbers = _room(2 * len(numbers))
        for digest, number in zip(digests, numbers, strict=True):
            if number:
                at = self._find(digest)
                self._digests[at], self._numbers[at] = digest, number


def _room(size: int) -> tuple["array[int]", "array[int]"]:
    return array("Q", bytes(8 * size)), array("I", bytes(4 * size))

"""What a detector says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """Something in a text from ``start`` to ``end``; ``detail`` never repeats a secret."""

    kind: str
    rule: str
    start: int
    end: int
    detail: str = ""

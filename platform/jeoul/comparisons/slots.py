"""Which kind of page comes next for a worker: pure, seeded, and not to be foretold."""

import random
from dataclasses import dataclass
from typing import Final, Literal

Slot = Literal["real", "gold", "repeat"]
# The early check stands on one of the pages 2 to 5; the first page is never one.
_EARLY: Final = (1, 4)


@dataclass(frozen=True)
class Given:
    """How many pages of each kind a worker has had."""

    real: int
    gold: int
    repeat: int

    @property
    def pages(self) -> int:
        return self.real + self.gold + self.repeat


@dataclass(frozen=True)
class Shares:
    """How a study mixes its pages, and how many of each a worker gets at most."""

    gold: float
    gold_max: int
    repeat: float
    repeat_max: int


def next_slot(seed: str, given: Given, shares: Shares, *, repeat_after: int) -> Slot:
    """The kind of the worker's next page.

    An early check on one of the pages 2 to 5, later ones and repeats at random with the study's
    shares. ``seed`` is the study's and the worker's own, so a page asked for twice is of one kind,
    and nobody without it can tell where a check stands. Repeats need ``repeat_after`` real pages
    before them.
    """
    page = given.pages
    if page == 0:
        return "real"
    draw = random.Random(f"{seed}:{page}").random()  # noqa: S311 - repeatable, and the seed is secret
    if shares.gold > 0 and given.gold < shares.gold_max:
        if given.gold == 0 and page >= early_page(seed):
            return "gold"
        if draw < shares.gold:
            return "gold"
    # The upper end of the same draw, so that both shares hold exactly.
    may_repeat = given.repeat < shares.repeat_max and given.real > repeat_after
    if may_repeat and draw >= 1 - shares.repeat:
        return "repeat"
    return "real"


def early_page(seed: str) -> int:
    """The page, counted from 0, from which on the first check is due."""
    return random.Random(f"{seed}:early").randint(*_EARLY)  # noqa: S311 - as above

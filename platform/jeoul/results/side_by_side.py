"""An old and a new version beside each other, per slice, from a study's results."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rate:
    """How often a version is preferred to an opponent, with its interval."""

    rate: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Beside:
    """One slice: both versions against the same opponent; ``change`` is new minus old.

    Without an opponent the new version stands against the old one itself, in ``new``.
    """

    slice: str
    value: str
    opponent: str
    old: Rate | None
    new: Rate | None

    @property
    def change(self) -> float | None:
        if self.old is None or self.new is None or None in (self.old.rate, self.new.rate):
            return None
        return (self.new.rate or 0.0) - (self.old.rate or 0.0)

    @property
    def verdict(self) -> str:
        """ "better" or "worse" where intervals say so, "unclear" where they don't."""
        if self.new is None or self.new.low is None or self.new.high is None:
            return "unclear"
        if not self.opponent:
            low, high = 0.5, 0.5
        elif self.old is None or self.old.low is None or self.old.high is None:
            return "unclear"
        else:
            low, high = self.old.low, self.old.high
        if self.new.low > high:
            return "better"
        return "worse" if self.new.high < low else "unclear"


def side_by_side(results: dict[str, Any], *, old: str, new: str) -> list[Beside]:
    """The overall criterion, all prompts first, then each slice that has enough judgements."""
    overall = next((c for c in results["criteria"] if c["is_overall"]), None)
    if overall is None:
        return []
    parts = [("", "", overall["pairs"])]
    parts += [(s["slice"], s["value"], s["pairs"]) for s in results["slices"] or []]
    return [row for name, value, pairs in parts for row in _part(name, value, pairs, old, new)]


def _part(name: str, value: str, pairs: list[dict[str, Any]], old: str, new: str) -> list[Beside]:
    rates = {(p["system_a"], p["system_b"]): _rate(p) for p in pairs}
    rates |= {(p["system_b"], p["system_a"]): _turned(_rate(p)) for p in pairs}
    opponents = sorted({b for a, b in rates if a in {old, new}} - {old, new})
    rows = [
        Beside(name, value, other, rates.get((old, other)), rates.get((new, other)))
        for other in opponents
    ]
    direct = rates.get((new, old))
    return ([Beside(name, value, "", None, direct)] if direct else []) + rows


def _rate(pair: dict[str, Any]) -> Rate:
    return Rate(pair["win_rate_a"], pair["low"], pair["high"], pair["n"])


def _turned(rate: Rate) -> Rate:
    def turn(x: float | None) -> float | None:
        return None if x is None else 1 - x

    return Rate(turn(rate.rate), turn(rate.high), turn(rate.low), rate.n)

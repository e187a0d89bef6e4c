"""When a running study needs its researcher: pure, figures in, findings out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

from scipy import stats

# Fewer judgements than this say nothing about pay, and fewer pairs nothing about a fall.
_FEWEST_TIMED: Final = 20
_FEWEST_RECENT: Final = 30
_FEWEST_BEFORE: Final = 60
# A fall is worth a message when it is both this large and unlikely by chance.
_FALL: Final = 0.10
_CHANCE: Final = 0.01
_BUDGET_SHARE: Final = Decimal("0.8")


class Share(NamedTuple):
    """So many of so many."""

    good: int
    n: int

    @property
    def value(self) -> float:
        return self.good / self.n if self.n else 0.0


@dataclass(frozen=True)
class Watched:
    """The figures that rules look at."""

    planned: int = 0
    judged: int = 0
    budget: Decimal | None = None
    spent: Decimal = Decimal(0)
    floor: Decimal = Decimal(0)
    hourly_pay: Decimal | None = None
    timed: int = 0
    agreement: tuple[Share, Share] = (Share(0, 0), Share(0, 0))
    gold: tuple[Share, Share] = (Share(0, 0), Share(0, 0))
    failing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What to tell, and the numbers it rests on."""

    kind: str
    key: str
    facts: dict[str, Any]


def has_fallen(before: Share, recent: Share) -> bool:
    """One-sided test of two proportions; a screen, since pairs of votes are not independent."""
    if before.n < _FEWEST_BEFORE or recent.n < _FEWEST_RECENT:
        return False
    drop = before.value - recent.value
    if drop < _FALL:
        return False
    pooled = (before.good + recent.good) / (before.n + recent.n)
    spread = (pooled * (1 - pooled) * (1 / before.n + 1 / recent.n)) ** 0.5
    return bool(spread > 0 and stats.norm.sf(drop / spread) < _CHANCE)


def findings(now: Watched) -> Iterator[Found]:
    """Everything that holds now."""
    if now.budget and now.spent >= _BUDGET_SHARE * now.budget:
        over = now.spent >= now.budget
        yield Found("budget", "100" if over else "80", {"spent": f"{now.spent:.2f}",
                                                        "budget": f"{now.budget:.2f}"})  # fmt: skip
    for kind, (before, recent) in (("agreement", now.agreement), ("gold", now.gold)):
        if has_fallen(before, recent):
            yield Found(kind, kind, {"before": round(before.value, 4), "n_before": before.n,
                                     "recent": round(recent.value, 4), "n": recent.n})  # fmt: skip
    for name, reason in now.failing.items():
        yield Found("connection", name[:100], {"connection": name, "reason": reason[:300]})
    if now.hourly_pay is not None and now.timed >= _FEWEST_TIMED and now.hourly_pay < now.floor:
        yield Found("pay", "median", {"hourly": f"{now.hourly_pay:.2f}",
                                      "floor": f"{now.floor:.2f}", "n": now.timed})  # fmt: skip
    if now.planned and now.judged >= now.planned:
        yield Found("finished", "all", {"judged": now.judged})

"""What a plan asks for and what it will tell: pure, counts and prices in, an estimate out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from typing import Final

from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.power import Components, Design, half_width, power

# Variances of a score in 0 to 1 between prompts, between workers and of the rest, until a pilot
# says more: those that `plan_power` assumes.
ASSUMED: Final = Components(0.04, 0.01, 0.18)
# How many comparisons one person judges where no cap is set: half an hour's work.
PER_PERSON: Final = 30
# An interval that allows for people needs people: with three of them Student's t has two degrees
# of freedom, and no number of prompts makes up for it.
FEWEST_PEOPLE: Final = 10
_WANTED_POWER: Final = 0.8
_MOST_PROMPTS: Final = 100_000


@dataclass(frozen=True)
class Draft:
    """What is planned, in numbers."""

    prompts: int
    systems: int
    against_baseline: bool
    samples: int
    overlap: int
    seconds: float
    pay: Decimal
    generation_cost: Decimal
    smallest_difference: float
    cap: int | None = None
    variances: Components = ASSUMED

    @property
    def pairs(self) -> int:
        return self.systems - 1 if self.against_baseline else self.systems * (self.systems - 1) // 2

    @property
    def comparisons(self) -> int:
        return self.prompts * self.pairs * self.samples

    @property
    def judgements(self) -> int:
        return self.comparisons * self.overlap

    @property
    def people(self) -> int:
        """Enough for the overlap, for everyone's share, and for an interval."""
        shares = ceil(self.judgements / (self.cap or PER_PERSON))
        return max(self.overlap, shares, min(FEWEST_PEOPLE, self.judgements))


@dataclass(frozen=True)
class Estimate:
    """The plan in hours, people, money and certainty; None where no interval can be given."""

    draft: Draft
    comparisons: int
    judgements: int
    hours: float
    people: int
    people_cost: Decimal
    half_width: float | None
    power: float | None

    @property
    def cost(self) -> Decimal:
        return self.people_cost + self.draft.generation_cost


def estimate(draft: Draft) -> Estimate:
    """Interval and power are those of one pair."""
    width: float | None = None
    chance: float | None = None
    try:
        design = Design(draft.prompts, draft.samples * draft.overlap, draft.people)
        width = half_width(draft.variances, design)
        chance = power(draft.variances, design, 0.5 + draft.smallest_difference)
    except AnalysisError:
        pass  # too few prompts for any interval; the page says so
    return Estimate(
        draft=draft,
        comparisons=draft.comparisons,
        judgements=draft.judgements,
        hours=draft.judgements * draft.seconds / 3600,
        people=draft.people,
        people_cost=draft.judgements * draft.pay,
        half_width=width,
        power=chance,
    )


def _fewer(draft: Draft) -> Iterator[Draft]:
    for overlap in range(draft.overlap - 1, 0, -1):
        yield replace(draft, overlap=overlap)
    for part in (2, 4):
        prompts = draft.prompts // part
        if prompts >= 2:
            share = draft.generation_cost * prompts / draft.prompts
            yield replace(draft, prompts=prompts, generation_cost=share)


def smaller(draft: Draft, most: int = 4) -> list[Estimate]:
    """What fewer judgements per comparison, or fewer prompts, would give."""
    return [estimate(plan) for plan in list(_fewer(draft))[:most]]


def prompts_needed(draft: Draft) -> int | None:
    """The fewest prompts that see the smallest difference with power 80 %; None beyond reason."""

    def enough(prompts: int) -> bool:
        found = estimate(replace(draft, prompts=prompts)).power
        return found is not None and found >= _WANTED_POWER

    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST_PROMPTS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high

"""Which systems meet on which prompt, in what order, and which side comes first: pure, seeded."""

import random
from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

# How far one side may be ahead for a worker and a pair of systems.
MAX_LEAD: Final = 2
_BLOCK: Final = 6


class Planned(NamedTuple):
    """One comparison of the plan, by the places of its parts in what was given."""

    prompt: int
    pair: int
    sample: int
    a_first: bool


def all_pairs(n_systems: int) -> list[tuple[int, int]]:
    """Every pair of systems, lower place first."""
    return list(combinations(range(n_systems), 2))


def baseline_pairs(n_systems: int, baseline: int) -> list[tuple[int, int]]:
    """Each system against the baseline, lower place first (the canonical order)."""
    return [tuple(sorted((baseline, other))) for other in range(n_systems) if other != baseline]  # type: ignore[misc]  # sorted loses the length


def plan(
    n_prompts: int, pairs: Sequence[tuple[int, int]], samples: int, seed: int
) -> list[Planned]:
    """All comparisons in an order whose every beginning is balanced over pairs and prompts.

    The prompts are shuffled once and walked once per pair and sample; at step i of walk w
    pair (i + w) mod P comes, so that each run of P steps holds each pair once, and the same
    prompt returns only after a whole walk. The first sides of each pair come in shuffled blocks,
    half of each: even at any moment, and still not to be foretold from the order of the pages.
    """
    if not pairs or n_prompts <= 0:
        return []
    rng = random.Random(seed)  # noqa: S311 - a plan must be repeatable, not secret
    order = list(range(n_prompts))
    rng.shuffle(order)
    pair_order = list(range(len(pairs)))
    rng.shuffle(pair_order)
    sides: list[list[bool]] = [[] for _ in pairs]
    planned = []
    for sample in range(samples):
        for walk in range(len(pairs)):
            for step, prompt in enumerate(order):
                pair = pair_order[(step + walk) % len(pairs)]
                if not sides[pair]:
                    sides[pair] = [True, False] * (_BLOCK // 2)
                    rng.shuffle(sides[pair])
                planned.append(Planned(prompt, pair, sample, sides[pair].pop()))
    return planned


def a_goes_left(*, lead: int, planned: bool, turn: int) -> bool:
    """The side of A for a worker who has seen it ``lead`` times more on the left in this pair.

    The plan's side alternates over the comparison's turns, which keeps each comparison and each
    pair even across workers. A worker's own balance decides only where it would tip too far: a
    habit of one side is a worker's habit, but strict turns would tell from one page the next.
    """
    if abs(lead) >= MAX_LEAD:
        return lead < 0
    return planned if turn % 2 == 0 else not planned


def main_language(tag: str) -> str:
    """The language of a tag such as ko-KR, as comparisons keep it."""
    return tag.replace("_", "-").split("-")[0].lower()[:10]

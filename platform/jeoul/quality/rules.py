"""Screening rules: facts about the workers of one study in, findings out; nothing is decided.

A finding is a reason to look, never a verdict: preference has no gold truth, and a minority
taste is not an error. Over all workers the tests are held to a false-discovery rate
(Benjamini & Hochberg 1995), and no rule speaks under its minimum number of judgements.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from scipy import special

from jeoul.analysis.intervals import clopper_pearson
from jeoul.analysis.many_tests import benjamini_hochberg
from jeoul.analysis.quality_signals import entropy, run_probability

VERSION: Final = "2026-11d"
FALSE_DISCOVERY_RATE: Final = 0.05
MIN_JUDGEMENTS: Final = 15
MIN_TIMED: Final = 10
MIN_GOLD: Final = 4
GOLD_PASS: Final = 0.7
# Under this share of the time that reading both answers takes, nobody has read them.
TOO_FAST_SHARE: Final = 0.33
TOO_FAST_OF_MEDIAN: Final = 0.25
TIE_SHARE: Final = 0.8
SIDE_SHARE: Final = 0.75
MIN_REPEATS: Final = 4
REPEAT_PASS: Final = 0.6
MIN_RATED: Final = 5
# Below this share of the median worker's reliability, by the upper bound.
RELIABLE_OF_MEDIAN: Final = 0.7
# Bits; three answers evenly used carry 1.58, two carry 1, and 95 % of one carry 0.3 to 0.4.
LEAST_INFORMATION: Final = 0.5
# A copier is alone with an answer at most this much as often as the median worker.
ALONE_OF_MEDIAN: Final = 1 / 3
# How much more than a typical judge of the same comparisons a copier agrees with the others.
COPIES_EXCESS: Final = 0.14
# A crowd whose median and spread mean something.
MIN_CROWD: Final = 8
MIN_UNANIMOUS: Final = 8
DISSENT_ABOVE: Final = 0.2


@dataclass(frozen=True)
class WorkerFacts:
    """What is known of one worker in one study; counts are judgements in force."""

    worker: int
    n: int
    median_seconds: float | None
    # Time over reading time, median over the worker's items; None without texts or times.
    reading_share: float | None
    timed: int
    left: int
    right: int
    ties: int
    others_tie_share: float
    gold_n: int
    gold_right: int
    # Agreement with the other judges of the same comparisons, and how many such pairs.
    agreement: float | None
    agreement_n: int
    # Distribution-free bounds of the median time.
    seconds_low: float | None = None
    seconds_high: float | None = None
    # The longest row of choices of one shown side, ties left out.
    longest_run: int = 0
    # How often each value was given: A, B, tie, both bad.
    values: tuple[int, ...] = ()
    # Comparisons judged again, and how many of these alike.
    repeats: int = 0
    repeats_same: int = 0
    # Reliability by a model of all judges (Dawid-Skene), with its bounds and judgements.
    reliability: float | None = None
    reliability_high: float | None = None
    reliability_n: int = 0
    # On comparisons with two other judges: agreement less what a typical judge reaches there.
    excess: float | None = None
    excess_error: float | None = None
    compared: int = 0
    # Of these, comparisons whose other judges all agreed, and where the worker said otherwise.
    unanimous: int = 0
    dissent: int = 0
    # Of the compared ones, where none of the others said what the worker said.
    alone: int = 0


@dataclass(frozen=True)
class Finding:
    """One rule's finding about one worker, with its evidence in words."""

    worker: int
    rule: str
    evidence: str


def findings(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """All rules over all workers of a study."""
    return [found for rule in _RULES for found in rule(facts)]


def habits(facts: Sequence[WorkerFacts]) -> set[int]:
    """Workers whose habit shows without the others: agreement with them says nothing of anyone."""
    return {f.worker for rule in _HABITS for f in rule(facts)}


def _discovered(
    candidates: list[tuple[WorkerFacts, float]],
) -> list[tuple[WorkerFacts, float]]:
    """Those whose adjusted p-value stays under the false-discovery rate."""
    adjusted = benjamini_hochberg([p for _, p in candidates])
    return [
        (fact, float(p))
        for (fact, _), p in zip(candidates, adjusted, strict=True)
        if p <= FALSE_DISCOVERY_RATE
    ]


def _coin(one: int, other: int) -> float:
    """Two-sided exact p of one half: twice the smaller tail, as the two are alike."""
    return min(1.0, 2 * float(special.bdtr(min(one, other), one + other, 0.5)))


def _at_least(k: int, n: int, p: float) -> float:
    """P(X ≥ k)."""
    return 1.0 if k <= 0 else float(special.bdtrc(k - 1, n, p))


def too_fast(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Median time far under the reading time, or, without texts, under the crowd's own median."""
    timed = [f for f in facts if f.timed >= MIN_TIMED and f.median_seconds is not None]
    medians = sorted(f.median_seconds for f in timed if f.median_seconds is not None)
    crowd = medians[len(medians) // 2] if len(medians) >= 5 else None
    found = []
    for f in timed:
        assert f.median_seconds is not None
        if f.reading_share is not None and f.reading_share < TOO_FAST_SHARE:
            evidence = (
                f"Median {f.median_seconds:.1f} s per comparison, {f.reading_share:.0%} of the "
                f"time that reading both answers takes ({f.timed} timed)."
            )
        elif crowd is not None and f.median_seconds < TOO_FAST_OF_MEDIAN * crowd:
            evidence = (
                f"Median {f.median_seconds:.1f} s per comparison against {crowd:.1f} s "
                f"over all workers ({f.timed} timed)."
            )
        else:
            continue
        found.append(Finding(f.worker, "too_fast", evidence))
    return found


def one_side(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """More choices of one side than chance allows: exact binomial against ½."""
    candidates = [(f, _coin(f.left, f.right)) for f in facts if f.left + f.right >= MIN_JUDGEMENTS]
    found = []
    for f, p in _discovered(candidates):
        total = f.left + f.right
        side, count = ("left", f.left) if f.left > f.right else ("right", f.right)
        if count / total >= SIDE_SHARE:
            evidence = f"Chose the {side} answer {count} of {total} times (adjusted p = {p:.2g})."
            found.append(Finding(f.worker, "one_side", evidence))
    return found


def fails_gold(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Gold accuracy whose exact 95 % interval lies under the pass mark."""
    found = []
    for f in facts:
        if f.gold_n < MIN_GOLD:
            continue
        low, high = clopper_pearson(f.gold_right, f.gold_n)
        if high < GOLD_PASS:
            evidence = (
                f"{f.gold_right} of {f.gold_n} known answers right "
                f"(95 % interval {low:.0%} to {high:.0%}, pass mark {GOLD_PASS:.0%})."
            )
            found.append(Finding(f.worker, "fails_gold", evidence))
    return found


def disagrees(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Says otherwise where the other judges all agree, more often than the crowd does."""
    known = [f for f in facts if f.unanimous >= MIN_UNANIMOUS]
    if len(known) < 3:
        return _disagrees_with_crowd(facts)
    # The median worker: a share over all would be pulled up by those who are looked for.
    crowd = min(max(median(f.dissent / f.unanimous for f in known), 0.01), 0.99)
    candidates = [(f, _at_least(f.dissent, f.unanimous, crowd)) for f in known]
    return [
        Finding(
            f.worker,
            "disagrees",
            f"Said otherwise in {f.dissent} of the {f.unanimous} comparisons whose other judges "
            f"all agreed; the median worker in {crowd:.0%} (adjusted p = {p:.2g}).",
        )
        for f, p in _discovered(candidates)
        if f.dissent / f.unanimous >= crowd + DISSENT_ABOVE
    ]


def copies_majority(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Agrees with the others more than they with each other, or is never alone with an answer:
    perhaps their answers are seen."""
    found = {f.worker: f for f in (*_never_alone(facts), *_agrees_too_much(facts))}
    return list(found.values())


def _never_alone(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Whoever follows the others hardly ever gives an answer that none of them gave."""
    known = [f for f in facts if f.compared >= MIN_JUDGEMENTS]
    if len(known) < MIN_CROWD:
        return []
    crowd = median(f.alone / f.compared for f in known)
    # P(X ≤ k), against the median worker.
    tails = [float(special.bdtr(f.alone, f.compared, min(max(crowd, 0.01), 0.99))) for f in known]
    return [
        Finding(
            f.worker,
            "copies_majority",
            f"Alone with an answer in {f.alone} of {f.compared} comparisons with two other "
            f"judges; the median worker in {crowd:.0%} (adjusted p = {p:.2g}).",
        )
        for f, p in _discovered(list(zip(known, tails, strict=True)))
        if f.alone / f.compared <= ALONE_OF_MEDIAN * crowd
    ]


def _agrees_too_much(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """More agreement than the comparisons let expect.

    Measured against the spread of all workers (median and MAD): where some are bad, everybody
    else agrees a little more than they.
    """
    known = [f for f in facts if f.excess is not None and f.excess_error is not None
             and f.compared >= MIN_JUDGEMENTS]  # fmt: skip
    if len(known) < MIN_CROWD:
        return []
    # Comparisons that all went alike would give no error at all; half a one keeps it finite.
    z = [(f.excess or 0.0) / max(f.excess_error or 0.0, 0.5 / f.compared) for f in known]
    middle = median(z)
    spread = max(1.0, 1.4826 * median(abs(v - middle) for v in z))
    tails = [float(special.ndtr((middle - v) / spread)) for v in z]
    return [
        Finding(
            f.worker,
            "copies_majority",
            f"Agrees with the other judges {f.excess:.0%} more often than they with each other "
            f"on the same {f.compared} comparisons (adjusted p = {p:.2g}).",
        )
        for f, p in _discovered(list(zip(known, tails, strict=True)))
        if f.excess is not None and f.excess >= COPIES_EXCESS
    ]


def low_information(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Answers that hardly ever differ: their entropy is next to nothing."""
    found = []
    for f in facts:
        counts = (f.left, f.right, f.ties)
        if sum(counts) < MIN_JUDGEMENTS:
            continue
        bits = entropy(counts)
        if bits < LEAST_INFORMATION:
            evidence = (
                f"{f.left} left, {f.right} right, {f.ties} ties: {bits:.2f} bits per answer "
                f"(three answers evenly used carry 1.58)."
            )
            found.append(Finding(f.worker, "low_information", evidence))
    return found


def _disagrees_with_crowd(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Where too few comparisons have two other judges: against the crowd's whole agreement."""
    rated = [f for f in facts if f.agreement is not None and f.agreement_n >= MIN_JUDGEMENTS]
    if len(rated) < 3:
        return []
    total = sum(f.agreement_n for f in rated)
    crowd = sum((f.agreement or 0.0) * f.agreement_n for f in rated) / total
    candidates = [
        (
            f,
            # P(X ≤ k); the bare function, since scipy.stats takes a third of a millisecond a call.
            float(special.bdtr(round((f.agreement or 0.0) * f.agreement_n), f.agreement_n, crowd)),
        )
        for f in rated
    ]
    return [
        Finding(
            f.worker,
            "disagrees",
            f"Agrees with the other judges in {f.agreement:.0%} of {f.agreement_n} comparisons; "
            f"all workers together in {crowd:.0%} (adjusted p = {p:.2g}).",
        )
        for f, p in _discovered(candidates)
    ]


def always_tie(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Ties far more often than the others give them."""
    candidates = [
        (f, _at_least(f.ties, f.n, min(max(f.others_tie_share, 0.01), 0.99)))
        for f in facts
        if f.n >= MIN_JUDGEMENTS
    ]
    return [
        Finding(
            f.worker,
            "always_tie",
            f"Said tie {f.ties} of {f.n} times; the others in {f.others_tie_share:.0%} "
            f"(adjusted p = {p:.2g}).",
        )
        for f, p in _discovered(candidates)
        if f.ties / f.n >= TIE_SHARE
    ]


def long_run(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """One side so many times in a row that chance, at the worker's own rate, does not do it."""
    candidates = []
    for f in facts:
        total = f.left + f.right
        if total < MIN_JUDGEMENTS:
            continue
        # A cheap bound first: the exact recursion is only for runs that could be unlikely. The
        # others stay among the tests, or the false-discovery rate would be that of a selection.
        if total * 2.0 ** (1 - f.longest_run) > FALSE_DISCOVERY_RATE:
            candidates.append((f, 1.0))
            continue
        rate = min(max(f.left / total, 0.02), 0.98)
        candidates.append((f, run_probability(f.longest_run, total, rate)))
    return [
        Finding(
            f.worker,
            "long_run",
            f"Chose the same side {f.longest_run} times in a row among {f.left + f.right} "
            f"decided judgements (adjusted p = {p:.2g}).",
        )
        for f, p in _discovered(candidates)
    ]


def repeats_differ(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """Repeats, shown with the sides swapped, answered no more alike than chance would."""
    found = []
    for f in facts:
        if f.repeats < MIN_REPEATS:
            continue
        low, high = clopper_pearson(f.repeats_same, f.repeats)
        if high < REPEAT_PASS:
            evidence = (
                f"{f.repeats_same} of {f.repeats} repeated comparisons answered alike "
                f"(95 % interval {low:.0%} to {high:.0%}, pass mark {REPEAT_PASS:.0%})."
            )
            found.append(Finding(f.worker, "repeats_differ", evidence))
    return found


def unreliable(facts: Sequence[WorkerFacts]) -> list[Finding]:
    """A model that weighs all judges gives this one a reliability far under the crowd's."""
    rated = [f for f in facts if f.reliability is not None and f.reliability_n >= MIN_JUDGEMENTS]
    if len(rated) < MIN_RATED:
        return []
    ordered = sorted(f.reliability or 0.0 for f in rated)
    middle = ordered[len(ordered) // 2]
    return [
        Finding(
            f.worker,
            "unreliable",
            f"Equals the weighed verdict in {f.reliability:.0%} of {f.reliability_n} comparisons "
            f"(up to {f.reliability_high:.0%}); the median worker in {middle:.0%}.",
        )
        for f in rated
        if f.reliability_high is not None and f.reliability_high < RELIABLE_OF_MEDIAN * middle
    ]


_HABITS: Final[tuple[Callable[[Sequence[WorkerFacts]], list[Finding]], ...]] = (
    too_fast,
    one_side,
    low_information,
    fails_gold,
    always_tie,
)
_RULES: Final[tuple[Callable[[Sequence[WorkerFacts]], list[Finding]], ...]] = (
    too_fast,
    one_side,
    fails_gold,
    disagrees,
    copies_majority,
    always_tie,
    low_information,
    long_run,
    repeats_differ,
    unreliable,
)

"""The workers: what is known of each, with an interval and the signals that follow from it."""

from dataclasses import replace
from typing import Any, Final

from jeoul.analysis.intervals import clopper_pearson, exact_interval, wilson
from jeoul.analysis.quality_signals import entropy
from jeoul.quality import rules
from jeoul.results.inputs import Person
from jeoul.results.sections.numbers import number

# How each interval of a worker's row is made, and what it takes for granted.
WORKER_INTERVALS: Final = {
    "median_seconds": "order statistics, free of a distribution",
    "agreement": "Wilson, comparisons taken as independent",
    "gold": "Clopper-Pearson, exact; with few known answers wider than it need be",
    "left_share": "Wilson, judgements taken as independent",
    "repeats": "Clopper-Pearson, exact",
    "reliability": (
        "Wilson, the verdicts taken as known: too narrow and the share too high where judges err"
    ),
}
_NOTHING = (None, None)


def with_reliability(
    facts: list[rules.WorkerFacts], known: dict[int, Any]
) -> list[rules.WorkerFacts]:
    """The facts with what a model of all judges says of each worker."""
    return [
        replace(
            f,
            reliability=known[f.worker]["estimate"],
            reliability_high=known[f.worker]["high"],
            reliability_n=known[f.worker]["n"],
        )
        if f.worker in known
        else f
        for f in facts
    ]


def crowd_of(
    facts: list[rules.WorkerFacts],
    people: list[Person],
    found: list[rules.Finding],
    out: frozenset[int],
    reliability: dict[int, Any],
) -> list[dict[str, Any]]:
    """One row per worker, the busiest first; ``people`` in the order of the codes."""
    flags: dict[int, list[dict[str, str]]] = {}
    for signal in found:
        flags.setdefault(signal.worker, []).append(
            {"rule": signal.rule, "evidence": signal.evidence}
        )
    rows = [
        worker_row(f, people[f.worker], f.worker in out, reliability.get(f.worker))
        | {"flags": flags.get(f.worker, [])}
        for f in facts
    ]
    return sorted(rows, key=lambda r: (-r["n"], r["worker"]))


def worker_row(
    f: rules.WorkerFacts, worker: Person, excluded: bool, reliability: dict[str, Any] | None
) -> dict[str, Any]:
    """Facts of one worker, each share with its interval and the n it rests on."""
    sided = f.left + f.right
    gold = exact_interval(f.gold_right, f.gold_n) if f.gold_n else None
    side = wilson(f.left, sided) if sided else _NOTHING
    same = clopper_pearson(f.repeats_same, f.repeats) if f.repeats else _NOTHING
    agree = (
        wilson(round(f.agreement * f.agreement_n), f.agreement_n)
        if f.agreement is not None and f.agreement_n
        else _NOTHING
    )
    return {
        "worker": worker.pseudonym,
        "vendor": worker.vendor,
        "simulated": worker.simulated,
        "n": f.n,
        "median_seconds": number(f.median_seconds),
        "seconds_low": number(f.seconds_low),
        "seconds_high": number(f.seconds_high),
        "timed": f.timed,
        "reading_share": number(f.reading_share),
        "agreement": number(f.agreement),
        "agreement_low": number(agree[0]),
        "agreement_high": number(agree[1]),
        "agreement_n": f.agreement_n,
        "gold_n": f.gold_n,
        "gold_right": f.gold_right,
        "gold_share": number(f.gold_right / f.gold_n) if f.gold_n else None,
        "gold_low": number(gold.low) if gold else None,
        "gold_high": number(gold.high) if gold else None,
        "gold_note": gold.note if gold else "",
        "left_share": number(f.left / sided) if sided else None,
        "left_low": number(side[0]),
        "left_high": number(side[1]),
        "left_n": sided,
        "longest_run": f.longest_run,
        "ties": f.ties,
        "entropy_bits": number(entropy(f.values)) if sum(f.values) else None,
        "repeats": f.repeats,
        "repeats_same": f.repeats_same,
        "repeats_low": number(same[0]),
        "repeats_high": number(same[1]),
        "reliability": reliability,
        "excluded": excluded,
    }

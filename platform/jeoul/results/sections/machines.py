"""People against machine judges on the same comparisons, and both together where both exist."""

from typing import Any, Final

import numpy as np

from jeoul.analysis.agreement import value_counts
from jeoul.analysis.agreement_kappas import SourceAgreement, source_agreement
from jeoul.analysis.counts import BOTH_BAD, TIE, Floats
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.ppi import powered_mean
from jeoul.results.data import Ints, Table
from jeoul.results.sections.numbers import number, reason

_SCORE: Final = np.array([1.0, 0.0, 0.5, 0.5])
_METHOD: Final = (
    "share equal to the people's majority (draws left out), Wilson, comparisons taken as "
    "independent; Cohen's kappa"
)


def machines_of(
    people: Table, machine: Table, labels: dict[int, str], names: list[str]
) -> list[dict[str, Any]]:
    """One entry per machine judge; ``labels`` names the judges by the code of their worker."""
    return [
        {"judge": label} | _judge(people, machine.select(machine.ints("worker") == code), names)
        for code, label in sorted(labels.items(), key=lambda item: item[1])
        if bool((machine.ints("worker") == code).any())
    ]


def _judge(people: Table, machine: Table, names: list[str]) -> dict[str, Any]:
    said, value = _first(machine)
    size = 1 + int(max(said.max(), people.ints("comparison").max() if len(people) else 0))
    verdict, score = _people(people, size)
    known = verdict[said] >= 0
    first, second = verdict[said][known], value[known]
    return {
        "verdicts": len(said),
        "shared_comparisons": int(known.sum()),
        "with_ties": _agreement(first, second, ()),
        "without_ties": _agreement(first, second, (TIE, BOTH_BAD)),
        "combined": _combined(machine, said, value, score, names),
        "method": _METHOD,
    }


def _first(machine: Table) -> tuple[Ints, Ints]:
    """Each comparison the machine judged, and its first verdict."""
    comparison, first = np.unique(machine.ints("comparison"), return_index=True)
    return comparison, machine.ints("outcome")[first].astype(np.int64)


def _people(people: Table, size: int) -> tuple[Ints, Floats]:
    """People's majority per comparison (−1 for a draw or nobody), and their mean score."""
    verdict, score = np.full(size, -1, dtype=np.int64), np.full(size, np.nan)
    if not len(people):
        return verdict, score
    comparison, code = np.unique(people.ints("comparison"), return_inverse=True)
    counts = value_counts(code, people.ints("outcome").astype(np.int64), 4)
    top = counts.max(axis=1, keepdims=True)
    alone = (counts == top).sum(axis=1) == 1
    verdict[comparison] = np.where(alone, counts.argmax(axis=1), -1)
    score[comparison] = counts @ _SCORE / counts.sum(axis=1)
    return verdict, score


def _agreement(first: Ints, second: Ints, leave_out: tuple[int, ...]) -> dict[str, Any]:
    try:
        found: SourceAgreement = source_agreement(first, second, 4, leave_out=leave_out)
    except AnalysisError as error:
        return {"error": str(error)}
    return {
        "share": number(found.share),
        "low": number(found.low),
        "high": number(found.high),
        "n": found.n,
        "kappa": number(found.kappa.estimate),
        "kappa_low": number(found.kappa.low),
        "kappa_high": number(found.kappa.high),
    }


def _combined(
    machine: Table, said: Ints, value: Ints, score: Floats, names: list[str]
) -> list[dict[str, Any]]:
    """Each pair's win rate from people's and the machine's verdicts together (PPI++)."""
    _, first = np.unique(machine.ints("comparison"), return_index=True)
    a, b = machine.ints("system_a")[first], machine.ints("system_b")[first]
    prompt, flip = machine.ints("prompt")[first], a > b
    told = np.where(flip, 1 - _SCORE[value], _SCORE[value])
    human = np.where(flip, 1 - score[said], score[said])
    key = np.minimum(a, b).astype(np.int64) * len(names) + np.maximum(a, b)
    found = []
    for pair in np.unique(key).tolist():
        mine = key == pair
        judged, alone = mine & np.isfinite(human), mine & ~np.isfinite(human)
        row = {"system_a": names[pair // len(names)], "system_b": names[pair % len(names)]}
        try:
            power = powered_mean(
                human[judged], told[judged], told[alone], prompt[judged], prompt[alone]
            )
        except AnalysisError as error:
            found.append(row | {"error": reason(error)})
            continue
        found.append(
            row
            | {
                "win_rate_a": number(power.estimate),
                "low": number(power.low),
                "high": number(power.high),
                "people_only": number(power.human),
                "machine_only": number(power.machine),
                "weight": number(power.weight),
                "n_people": power.n_human,
                "n_machine": power.n_machine,
                "effective_people": number(power.effective),
                "method": power.method,
            }
        )
    return found

"""May this version ship? The rule of the plan, held against the judgements there are.

While a study runs anyone may look as often as they like, so the intervals are confidence
sequences, which hold at every look together; once it is closed the ordinary interval is taken.
All conditions must hold, so none needs a correction for their number.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

import numpy as np

from jeoul.analysis.counts import Ties, Votes, WinDefinition, apply
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.intervals import two_way_interval
from jeoul.analysis.power import Components, components, votes_needed
from jeoul.analysis.sequential import MIN_CLUSTERS, two_way_sequence
from jeoul.analysis.winrates import lower_first
from jeoul.results.automatic import with_ties
from jeoul.results.data import Table, votes_of
from jeoul.results.inputs import SLICES, Inputs

PASS: Final = "pass"  # noqa: S105  # a state, no password
FAIL: Final = "fail"
NOT_YET: Final = "not_yet"
# A win rate worth planning for while nothing is known.
_HOPED: Final = 0.6


@dataclass(frozen=True)
class Bounds:
    """What is known of one condition; None where nothing can be said."""

    estimate: float
    low: float
    high: float
    method: str
    note: str = ""


def evaluate(inputs: Inputs, rule: dict[str, Any], *, closed: bool) -> dict[str, Any]:
    """The state of the gate, of each condition, and how many judgements are probably missing."""
    protected = rule["looks"] == "protected" and not closed
    conditions = [_condition(inputs, c, protected, closed) for c in rule["conditions"]]
    states = {c["state"] for c in conditions}
    state = FAIL if FAIL in states else NOT_YET if NOT_YET in states else PASS
    return {
        "state": state,
        "study": inputs.study,
        "closed": closed,
        "intervals": "confidence sequences, valid at every look"
        if protected
        else "ordinary intervals, valid for one look",
        "conditions": conditions,
        "missing": _missing(conditions),
        "rule": rule,
    }


def _missing(conditions: list[dict[str, Any]]) -> int | None:
    """Of all conditions: the most of each slice, together."""
    waiting = [c for c in conditions if c["state"] == NOT_YET]
    if not waiting or any(c["missing"] is None for c in waiting):
        return None
    most: dict[str, int] = {}
    for c in waiting:
        place = repr(sorted(c["where"].items()))
        most[place] = max(most.get(place, 0), c["missing"])
    return sum(most.values())


def _condition(inputs: Inputs, c: dict[str, Any], protected: bool, closed: bool) -> dict[str, Any]:
    votes = _votes(inputs, c)
    threshold = 0.5 + c["margin"] * (1 if c["claim"] == "better" else -1)
    found = c | {"threshold": threshold, "n": len(votes) if votes else 0, "method": "",
                 "estimate": None, "low": None, "high": None, "missing": None,
                 "needs": None}  # fmt: skip
    if votes is None:
        return found | _told(NOT_YET, "unknown", "The study does not have what this names.")
    # The rule's word "apart" takes ties out of the rate, which the analysis calls left out.
    ties: Ties = "left_out" if c["ties"] == "apart" else "half"
    definition = WinDefinition(ties=ties, both_bad=c["both_bad"], min_grade=c["min_grade"])
    try:
        kept = apply(votes, definition)
    except AnalysisError as error:
        return found | _told(NOT_YET, "unknown", str(error))
    if not len(kept):
        told = _told(FAIL if closed else NOT_YET, "none", "No judgement yet.")
        return found | told | {"missing": _first(threshold)}
    prompts = len(_prompts(inputs, c["where"])) if inputs.slices else 0
    bounds = _bounds(kept, c, protected, prompts)
    if bounds is None:
        found["estimate"] = round(float(kept.score.mean()), 6)
        state = FAIL if closed else NOT_YET
        return found | _too_few(kept, threshold, prompts, protected) | {"state": state}
    return found | _decided(bounds, threshold, kept, prompts, closed)


def _too_few(votes: Votes, threshold: float, prompts: int, protected: bool) -> dict[str, Any]:
    """Why there is no interval: how many prompts and people are missing before there is one, and
    of judgements those that the plan would ask for."""
    least = MIN_CLUSTERS if protected else 2
    seen, people = len(np.unique(votes.prompt)), len(np.unique(votes.worker))
    prompts = max(prompts, seen)
    needs = {"prompts": max(0, least - seen), "people": max(0, least - people)}
    missing = max(1, _first(threshold) - len(votes), *needs.values())
    if protected and prompts < least:
        why = f"Only {prompts} prompts are asked here, and an interval that allows for looks "
        why += f"needs {least}. Close the study to take the ordinary interval, or add prompts."
        return _told(NOT_YET, "few_prompts", why) | {"needs": needs, "asked": prompts}
    if not any(needs.values()):
        why = "Every judgement says the same: one that differs gives the interval its width."
        return _told(NOT_YET, "no_width", why) | {"missing": missing}
    why = f"An interval needs {least} prompts and {least} people: {needs['prompts']} prompts and "
    why += f"{needs['people']} people are missing."
    why += " Close the study to take the ordinary interval." if protected else ""
    return _told(NOT_YET, "too_few", why) | {"missing": missing, "needs": needs}


def _told(state: str, code: str, reason: str) -> dict[str, str]:
    """``code`` is for a page that says it in its own language."""
    return {"state": state, "code": code, "reason": reason}


def _decided(
    b: Bounds, threshold: float, votes: Votes, prompts: int, closed: bool
) -> dict[str, Any]:
    said = {
        "estimate": round(b.estimate, 6),
        "low": round(max(0.0, b.low), 6),
        "high": round(min(1.0, b.high), 6),
        "method": b.method,
        "note": b.note,
    }
    shown = f"The interval {100 * max(0.0, b.low):.1f} % to {100 * min(1.0, b.high):.1f} %"
    line = f"{100 * threshold:g} %"
    if b.low > threshold:
        return said | _told(PASS, "above", f"{shown} lies above {line}.") | {"missing": 0}
    if b.high <= threshold:
        return said | _told(FAIL, "below", f"{shown} does not reach {line}.")
    said["missing"], same = _more(b, threshold, votes, prompts)
    if closed:
        why = f"{shown} holds {line}, and the study is closed: it was not shown."
        return said | _told(FAIL, "closed", why)
    if said["missing"] is None:
        why = f"{shown} holds {line}; at this estimate more judgements would not make it pass."
        return said | _told(NOT_YET, "hopeless", why)
    if not same:
        why = f"{shown} holds {line}; judging the same prompts again would not do: it takes others."
        return said | _told(NOT_YET, "prompts", why)
    return said | _told(NOT_YET, "holds", f"{shown} holds {line}.")


def _more(b: Bounds, threshold: float, votes: Votes, prompts: int) -> tuple[int | None, bool]:
    """Judgements until the lower bound leaves the threshold behind, if the estimate stays, and
    whether the study's own prompts are enough for it.

    By the variances of these votes: more judgements reach further prompts while there are some,
    then the same ones again, which what differs between prompts sets a floor to. Beyond it the
    number is that of judgements of ever new prompts: n·(half width/distance)² − n. None where the
    estimate lies under the threshold.
    """
    distance, half, n = b.estimate - threshold, b.estimate - b.low, len(votes)
    if distance <= 0:
        return None, False
    anew = max(1, ceil(n * ((half / distance) ** 2 - 1)))
    try:
        parts = components(votes.score, votes.prompt, votes.worker)
    except AnalysisError:
        return anew, True  # too few to tell what differs
    seen, people = len(np.unique(votes.prompt)), len(np.unique(votes.worker))
    most = max(prompts, seen)
    now = _variance(parts, 1, seen, people, n, most)

    def enough(total: int) -> bool:
        then = _variance(parts, total / n, seen, people, n, most)
        return bool(half * (then / now) ** 0.5 < distance)

    # Further prompts and people divide every part, so that nothing takes longer than that.
    high, low = n + 2 * anew, n
    if not enough(high):
        return anew, False
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high - n, True


def _variance(parts: Components, times: float, seen: int, people: int, n: int, most: int) -> float:
    """`power.variance` of the win rate with so many times the judgements, in real numbers."""
    prompts, workers = min(most, seen * times), people * times
    return parts.prompt / prompts + parts.worker / workers + parts.rest / (n * times)


def _first(threshold: float) -> int:
    """Judgements for a start, were the win rate 10 points above the threshold."""
    return votes_needed(0.5 + min(0.4, _HOPED - 0.5 + max(0.0, 0.5 - threshold)))


def _votes(inputs: Inputs, c: dict[str, Any]) -> Votes | None:
    """The condition's votes with its system as A; None where the study lacks what it names."""
    codes = {label: code for code, label in enumerate(inputs.labels)}
    asked = {a.key: a.pk for a in inputs.criteria}
    if c["system"] not in codes or c["baseline"] not in codes or c["criterion"] not in asked:
        return None
    pair = [codes[c["system"]], codes[c["baseline"]]]
    table = inputs.table
    mask = (table.ints("criterion") == asked[c["criterion"]]) & table.is_kind("real")
    mask &= np.isin(table.ints("system_a"), pair) & np.isin(table.ints("system_b"), pair)
    machines = [code for code, person in enumerate(inputs.people) if person.machine]
    mask &= ~np.isin(table.ints("worker"), [*inputs.excluded, *machines])
    if c["where"]:
        mask &= np.isin(table.ints("prompt"), _prompts(inputs, c["where"]))
    ties = _ties(inputs, pair, c["where"])
    rows = with_ties(table.select(mask), ties, inputs.ties_each)
    found = votes_of(rows, len(inputs.labels))
    # The system becomes code 0, and so stands as A in every row.
    a, b = (np.where(side == pair[0], 0, 1) for side in (found.system_a, found.system_b))
    return lower_first(replace(found, system_a=a, system_b=b, n_systems=2))


def _ties(inputs: Inputs, pair: list[int], where: dict[str, str]) -> Table:
    """The condition's part of the ties that nobody was asked about."""
    ties = inputs.ties
    if not len(ties):
        return ties
    mask = np.isin(ties.ints("system_a"), pair) & np.isin(ties.ints("system_b"), pair)
    if where:
        mask &= np.isin(ties.ints("prompt"), _prompts(inputs, where))
    return ties.select(mask)


def _prompts(inputs: Inputs, where: dict[str, str]) -> list[int]:
    at = {SLICES.index(name): value for name, value in where.items()}
    return [
        pk
        for pk, values in inputs.slices.items()
        if all(values[i] == value for i, value in at.items())
    ]


def _bounds(votes: Votes, c: dict[str, Any], protected: bool, prompts: int) -> Bounds | None:
    """The interval, or None where there are too few; a sequence is tuned to the plan, not to what
    was seen: ``prompts``, those that the condition may meet."""
    try:
        if not protected:
            i = two_way_interval(votes.score, votes.prompt, votes.worker, c["confidence"])
            return Bounds(i.estimate, i.low, i.high, i.method, i.note)
        look = two_way_sequence(
            votes.score, votes.prompt, votes.worker,
            planned=max(MIN_CLUSTERS, prompts), level=c["confidence"],
        )  # fmt: skip
        return Bounds(look.estimate, look.low, look.high, look.method, look.note)
    except AnalysisError:
        return None

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
from jeoul.analysis.power import votes_needed
from jeoul.analysis.sequential import two_way_sequence
from jeoul.analysis.winrates import lower_first
from jeoul.results.data import votes_of
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
                 "estimate": None, "low": None, "high": None, "missing": None}  # fmt: skip
    if votes is None:
        return found | {"state": NOT_YET, "reason": "The study does not have what this names."}
    # The rule's word "apart" takes ties out of the rate, which the analysis calls left out.
    ties: Ties = "left_out" if c["ties"] == "apart" else "half"
    kept = apply(votes, WinDefinition(ties=ties, both_bad=c["both_bad"], min_grade=c["min_grade"]))
    if not len(kept):
        reason = "No judgement yet."
        return found | {
            "state": FAIL if closed else NOT_YET, "reason": reason, "missing": _first(threshold),
        }  # fmt: skip
    bounds = _bounds(inputs, kept, c, protected)
    if isinstance(bounds, str):
        found["estimate"] = round(float(kept.score.mean()), 6)
        return found | {"state": NOT_YET, "reason": bounds, "missing": None}
    return found | _decided(bounds, threshold, len(kept), closed)


def _decided(b: Bounds, threshold: float, n: int, closed: bool) -> dict[str, Any]:
    said = {
        "estimate": round(b.estimate, 6),
        "low": round(max(0.0, b.low), 6),
        "high": round(min(1.0, b.high), 6),
        "method": b.method,
        "note": b.note,
    }
    shown = f"{100 * max(0.0, b.low):.1f} % to {100 * min(1.0, b.high):.1f} %"
    if b.low > threshold:
        reason = f"The interval {shown} lies above {100 * threshold:g} %."
        return said | {"state": PASS, "reason": reason, "missing": 0}
    if b.high <= threshold:
        reason = f"The interval {shown} does not reach {100 * threshold:g} %."
        return said | {"state": FAIL, "reason": reason}
    missing = _more(b, threshold, n)
    reason = f"The interval {shown} holds {100 * threshold:g} %"
    if closed:
        reason += ", and the study is closed: it was not shown."
        return said | {"state": FAIL, "reason": reason, "missing": missing}
    hope = "" if missing else "; at this estimate more judgements would not make it pass"
    return said | {"state": NOT_YET, "reason": f"{reason}{hope}.", "missing": missing}


def _more(b: Bounds, threshold: float, n: int) -> int | None:
    """Judgements until the lower bound leaves the threshold behind, if the estimate stays.

    A width falls with the root of the number: n·(half width/distance)² − n.
    """
    distance, half = b.estimate - threshold, b.estimate - b.low
    return ceil(n * ((half / distance) ** 2 - 1)) if distance > 0 else None


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
    found = votes_of(table.select(mask), len(inputs.labels))
    # The system becomes code 0, and so stands as A in every row.
    a, b = (np.where(side == pair[0], 0, 1) for side in (found.system_a, found.system_b))
    return lower_first(replace(found, system_a=a, system_b=b, n_systems=2))


def _prompts(inputs: Inputs, where: dict[str, str]) -> list[int]:
    at = {SLICES.index(name): value for name, value in where.items()}
    return [
        pk
        for pk, values in inputs.slices.items()
        if all(values[i] == value for i, value in at.items())
    ]


def _bounds(inputs: Inputs, votes: Votes, c: dict[str, Any], protected: bool) -> Bounds | str:
    """The interval, or why there is none."""
    try:
        if not protected:
            i = two_way_interval(votes.score, votes.prompt, votes.worker, c["confidence"])
            return Bounds(i.estimate, i.low, i.high, i.method, i.note)
        # Tuned to the plan, not to what was seen: the prompts that the condition may meet.
        planned = len(_prompts(inputs, c["where"])) if inputs.slices else 0
        look = two_way_sequence(
            votes.score, votes.prompt, votes.worker,
            planned=max(30, planned), level=c["confidence"],
        )  # fmt: skip
        return Bounds(look.estimate, look.low, look.high, look.method, look.note)
    except AnalysisError as error:
        return (
            f"{error} Close the study to take the ordinary interval." if protected else str(error)
        )

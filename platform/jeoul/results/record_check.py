"""Whether a record's inputs are its judgements: what the results are computed from, row by row.

The chain vouches for the judgements (`Record.chain`), and this for the numbers made of them, so
that nobody can change a result by changing the inputs and their digest.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from jeoul.results.data import KINDS
from jeoul.results.exports.rows import choice_of
from jeoul.results.inputs import Inputs
from jeoul.results.record import Record, unpacked

_SIDES: Final = {1: "a", -1: "b", 0: None}
# Seconds are kept in single precision.
_CLOSE: Final = 1e-4


class _Names:
    """One name per code, and one code per name: whatever else is said breaks it."""

    def __init__(self) -> None:
        self._names: dict[int, Any] = {}
        self._codes: dict[Any, int] = {}

    def holds(self, code: int, name: Any) -> bool:
        return (
            self._names.setdefault(code, name) == name
            and self._codes.setdefault(name, code) == code
        )


class _Rows:
    """The rows of the inputs, taken one by one as the judgements name them."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        table = inputs.table.columns
        self._columns = {name: column.tolist() for name, column in table.items()}
        keys = {a.pk: (a.key, a.scale) for a in inputs.criteria}
        asked = [keys[pk] for pk in self._columns["criterion"]]
        self._asked = asked
        self.left = {
            (row, key): at
            for at, (row, (key, _scale)) in enumerate(
                zip(self._columns["judgement"], asked, strict=True)
            )
        }
        self._prompts, self._comparisons = _Names(), _Names()

    def differs(self, row: int, told: dict[str, Any]) -> str:
        """What of an exported judgement the inputs do not say; empty where they agree."""
        at = self.left.pop((row, told["criterion"]))
        said = {name: column[at] for name, column in self._columns.items()}
        grade = None if np.isnan(said["grade"]) else int(said["grade"])
        labels, scale = self._inputs.labels, self._asked[at][1]
        kind = KINDS[said["kind"]]
        checks = {
            "choice": choice_of(said["outcome"], grade, scale) == told["choice"],
            "worker": self._inputs.people[said["worker"]].pseudonym == told["worker"],
            "system_a": labels[said["system_a"]] == told["system_a"],
            "system_b": labels[said["system_b"]] == told["system_b"],
            "left": _SIDES[said["left"]] == told["left"],
            # A repeat is a real comparison, asked again.
            "kind": told["kind"] == ("real" if kind == "repeat" else kind),
            "seconds": _same_time(said["seconds"], told),
            "prompt": self._prompts.holds(said["prompt"], told["prompt_id"]),
            "comparison": self._comparisons.holds(said["comparison"], told["comparison"]),
        }
        return ", ".join(name for name, right in checks.items() if not right)


def _same_time(seconds: float, told: dict[str, Any]) -> bool:
    wanted = told["seconds"] if told["visible_seconds"] is None else told["visible_seconds"]
    if wanted is None:
        return bool(np.isnan(seconds))
    return bool(abs(seconds - wanted) <= _CLOSE * max(1.0, abs(wanted)))


def unlike_inputs(record: Record, most: int = 10) -> list[str]:
    """Where the inputs are not the judgements of the record, in words; none where all agree."""
    found: list[str] = []
    for problem in _problems(record):
        found.append(problem)
        if len(found) == most:
            break
    return found


def _problems(record: Record) -> Iterator[str]:
    inputs = unpacked(record.read)
    rows = _Rows(inputs)
    missing: dict[str, int] = {}
    kept: set[str] = set()
    row, last = -1, ""
    for told in record.lines("data/history.jsonl"):
        if not told["in_force"]:
            continue
        if told["id"] != last:
            row, last = row + 1, told["id"]
        if (row, told["criterion"]) not in rows.left:
            missing[told["prompt_id"]] = missing.get(told["prompt_id"], 0) + 1
            continue
        kept.add(told["prompt_id"])
        differs = rows.differs(row, told)
        if differs:
            yield f"judgement {told['id']}: another {differs}"
    yield from _left_out(inputs, missing, kept)
    if rows.left:
        yield f"{len(rows.left)} answers that nobody gave"
    yield from _excluded(record, inputs)


def _left_out(inputs: Inputs, missing: dict[str, int], kept: set[str]) -> Iterator[str]:
    """Only whole prompts may be left out, and only where the study says that it does so."""
    if not missing:
        return
    if not inputs.study["contamination"]:
        yield f"{sum(missing.values())} answers are missing"
    for prompt in sorted(kept & set(missing)):
        yield f"some answers to prompt {prompt} are missing"


def _excluded(record: Record, inputs: Inputs) -> Iterator[str]:
    """Workers left out of the results are those whom the decisions leave out."""
    decided = {w["worker"] for w in record.lines("data/workers.jsonl") if w["excluded"]}
    known = {person.pseudonym for person in inputs.people}
    named = {inputs.people[code].pseudonym for code in inputs.excluded}
    if named != decided & known:
        yield f"left out: {json.dumps(sorted(named))} instead of {json.dumps(sorted(decided))}"

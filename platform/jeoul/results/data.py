"""Rows to arrays: the only bridge from the database to the analysis.

Judgements, answers and comparisons come apart, column by column, and are joined here: the ids of
one study are nearly dense, so that looking a million of them up costs little, where the database
would hash them first. Every id becomes a code from 0 up at once. What few rows have (a kind of its
own, a correction) comes by an index of these rows, which spares the others a column.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from jeoul.analysis.counts import Votes
from jeoul.quality.models import Exclusion
from jeoul.results.copying import Column, dense, ordered, read_columns
from jeoul.risk.models import HARM, Verdict, Violating
from jeoul.studies.models import Study

Ints = NDArray[Any]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A repeat is a real comparison asked again with its sides swapped: no vote of its own.
KINDS: Final = ("real", "gold", "training", "repeat")

_JUDGEMENTS: Final = {
    "id": ("i8", "id"),
    "comparison": ("i8", "comparison_id"),
    "worker": ("i8", "worker_id"),
    "left": ("i2", "CASE WHEN a_on_left THEN 1 WHEN NOT a_on_left THEN -1 ELSE 0 END"),
    "seconds": ("f4", "COALESCE(seconds, 'NaN')"),
}
_ANSWERS: Final = {
    "judgement": ("i8", "judgement_id"),
    "outcome": ("i2", "outcome"),
    "grade": ("f4", "COALESCE(grade, 'NaN'::real)"),
}
_COMPARISONS: Final = {
    "id": ("i8", "id"),
    "prompt": ("i8", "prompt_id"),
    "system_a": ("i8", "system_a_id"),
    "system_b": ("i8", "system_b_id"),
    "output_a": ("i8", "output_a_id"),
    "output_b": ("i8", "output_b_id"),
}
_ID: Final = {"id": ("i8", "id")}
_KNOWN: Final = _ID | {
    "kind": ("i2", "CASE kind WHEN 'gold' THEN 1 ELSE 2 END"),
    "gold_sign": ("f4", "COALESCE(gold_sign, 'NaN'::real)"),
}
_TIMES: Final = {"judgement": ("i8", "t.judgement_id"), "ms": ("i4", "t.visible_ms")}


TIE_COLUMNS: Final = ("prompt", "system_a", "system_b", "output_a", "output_b")


class _Some(Mapping[str, Column]):
    """The columns of a table at some rows, each cut out when somebody first asks for it."""

    def __init__(self, columns: Mapping[str, Column], rows: Ints) -> None:
        self._whole, self._rows = columns, rows
        self._cut: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        if name not in self._cut:
            self._cut[name] = self._whole[name][self._rows]
        return self._cut[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)


@dataclass(frozen=True)
class Table:
    """The judgements in force of one study, one row per criterion answered; all columns (n,)."""

    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def ints(self, name: str) -> Ints:
        return self.columns[name]

    def floats(self, name: str) -> Floats:
        """Missing values are nan."""
        return self.columns[name].astype(np.float64, copy=False)

    def select(self, mask: Bools) -> "Table":
        if bool(mask.all()):
            return self
        return Table(_Some(self.columns, np.flatnonzero(mask)))

    def is_kind(self, kind: str) -> Bools:
        return np.asarray(self.columns["kind"] == KINDS.index(kind), dtype=bool)


@dataclass(frozen=True)
class Names:
    """What the codes of a table stand for: row numbers in the database, by code."""

    comparisons: Ints
    prompts: Ints
    workers: Ints
    outputs: Ints
    systems: list[int]
    ties: Table


def read_study(study: Study) -> tuple[Table, Names]:
    """All judgements in force, real and gold, people's and machines'."""
    systems = list(study.entries.order_by("position").values_list("system_version_id", flat=True))
    # In this order: what an earlier reading names is there at the later one.
    judgements = _judgements(study)
    answers = _answers(study, judgements["id"])
    comparisons, tied = _comparisons(study)
    outputs, output = _coded(np.concatenate([comparisons["output_a"], comparisons["output_b"]]))
    prompts, prompt = _coded(comparisons["prompt"])
    workers, worker = _coded(judgements["worker"])
    half = len(comparisons["id"])
    where = places(comparisons["id"], judgements["comparison"])
    systems_at = np.array(systems, dtype=np.int64)
    order = np.argsort(systems_at)

    def system(name: str) -> Ints:
        at = np.searchsorted(systems_at[order], comparisons[name])
        return np.asarray(order[at], dtype=np.int32)

    of_comparison = {
        "kind": comparisons["kind"],
        "gold_sign": comparisons["gold_sign"],
        "prompt": prompt,
        "system_a": system("system_a"),
        "system_b": system("system_b"),
        "output_a": output[:half],
        "output_b": output[half:],
    }
    row = answers["row"]
    at = where[row]
    table = {
        "criterion": answers["criterion"],
        "judgement": row,
        "comparison": at,
        "worker": worker[row],
        "outcome": answers["outcome"].astype(np.int8),
        "grade": answers["grade"],
        "left": judgements["left"].astype(np.int8)[row],
        "seconds": judgements["seconds"][row],
    } | {name: column[at] for name, column in of_comparison.items()}
    again = table["kind"] == KINDS.index("real")
    again &= _repeated(study, judgements["id"])[row]
    table["kind"][again] = KINDS.index("repeat")
    ties = Table(
        {"comparison": tied.astype(np.int32)}
        | {name: of_comparison[name][tied] for name in TIE_COLUMNS}
    )
    return Table(table), Names(comparisons["id"], prompts, workers, outputs, systems, ties)


def _judgements(study: Study) -> dict[str, Column]:
    """By rising id, without those that a later one supersedes; browser time where it is known."""
    mine = "FROM comparisons_judgement WHERE study_id = %s"
    found = read_columns(mine, [study.pk], _JUDGEMENTS)
    found = ordered(found, found["id"])
    later = read_columns(
        f"{mine} AND supersedes_id IS NOT NULL", [study.pk], _ID | {"gone": ("i8", "supersedes_id")}
    )
    # A correction that came since the first reading takes nothing away yet.
    gone = later["gone"][places(found["id"], later["id"]) >= 0]
    if len(gone):
        stays = np.ones(len(found["id"]), dtype=bool)
        stays[places(found["id"], gone)] = False
        found = {name: column[stays] for name, column in found.items()}
    source = (
        "FROM comparisons_telemetry t JOIN comparisons_judgement j ON j.id = t.judgement_id "
        "WHERE j.study_id = %s AND t.visible_ms IS NOT NULL"
    )
    times = read_columns(source, [study.pk], _TIMES)
    at = places(found["id"], times["judgement"])
    known = at >= 0
    found["seconds"][at[known]] = times["ms"][known] / 1000
    return found


def _repeated(study: Study, judgements: Ints) -> Bools:
    """Which of the judgements answer a declared repeat; an index holds these few alone."""
    source = (
        "FROM comparisons_assignment s JOIN comparisons_judgement j ON j.assignment_id = s.id "
        "WHERE s.repeat > 0 AND j.study_id = %s"
    )
    found = read_columns(source, [study.pk], {"judgement": ("i8", "j.id")})
    at = places(judgements, found["judgement"])
    repeated = np.zeros(len(judgements), dtype=bool)
    repeated[at[at >= 0]] = True
    return repeated


def _answers(study: Study, judgements: Ints) -> dict[str, Column]:
    """The answers of these judgements, by judgement and criterion; ``row`` is the judgement's."""
    ids = sorted(study.criteria.values_list("pk", flat=True))
    columns = _ANSWERS if len(ids) == 1 else _ANSWERS | {"criterion": ("i8", "criterion_id")}
    found = read_columns("FROM comparisons_answer WHERE criterion_id = ANY(%s)", [ids], columns)
    found.setdefault("criterion", np.full(len(found["judgement"]), ids[0]))
    row = places(judgements, found["judgement"])
    found["row"] = row
    # What belongs to a superseded judgement is read with the others and falls out here.
    if not bool((row >= 0).all()):
        keep = np.flatnonzero(row >= 0)
        found = {name: column[keep] for name, column in found.items()}
    # PostgreSQL promises no order without a sort, and sums must not depend on it.
    if len(ids) == 1:
        return ordered(found, found["row"])
    place = np.searchsorted(ids, found["criterion"])
    return ordered(found, found["row"].astype(np.int64) * len(ids) + place)


def _comparisons(study: Study) -> tuple[dict[str, Column], Ints]:
    """By rising id; and the places of those that count as ties though nobody was asked, as both
    answers are the same."""
    mine = "FROM comparisons_comparison WHERE study_id = %s"
    found = read_columns(mine, [study.pk], _COMPARISONS)
    found = ordered(found, found["id"])
    n = len(found["id"])
    known = read_columns(f"{mine} AND NOT kind = 'real'", [study.pk], _KNOWN)
    at = places(found["id"], known["id"])
    for name, usual in (("kind", np.zeros(n, np.int8)), ("gold_sign", np.full(n, np.nan, "f4"))):
        usual[at[at >= 0]] = known[name][at >= 0]
        found[name] = usual
    ties = f"{mine} AND kind = 'real' AND standing = 'tie' AND judged = 0"
    return found, places(found["id"], np.sort(read_columns(ties, [study.pk], _ID)["id"]))


def places(ids: Ints, wanted: Ints) -> Ints:
    """Where each wanted id stands among the rising ``ids``, −1 where it is none of them."""
    if not len(ids) or not len(wanted):
        return np.full(len(wanted), -1, dtype=np.int32)
    low, high = int(ids[0]), int(ids[-1])
    if dense(low, high, len(ids)):
        place = np.full(high - low + 1, -1, dtype=np.int32)
        place[ids - low] = np.arange(len(ids), dtype=np.int32)
        inside = (wanted >= low) & (wanted <= high)
        if bool(inside.all()):
            return np.asarray(place[wanted - low])
        found = np.full(len(wanted), -1, dtype=np.int32)
        found[inside] = place[wanted[inside] - low]
        return found
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[at] == wanted, at, -1).astype(np.int32)


def _coded(values: Ints) -> tuple[Ints, Ints]:
    """Distinct values rising, and the code of each value."""
    if not len(values):
        return values, values.astype(np.int32)
    low, high = int(values.min()), int(values.max())
    if dense(low, high, len(values)):
        seen = np.zeros(high - low + 1, dtype=bool)
        seen[values - low] = True
        place = np.cumsum(seen, dtype=np.int32) - 1
        return np.flatnonzero(seen) + low, place[values - low]
    distinct, code = np.unique(values, return_inverse=True)
    return distinct, code.astype(np.int32)


def votes_of(table: Table, n_systems: int) -> Votes:
    """The rows of one criterion as votes, with the codes of the study."""
    return Votes(
        system_a=table.ints("system_a"),
        system_b=table.ints("system_b"),
        outcome=table.ints("outcome"),
        prompt=table.ints("prompt"),
        worker=table.ints("worker"),
        left=table.ints("left"),
        grade=table.floats("grade"),
        n_systems=n_systems,
    )


def only_systems(votes: Votes) -> tuple[Votes, list[int]]:
    """The votes with the codes of the systems that were judged, and which those are."""
    seen = np.zeros(votes.n_systems, dtype=bool)
    seen[votes.system_a] = seen[votes.system_b] = True
    if bool(seen.all()):
        return votes, list(range(votes.n_systems))
    code = (np.cumsum(seen) - 1).astype(np.int32)
    fewer = Votes(
        code[votes.system_a], code[votes.system_b], votes.outcome, votes.prompt, votes.worker,
        votes.left, votes.grade, int(seen.sum()),
    )  # fmt: skip
    return fewer, np.flatnonzero(seen).tolist()


def excluded_workers(study: Study) -> set[int]:
    """Workers that a decision in force leaves out."""
    return set(
        Exclusion.objects.filter(study=study, lifted_at=None).values_list("worker_id", flat=True)
    )


def violations(study: Study) -> set[int]:
    """Outputs that a person left out on review as harmful or as revealing data; of a pair those
    that the person named. A name given away or a text cut off is no violation."""
    harm = Q()
    for kind in HARM:
        harm |= Q(kinds__contains=kind)
    removed = study.review_items.filter(harm, verdict=Verdict.REMOVED).exclude(output=None)
    found = set()
    for first, second, said in removed.values_list("output_id", "other_id", "violating"):
        if second is None or said in {Violating.FIRST, Violating.BOTH}:
            found.add(first)
        if second is not None and said in {Violating.SECOND, Violating.BOTH}:
            found.add(second)
    return found

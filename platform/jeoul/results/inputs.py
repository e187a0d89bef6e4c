"""All that a result is computed from, as plain data.

The database fills it here and an evaluation record in ``jeoul.results.record``; ``compute`` reads
nothing else, which is what lets a third party compute every published number again.
"""

from dataclasses import dataclass
from typing import Any, Final

from jeoul.results.data import Table, excluded_workers, pseudonyms, read_table, reading_times
from jeoul.studies.models import Study

SLICES: Final = ("risk", "category", "language", "difficulty", "hazard")


@dataclass(frozen=True)
class Asked:
    """A criterion; ``pk`` is its code in the table."""

    pk: int
    key: str
    name: str
    scale: int
    is_overall: bool


@dataclass(frozen=True)
class Person:
    """A worker as results name them."""

    pseudonym: str
    vendor: str
    simulated: bool


@dataclass(frozen=True)
class Inputs:
    """One study, ready to be computed.

    ``slices``: the values of SLICES by prompt code, of the prompts in the study's version.
    ``reading``: seconds that reading an output takes, by output code. ``labels``: the systems by
    code, in the plan's order. ``excluded``: worker codes that a decision in force leaves out.
    """

    study: dict[str, Any]
    table: Table
    excluded: frozenset[int]
    labels: dict[int, str]
    criteria: list[Asked]
    slices: dict[int, tuple[str, ...]]
    people: dict[int, Person]
    reading: dict[int, float]


def read_inputs(study: Study) -> Inputs:
    """The inputs of what the database holds now."""
    table = read_table(study)
    entries = study.entries.select_related("system_version__system")
    version = study.prompt_set_version
    prompts = version.prompts.values_list("pk", *SLICES) if version else []
    workers = pseudonyms(sorted(set(table.ints("worker").tolist())))
    return Inputs(
        study=heading(study),
        table=table,
        excluded=frozenset(excluded_workers(study)),
        labels={e.system_version_id: e.system_version.label for e in entries},
        criteria=[
            Asked(c.pk, c.key, c.name, c.scale, c.is_overall) for c in study.criteria.all()
        ],
        slices={row[0]: tuple(row[1:]) for row in prompts},
        people={
            pk: Person(w.pseudonym, w.vendor.name, w.simulated) for pk, w in workers.items()
        },
        reading=reading_times(table),
    )  # fmt: skip


def heading(study: Study) -> dict[str, Any]:
    """What heads a study's results."""
    return {
        "id": str(study.uuid),
        "slug": study.slug,
        "title": study.title,
        "simulated": study.simulated,
        "imported": study.imported,
        "plan_hash": study.plan_hash,
    }

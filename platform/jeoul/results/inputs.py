"""All that a result is computed from, as plain data.

The database fills it here and an evaluation record in ``jeoul.results.record``; ``compute`` reads
nothing else, which is what lets a third party compute every published number again.
"""

from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Final

import numpy as np
from django.db.models import Q

from jeoul.comparisons.standing import standings
from jeoul.results.data import Bools, Floats, Ints, Table, excluded_workers, read_study, violations
from jeoul.results.features import read_features
from jeoul.results.progress import study_outputs
from jeoul.risk.contamination.actions import contamination_note, left_out_prompts
from jeoul.studies.models import OutputState, Study
from jeoul.workers.models import VendorKind, Worker

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
    """A worker as results name them; ``machine`` judges never count among people."""

    pseudonym: str
    vendor: str
    simulated: bool
    machine: bool = False


@dataclass(frozen=True)
class Inputs:
    """One study, ready to be computed. Every code counts from 0.

    ``slices``: the values of SLICES by prompt code, of the prompts in the study's version.
    ``features``: what is measured of each output's text by output code (jeoul.results.features),
    nan where a text is unknown. ``labels``: the systems by code, in the plan's order. ``people``:
    by worker code. ``excluded``: worker codes that a decision in force leaves out. ``baseline``: a
    system code. ``violating``: outputs that a person left out on review, ``refused``: those in
    which the system refused, both by output code. ``ties``: comparisons that count as ties without
    anybody asked, as ``ties_each`` judgements each (jeoul.results.automatic).
    """

    study: dict[str, Any]
    table: Table
    excluded: frozenset[int]
    labels: list[str]
    criteria: list[Asked]
    slices: dict[int, tuple[str, ...]]
    people: list[Person]
    features: Floats
    baseline: int
    violating: Bools
    refused: Bools
    ties: Table = field(default_factory=lambda: Table({}))
    ties_each: int = 0

    def slice_codes(self, at: int, prompts: int) -> tuple[list[str], Ints]:
        """Distinct values of one slice, and the place of each prompt's value, −1 for none."""
        codes = np.fromiter(self.slices, dtype=np.int64, count=len(self.slices))
        known = [values[at] for values in self.slices.values()]
        asked = codes < prompts
        if not bool(asked.all()):
            codes, known = codes[asked], list(compress(known, asked.tolist()))
        distinct = sorted(set(known) - {""})
        place = {v: i for i, v in enumerate(distinct)} | {"": -1}
        found = np.full(prompts, -1, dtype=np.int64)
        found[codes] = [place[v] for v in known]
        return distinct, found


def read_inputs(study: Study) -> Inputs:
    """The inputs of what the database holds now."""
    table, names = read_study(study)
    contaminated = left_out_prompts(study)
    if contaminated:
        table = table.select(~np.isin(names.prompts[table.ints("prompt")], list(contaminated)))
    entries = list(study.entries.select_related("system_version__system").order_by("position"))
    version = study.prompt_set_version
    prompts = version.prompts.values_list("pk", *SLICES) if version else []
    known = {row[0]: tuple(row[1:]) for row in prompts}
    out = excluded_workers(study)
    return Inputs(
        study=heading(study),
        table=table,
        excluded=frozenset(code for code, pk in enumerate(names.workers.tolist()) if pk in out),
        labels=[e.system_version.label for e in entries],
        criteria=[
            Asked(c.pk, c.key, c.name, c.scale, c.is_overall) for c in study.criteria.all()
        ],
        slices={
            code: known[pk] for code, pk in enumerate(names.prompts.tolist()) if pk in known
        },
        people=_people(names.workers),
        features=read_features(names.outputs),
        baseline=next((at for at, e in enumerate(entries) if e.is_baseline), 0),
        violating=_marked(names.outputs, violations(study)),
        refused=_marked(names.outputs, refusals(study)),
        ties=names.ties,
        ties_each=study.overlap,
    )  # fmt: skip


def _people(workers: Ints) -> list[Person]:
    """The workers by code; thousands of whole rows would take longer than their judgements."""
    rows = Worker.objects.filter(pk__in=workers.tolist()).values_list(
        "pk", "pseudonym", "vendor__name", "simulated", "vendor__kind"
    )
    known = {
        pk: Person(pseudonym, vendor, simulated, kind == VendorKind.MACHINE)
        for pk, pseudonym, vendor, simulated, kind in rows
    }
    return [known[pk] for pk in workers.tolist()]


def refusals(study: Study) -> set[int]:
    """Outputs in which the system refused, as the provider or a scan tells."""
    refused = study_outputs(study).filter(
        Q(state=OutputState.REFUSED) | Q(finish_reason="content_filter")
    )
    return set(refused.values_list("pk", flat=True))


def _marked(outputs: Ints, wanted: set[int]) -> Bools:
    found = np.isin(outputs, list(wanted)) if wanted else np.zeros(len(outputs), dtype=bool)
    return np.asarray(found, dtype=bool)


def heading(study: Study) -> dict[str, Any]:
    """What heads a study's results."""
    return {
        "id": str(study.uuid),
        "slug": study.slug,
        "title": study.title,
        "simulated": study.simulated,
        "imported": study.imported,
        "plan_hash": study.plan_hash,
        # Said with every result: what people were not asked, or does not count.
        "contamination": contamination_note(study),
        "not_asked": standings(study),
    }

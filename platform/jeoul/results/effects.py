"""What a decision would change, before anyone takes it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.core.cache import cache

from jeoul.analysis.tally import tally
from jeoul.analysis.winrates import tally_rates
from jeoul.results.automatic import with_ties
from jeoul.results.data import votes_of
from jeoul.results.fingerprints import fingerprint
from jeoul.results.inputs import read_inputs
from jeoul.results.sections.pairs import pair_row
from jeoul.results.sections.rankings import ranking_of
from jeoul.studies.models import Study
from jeoul.workers.models import Worker

# More than these take longer than a page may: a job reads them.
AT_ONCE: Final = 2000
_KEPT_SECONDS: Final = 3600
_LATELY_SECONDS: Final = 60


@dataclass(frozen=True)
class Effect:
    """Rows of (name, before, after), where after is None if nothing is left; how the ranking of
    before was made is told by ``fit``."""

    judgements: tuple[int, int]
    pairs: list[tuple[str, dict[str, Any], dict[str, Any] | None]]
    ranking: list[tuple[str, dict[str, Any], dict[str, Any] | None]]
    fit: dict[str, Any]

    @property
    def pairs_before(self) -> list[dict[str, Any]]:
        return [before for _name, before, _after in self.pairs]


def known_effect(study: Study, worker: Worker) -> Effect | None:
    """The effect on what is stored now: computed at once in a small study, else if a job has."""
    if study.judgements.order_by()[: AT_ONCE + 1].count() <= AT_ONCE:
        return effect_of_excluding(study, worker)
    # Where somebody judges at every second, each answer is of a second ago.
    found: Effect | None = cache.get(_key(study, worker)) or cache.get(_lately(study, worker))
    return found


def keep_effect(study: Study, worker: Worker) -> None:
    """Compute the effect for the pages that wait for it."""
    key, found = _key(study, worker), effect_of_excluding(study, worker)
    cache.set(key, found, _KEPT_SECONDS)
    cache.set(_lately(study, worker), found, _LATELY_SECONDS)


def _key(study: Study, worker: Worker) -> str:
    return f"effect:{fingerprint(study, {'without': str(worker.uuid)})}"


def _lately(study: Study, worker: Worker) -> str:
    return f"effect-lately:{study.uuid}:{worker.uuid}"


def effect_of_excluding(study: Study, worker: Worker) -> Effect:
    """The overall criterion with and without this worker, other exclusions in force."""
    inputs = read_inputs(study)
    overall = next(c for c in inputs.criteria if c.is_overall)
    table = inputs.table
    machine = [code for code, p in enumerate(inputs.people) if p.machine]
    me = [code for code, p in enumerate(inputs.people) if p.pseudonym == worker.pseudonym]
    mine = (table.ints("criterion") == overall.pk) & table.is_kind("real")
    others = inputs.excluded - set(me)
    before = table.select(mine & ~np.isin(table.ints("worker"), [*others, *machine]))
    after = before.select(~np.isin(before.ints("worker"), me))
    names = inputs.labels

    def looked(rows: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        if not len(rows):
            return {}, {}, {}
        counted = tally(votes_of(with_ties(rows, inputs.ties, inputs.ties_each), len(names)))
        pairs = [pair_row(p, names) for p in tally_rates(counted)]
        ranked = ranking_of(counted, names)
        return (
            {f"{p['system_a']} – {p['system_b']}": p for p in pairs},
            {s["system"]: s for s in ranked["ranking"]},
            ranked["fit"],
        )

    pairs, ranking, fit = looked(before)
    pairs_after, ranking_after, _fit = looked(after)
    return Effect(
        judgements=(len(before), len(after)),
        pairs=[(name, row, pairs_after.get(name)) for name, row in pairs.items()],
        ranking=[(name, row, ranking_after.get(name)) for name, row in ranking.items()],
        fit=fit,
    )

"""What a pilot says about the plan: the variances of its judgements, in place of assumed ones."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from jeoul.analysis.counts import Votes, WinDefinition, apply
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.power import Components, components
from jeoul.lately import lately
from jeoul.results.data import excluded_workers, read_study, votes_of
from jeoul.studies.models import Study
from jeoul.workers.models import VendorKind, Worker

# Variances of less than this many judgements are hardly better than a guess.
FEWEST: Final = 30
_KEPT_SECONDS: Final = 60


@dataclass(frozen=True)
class Pilot:
    """Variances of a pair's scores, the mean of all pairs by their judgements."""

    study: str
    judgements: int
    variances: Components


def pilot_of(study: Study) -> Pilot | None:
    """From the people's judgements on the overall criterion; None where they are too few.

    Kept for a minute: the overview asks again and again while people judge.
    """
    return lately(f"pilot:{study.pk}", lambda: _read(study), seconds=_KEPT_SECONDS)


def _read(study: Study) -> Pilot | None:
    overall = study.criteria.filter(is_overall=True).first()
    if overall is None:
        return None
    table, names = read_study(study)
    machines = Worker.objects.filter(enrolments__study=study, vendor__kind=VendorKind.MACHINE)
    out = excluded_workers(study) | set(machines.values_list("pk", flat=True))
    mask = table.is_kind("real") & (table.ints("criterion") == overall.pk)
    mask &= ~np.isin(names.workers[table.ints("worker")], list(out))
    votes = apply(votes_of(table.select(mask), len(names.systems)), WinDefinition())
    return _pooled(study.title, votes)


def _pooled(title: str, votes: Votes) -> Pilot | None:
    """Each pair has a win rate of its own, which is no variance: so pair by pair."""
    pair = np.minimum(votes.system_a, votes.system_b) * votes.n_systems + np.maximum(
        votes.system_a, votes.system_b
    )
    found: list[tuple[int, Components]] = []
    for one in np.unique(pair):
        rows = pair == one
        # Who stands as A is no matter of the pair's: turned, the scores are one distribution.
        turned = votes.system_a[rows] > votes.system_b[rows]
        score = np.where(turned, 1 - votes.score[rows], votes.score[rows])
        try:
            parts = components(score, votes.prompt[rows], votes.worker[rows])
        except AnalysisError:
            continue
        found.append((int(rows.sum()), parts))
    n = sum(rows for rows, _parts in found)
    if n < FEWEST:
        return None

    def mean(name: str) -> float:
        values: list[Any] = [rows * getattr(parts, name) for rows, parts in found]
        return float(sum(values) / n)

    return Pilot(title, n, Components(mean("prompt"), mean("worker"), mean("rest")))

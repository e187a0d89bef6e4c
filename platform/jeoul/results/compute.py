"""From a study's rows to the results that every page, file and program reads."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from jeoul import __version__
from jeoul.analysis.counts import Votes
from jeoul.analysis.intervals import share_by_worker, sign_test
from jeoul.analysis.tally import Tally
from jeoul.quality import rules
from jeoul.results.automatic import count_pairs, with_ties
from jeoul.results.data import Table, votes_of
from jeoul.results.facts import shown_choice, worker_facts
from jeoul.results.features import STYLE, style_of
from jeoul.results.inputs import Asked, Inputs, read_inputs
from jeoul.results.sections import agreements, pairs, rankings, weighing
from jeoul.results.sections.crowd import WORKER_INTERVALS, crowd_of, with_reliability
from jeoul.results.sections.hazards import hazards_of
from jeoul.results.sections.machines import machines_of
from jeoul.results.sections.numbers import number
from jeoul.results.sections.slices import MOST_STYLED, slices_of
from jeoul.studies.models import Study
from jeoul.workers.models import Worker

# numpy leaves the interpreter to others while it counts, so that parts which do not need each
# other's results pass side by side; more at once would take the memory of more.
SIDE_BY_SIDE: Final = 2


def analysis_settings() -> dict[str, object]:
    """What was decided before looking; part of every result."""
    return {
        "level": 0.95,
        "ties": "half",
        "both_bad": "tie",
        "win_definitions": {
            key: f"ties {d.ties}, both bad {d.both_bad}, weakest preference {d.min_grade:g}"
            for key, d in pairs.DEFINITIONS.items()
        },
        "interval": "two-way clustered by prompt and worker, Student t",
        "ranking": "Bradley-Terry, ties as half a win, two-way clustered covariance",
        "agreement": agreements.METHOD,
        "ridge_if_disconnected": rankings.RIDGE,
        "seed": rankings.SEED,
        "models_on_at_most": rankings.MOST_ROWS,
        "style_per_slice_on_at_most": MOST_STYLED,
        "alpha_of_judges_on_at_most": agreements.MOST_JUDGED,
        "weighed_on_at_most": weighing.MOST_LABELS,
        "mace_on_at_most": weighing.MOST_MACE,
        "style": list(STYLE),
        "worker_intervals": WORKER_INTERVALS,
        "flag_rules": rules.VERSION,
        "code_version": __version__,
    }


def compute(study: Study) -> tuple[dict[str, Any], list[rules.Finding]]:
    """The results of a study now, and what the screening rules found, by workers' row numbers."""
    inputs = read_inputs(study)
    results, found = compute_from(inputs)
    flagged = {inputs.people[f.worker].pseudonym for f in found}
    rows = Worker.objects.filter(pseudonym__in=flagged).values_list("pseudonym", "pk")
    pks = dict(rows)
    return results, [replace(f, worker=pks[inputs.people[f.worker].pseudonym]) for f in found]


def compute_from(inputs: Inputs) -> tuple[dict[str, Any], list[rules.Finding]]:
    """The results of these inputs alone; nothing else is read, so a record gives the same."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return _computed(inputs, pool)


def _computed(inputs: Inputs, pool: Executor) -> tuple[dict[str, Any], list[rules.Finding]]:
    everyone = _people_only(inputs)
    out = inputs.excluded
    kept = everyone
    if out:
        kept = everyone.select(~np.isin(everyone.ints("worker"), list(out)))
    overall = next(c for c in inputs.criteria if c.is_overall)
    mine = everyone.select(everyone.ints("criterion") == overall.pk)
    # Counted once: the pairs, the ranking, every slice and the risks are read from it.
    asked = _asked(overall, kept, inputs)
    real = asked.rows
    # The longest first, so that none of them is left alone at the end.
    slices = pool.submit(slices_of, asked.tally, asked.votes, asked.style_at(inputs), inputs)
    crowd = pool.submit(_crowd, mine, real, inputs)
    criteria = [
        _criterion(c, asked if c is overall else _asked(c, kept, inputs), inputs, pool)
        for c in inputs.criteria
    ]
    hazards = pool.submit(hazards_of, kept, asked.tally, inputs)
    position = pool.submit(_position, real)
    weighed, workers, found = crowd.result()
    seconds = _seconds(mine)
    return {
        "study": inputs.study,
        "data": _data(everyone, kept, inputs.table),
        # Counted in every win rate and ranking below; ``votes`` is what they stand for there.
        "automatic_ties": {
            "comparisons": len(inputs.ties),
            "votes": len(inputs.ties) * inputs.ties_each if len(real) else 0,
        },
        "criteria": [criterion() for criterion in criteria],
        # Beside the results proper, so that the effect of every exclusion can be seen.
        "with_excluded": [_short(c, _asked(c, everyone, inputs), inputs) for c in inputs.criteria]
        if out
        else None,
        "slices": slices.result(),
        "position": position.result(),
        "hazards": hazards.result(),
        "weighing": weighed,
        "machines": _machines(inputs, real, overall),
        "workers": workers,
        "judgements": _count(everyone),
        "excluded_judgements": _count(everyone) - _count(kept),
        "median_seconds": seconds and seconds["median"],
        "seconds": seconds,
        "settings": analysis_settings(),
    }, found


def _people_only(inputs: Inputs) -> Table:
    """The table without machine judges, who are read apart."""
    machine = np.array([p.machine for p in inputs.people], dtype=bool)
    if not bool(machine.any()):
        return inputs.table
    return inputs.table.select(~machine[inputs.table.ints("worker")])


def _rows(table: Table, criterion: Asked) -> Table:
    """The real comparisons' answers to one criterion."""
    return table.select((table.ints("criterion") == criterion.pk) & table.is_kind("real"))


def _count(table: Table) -> int:
    """Judgements, whatever the number of criteria; the rows come in their order."""
    ids = table.ints("judgement")
    return int((ids[1:] != ids[:-1]).sum()) + 1 if len(ids) else 0


def _data(everyone: Table, kept: Table, all_rows: Table) -> dict[str, Any]:
    real = kept.select(kept.is_kind("real"))
    return {
        "judgements": _count(real),
        "comparisons": _distinct(real, "comparison"),
        "prompts": _distinct(real, "prompt"),
        "workers": _distinct(real, "worker"),
        "gold_judgements": _count(kept.select(kept.is_kind("gold"))),
        "machine_judgements": _count(all_rows) - _count(everyone),
    }


def _distinct(table: Table, name: str) -> int:
    return int((np.bincount(table.ints(name)) > 0).sum()) if len(table) else 0


def _seconds(rows: Table) -> dict[str, Any] | None:
    """How long judgements took: a description of these, no estimate for others."""
    seconds = rows.floats("seconds")
    seconds = seconds[np.isfinite(seconds)]
    if not len(seconds):
        return None
    low, median, high = (number(q) for q in np.quantile(seconds, (0.25, 0.5, 0.75)))
    return {"n": len(seconds), "median": median, "lower_quartile": low, "upper_quartile": high}


@dataclass(frozen=True)
class Answers:
    """One criterion's answers: the judges' ``rows``, and with them the ties that count without
    asking as ``counted``, as ``votes`` and as their ``tally``."""

    rows: Table
    counted: Table
    votes: Votes
    tally: Tally

    def style_at(self, inputs: Inputs) -> rankings.StyleAt:
        """The style of the answers that some of the votes are about."""
        return lambda rows: style_of(inputs.features, self.counted, rows)


def _asked(criterion: Asked, table: Table, inputs: Inputs) -> Answers:
    rows = _rows(table, criterion)
    counted = with_ties(rows, inputs.ties, inputs.ties_each)
    votes = votes_of(counted, len(inputs.labels))
    return Answers(rows, counted, votes, pairs.counted(votes, criterion.scale))


def _short(criterion: Asked, asked: Answers, inputs: Inputs) -> dict[str, Any]:
    """A criterion's pairs and ranking, for reading beside the results proper."""
    base: dict[str, Any] = {
        "key": criterion.key,
        "name": criterion.name,
        "scale": criterion.scale,
        "is_overall": criterion.is_overall,
        "judgements": len(asked.rows),
    }
    if not len(asked.rows):
        return base | {"pairs": [], "ranking": [], "fit": {}}
    automatic = count_pairs(inputs.ties, inputs.ties_each)
    return base | {
        "pairs": pairs.pairs_of(asked.tally, asked.votes, inputs.labels, automatic),
        **rankings.ranking_of(asked.tally, inputs.labels),
    }


def _criterion(
    criterion: Asked, asked: Answers, inputs: Inputs, pool: Executor
) -> Callable[[], dict[str, Any]]:
    """Everything that is known of one criterion, begun now and waited for when it is asked for."""
    short = pool.submit(_short, criterion, asked, inputs)
    if not len(asked.rows):
        return lambda: short.result() | {"agreement": None, "grades": {}, "models": {}}
    judges = [p.pseudonym for p in inputs.people]
    models = pool.submit(
        rankings.models_of, asked.votes, inputs.labels, asked.style_at(inputs), STYLE
    )
    agreement = pool.submit(agreements.agreement_of, asked.rows, criterion.scale, judges)
    return lambda: (
        short.result()
        | {
            "models": models.result(),
            "agreement": agreement.result(),
            "grades": _grades(asked.rows),
        }
    )


def _crowd(
    mine: Table, real: Table, inputs: Inputs
) -> tuple[dict[str, Any], list[dict[str, Any]], list[rules.Finding]]:
    """The weighed results, a row for each worker, and what the rules found of them."""
    weighed, reliability = weighing.weighing_of(real, inputs.labels)
    facts = with_reliability(worker_facts(mine, inputs.features[:, 0]), reliability)
    found = rules.findings(facts)
    return weighed, crowd_of(facts, inputs.people, found, inputs.excluded, reliability), found


def _grades(rows: Table) -> dict[str, int]:
    grade = rows.floats("grade")
    values, counts = np.unique(grade[np.isfinite(grade)].astype(np.int8), return_counts=True)
    return {str(v): int(n) for v, n in zip(values.tolist(), counts.tolist(), strict=True)}


def _position(rows: Table) -> dict[str, Any] | None:
    """How often the answer shown left was chosen, ties apart."""
    shown, worker = shown_choice(rows), rows.ints("worker")
    lefts, rights = np.bincount(worker[shown.left]), np.bincount(worker[shown.right])
    size = max(len(lefts), len(rights))
    lefts, rights = (np.pad(each, (0, size - len(each))) for each in (lefts, rights))
    left, right = int(lefts.sum()), int(rights.sum())
    if not left + right:
        return None
    # Sides are drawn anew for each showing: what judgements share is the habit of their worker.
    share = share_by_worker(lefts, lefts + rights)
    return {
        "left": left,
        "right": right,
        "left_share": number(share.estimate),
        "low": number(share.low),
        "high": number(share.high),
        "n": left + right,
        "sign_test_p": number(sign_test(left, right)),
        "method": share.method,
        "note": share.note,
    }


def _machines(inputs: Inputs, people: Table, overall: Asked) -> list[dict[str, Any]]:
    judges = {code: p.pseudonym for code, p in enumerate(inputs.people) if p.machine}
    if not judges:
        return []
    mine = np.isin(inputs.table.ints("worker"), list(judges))
    return machines_of(people, _rows(inputs.table.select(mine), overall), judges, inputs.labels)

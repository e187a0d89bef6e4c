"""From a study's table of judgements to the results that every page, file and program reads."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jeoul import __version__
from jeoul.analysis import bradley_terry
from jeoul.analysis.agreement import Metric, krippendorff_alpha, value_counts
from jeoul.analysis.counts import BOTH_BAD, TIE, Votes
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.intervals import clopper_pearson, sign_test, wilson
from jeoul.analysis.winrates import PairRate, pair_rates
from jeoul.quality import rules
from jeoul.results.data import Ints, Table, votes_of
from jeoul.results.facts import shown_choice, worker_facts
from jeoul.results.inputs import SLICES, Asked, Inputs, read_inputs
from jeoul.studies.models import Study

# Under this many judgements a slice says nothing that an interval could carry.
MIN_SLICE = 10
# Without a strongly connected graph the maximum lies at infinity; half a pseudo-tie per
# played pair (declared on the result) keeps it finite.
RIDGE = 0.5


def analysis_settings() -> dict[str, object]:
    """What was decided before looking; part of every result."""
    return {
        "level": 0.95,
        "ties": "half",
        "both_bad": "tie",
        "interval": "two-way clustered by prompt and worker, Student t",
        "ranking": "Bradley-Terry, ties as half a win, two-way clustered covariance",
        "agreement": "Krippendorff's alpha, jackknife over units",
        "ridge_if_disconnected": RIDGE,
        "flag_rules": rules.VERSION,
        "code_version": __version__,
    }


def compute(study: Study) -> tuple[dict[str, Any], list[rules.Finding]]:
    """The results of a study now, and what the screening rules found."""
    return compute_from(read_inputs(study))


def compute_from(inputs: Inputs) -> tuple[dict[str, Any], list[rules.Finding]]:
    """The results of these inputs alone; nothing else is read, so a record gives the same."""
    table, labels, out = inputs.table, inputs.labels, inputs.excluded
    kept = table.select(~np.isin(table.ints("worker"), list(out))) if out else table
    overall = next(c for c in inputs.criteria if c.is_overall)
    mine = table.select(table.ints("criterion") == overall.pk)
    mine_kept = kept.select(kept.ints("criterion") == overall.pk)
    facts = worker_facts(mine, inputs.reading)
    found = rules.findings(facts)
    seconds = mine.floats("seconds")
    seconds = seconds[np.isfinite(seconds)]
    judgements = len(np.unique(table.ints("judgement")))
    return {
        "study": inputs.study,
        "criteria": [_criterion(c, kept, labels) for c in inputs.criteria],
        # Beside the results proper, so that the effect of every exclusion can be seen.
        "with_excluded": [_criterion(c, table, labels) for c in inputs.criteria] if out else None,
        "slices": _slices(inputs.slices, mine_kept, labels),
        "position": _position(mine_kept),
        "workers": _workers(facts, found, inputs),
        "judgements": judgements,
        "excluded_judgements": judgements - len(np.unique(kept.ints("judgement"))),
        "median_seconds": _number(np.median(seconds)) if len(seconds) else None,
        "settings": analysis_settings(),
    }, found


def _number(value: float | np.floating[Any]) -> float | None:
    """A float that JSON knows, without digits that no method carries."""
    return round(float(value), 10) if np.isfinite(value) else None


def _criterion(criterion: Asked, table: Table, labels: dict[int, str]) -> dict[str, Any]:
    rows = table.select((table.ints("criterion") == criterion.pk) & table.is_kind("real"))
    base: dict[str, Any] = {
        "key": criterion.key,
        "name": criterion.name,
        "scale": criterion.scale,
        "is_overall": criterion.is_overall,
        "judgements": len(rows),
    }
    if not len(rows):
        return base | {"pairs": [], "ranking": [], "fit": {}, "agreement": None, "grades": {}}
    # A system without a judgement has no place in a ranking; it would only disconnect it.
    seen = set(rows.ints("system_a").tolist()) | set(rows.ints("system_b").tolist())
    judged = {pk: label for pk, label in labels.items() if pk in seen}
    votes, _ = votes_of(rows, list(judged))
    names = list(judged.values())
    return base | {
        "pairs": [_pair(p, names) for p in pair_rates(votes)],
        **_ranking(votes, names),
        "agreement": _agreement(rows, criterion),
        "grades": _grades(rows),
    }


def _pair(pair: PairRate, names: list[str]) -> dict[str, Any]:
    return {
        "system_a": names[pair.system_a],
        "system_b": names[pair.system_b],
        "wins_a": pair.wins_a,
        "wins_b": pair.wins_b,
        "ties": pair.ties,
        "both_bad": pair.both_bad,
        "n": pair.n,
        "win_rate_a": _number(pair.win_rate_a),
        "low": _number(pair.low),
        "high": _number(pair.high),
        "method": pair.method,
        "note": pair.note,
        "sign_test_p": _number(pair.sign_test_p),
    }


def _ranking(votes: Votes, names: list[str]) -> dict[str, Any]:
    """The systems in order, and how the model was fitted or why it could not be."""
    try:
        ranking = bradley_terry.fit(votes)
    except AnalysisError as error:
        try:
            ranking = bradley_terry.fit(votes, ridge=RIDGE)
        except AnalysisError:
            return {"ranking": [], "fit": {"error": _with_names(error, names)}}
    return {
        "fit": {"method": ranking.method, "note": ranking.note},
        "ranking": [
            {
                "system": names[s.system],
                **{k: _number(v) if isinstance(v, float) else v for k, v in asdict(s).items()
                   if k != "system"},
            }
            for s in ranking.systems
        ],
    }  # fmt: skip


def _with_names(error: AnalysisError, names: list[str]) -> str:
    groups = getattr(error, "components", None)
    if not groups:
        return str(error)
    named = "; ".join(", ".join(names[int(s)] for s in group) for group in groups)
    return f"The systems fall into groups that were never linked by wins both ways: {named}."


def _agreement(rows: Table, criterion: Asked) -> dict[str, Any]:
    """Alpha over comparisons with two judges or more; ordinal without both-bad answers."""
    _, unit = np.unique(rows.ints("comparison"), return_inverse=True)
    outcome = rows.ints("outcome")
    grade = rows.floats("grade")
    if criterion.scale in {5, 7}:
        top = criterion.scale // 2
        nominal = ordinal = (np.nan_to_num(grade).astype(np.int64) + top, criterion.scale)
        keep = np.isfinite(grade)
    else:
        nominal = (outcome, 4)
        # In order of preference: A, tie, B.
        ordinal = (np.select([outcome == TIE, outcome == 1], [1, 2], default=0), 3)
        keep = outcome != BOTH_BAD
    result: dict[str, Any] = {}
    metrics: tuple[tuple[Metric, tuple[Ints, int], NDArray[np.bool_]], ...] = (
        ("nominal", nominal, np.ones(len(rows), dtype=bool)),
        ("ordinal", ordinal, keep),
    )
    for metric, (value, size), mask in metrics:
        try:
            counts = value_counts(unit[mask], value[mask], size)
            alpha = krippendorff_alpha(counts, metric=metric)
        except AnalysisError as error:
            result[metric] = {"alpha": None, "low": None, "high": None, "note": str(error)}
            continue
        result[metric] = {
            "alpha": _number(alpha.alpha),
            "low": _number(alpha.low),
            "high": _number(alpha.high),
            "units": alpha.units,
            "judgements": alpha.judgements,
        }
    known = result["nominal"]
    return result | {
        "units": known.get("units", 0),
        "judgements": known.get("judgements", 0),
        "method": "Krippendorff's alpha, jackknife over units",
    }


def _grades(rows: Table) -> dict[str, int]:
    grade = rows.floats("grade")
    values, counts = np.unique(grade[np.isfinite(grade)].astype(np.int64), return_counts=True)
    return {str(v): int(n) for v, n in zip(values, counts, strict=True)}


def _slices(
    slices: dict[int, tuple[str, ...]], rows: Table, labels: dict[int, str]
) -> list[dict[str, Any]]:
    """The overall criterion's pairs for each value of each slice that has enough judgements."""
    if not slices or not len(rows):
        return []
    rows = rows.select(rows.is_kind("real"))
    here = rows.ints("prompt").tolist()
    found = []
    for at, name in enumerate(SLICES):
        values = np.array([slices[p][at] if p in slices else "" for p in here], dtype=object)
        distinct = sorted({v for v in values.tolist() if v})
        if len(distinct) < 2 and name != "risk":
            continue
        for value in distinct:
            part = rows.select(np.asarray(values == value, dtype=bool))
            if len(part) < MIN_SLICE:
                continue
            votes, _ = votes_of(part, list(labels))
            found.append(
                {
                    "slice": name,
                    "value": value,
                    "n": len(part),
                    "pairs": [_pair(p, list(labels.values())) for p in pair_rates(votes)],
                }
            )
    return found


def _position(rows: Table) -> dict[str, Any] | None:
    """How often the answer shown left was chosen, ties apart."""
    shown = shown_choice(rows.select(rows.is_kind("real")))
    left, right = int(shown.left.sum()), int(shown.right.sum())
    if not left + right:
        return None
    low, high = wilson(left, left + right)
    return {
        "left": left,
        "right": right,
        "left_share": _number(left / (left + right)),
        "low": _number(low),
        "high": _number(high),
        "sign_test_p": _number(sign_test(left, right)),
        "method": "Wilson, judgements taken as independent",
    }


def _workers(
    facts: list[rules.WorkerFacts], found: list[rules.Finding], inputs: Inputs
) -> list[dict[str, Any]]:
    flags: dict[int, list[dict[str, str]]] = {}
    for signal in found:
        flags.setdefault(signal.worker, []).append(
            {"rule": signal.rule, "evidence": signal.evidence}
        )
    rows = []
    for f in facts:
        worker = inputs.people[f.worker]
        sided = f.left + f.right
        gold = clopper_pearson(f.gold_right, f.gold_n) if f.gold_n else (float("nan"),) * 2
        agree = (
            wilson(round(f.agreement * f.agreement_n), f.agreement_n)
            if f.agreement is not None and f.agreement_n
            else (float("nan"),) * 2
        )
        rows.append(
            {
                "worker": worker.pseudonym,
                "vendor": worker.vendor,
                "simulated": worker.simulated,
                "n": f.n,
                "median_seconds": f.median_seconds and _number(f.median_seconds),
                "reading_share": f.reading_share and _number(f.reading_share),
                "agreement": f.agreement if f.agreement is None else _number(f.agreement),
                "agreement_low": _number(agree[0]),
                "agreement_high": _number(agree[1]),
                "agreement_n": f.agreement_n,
                "gold_n": f.gold_n,
                "gold_right": f.gold_right,
                "gold_low": _number(gold[0]),
                "gold_high": _number(gold[1]),
                "left_share": _number(f.left / sided) if sided else None,
                "ties": f.ties,
                "excluded": f.worker in inputs.excluded,
                "flags": flags.get(f.worker, []),
            }
        )
    return sorted(rows, key=lambda r: (-r["n"], r["worker"]))

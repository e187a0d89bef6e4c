"""The ranking, the models beside it, and how well the model fits what was seen."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, TypeAlias

import numpy as np

from jeoul.analysis import bradley_terry
from jeoul.analysis.bradley_terry import Ranking, elo, expected_win_rates, fit_tally
from jeoul.analysis.bradley_terry_extended import ExtendedRanking, fit_extended
from jeoul.analysis.counts import Votes
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.ranks import Difference
from jeoul.analysis.rao_kupper import fit_rao_kupper
from jeoul.analysis.tally import Tally
from jeoul.results.data import Floats, Ints, only_systems
from jeoul.results.sections.numbers import attempt, number, reason

# The features of A less those of B at some rows (all for None), (n, m), nan where unknown.
StyleAt: TypeAlias = Callable[[Ints | None], Floats | None]
# Without a strongly connected graph the maximum lies at infinity; half a pseudo-tie per
# played pair (declared on the result) keeps it finite.
RIDGE: Final = 0.5
SEED: Final = 0
Z95: Final = 1.959963984540054
# Differences of all pairs are written out up to this many systems; beyond, nobody reads them.
MOST_DIFFERENCES: Final = 30
# Models with effects need a pass over all rows for each step. Above this many judgements they
# are fitted on all judgements of a seeded sample of prompts, and say so.
MOST_ROWS: Final = 100_000


def ranking_of(counted: Tally, names: list[str]) -> dict[str, Any]:
    """The systems in order as `ranking`, how the model was fitted (or why not) as `fit`."""
    judged, kept = counted.compacted()
    names = [names[s] for s in kept]
    try:
        ranking = fit_tally(judged, seed=SEED)
    except AnalysisError:
        try:
            ranking = fit_tally(judged, ridge=RIDGE, seed=SEED)
        except AnalysisError as error:
            return {"ranking": [], "fit": {"error": reason(error, names)}}
    fit: dict[str, Any] = {
        "method": ranking.method,
        "note": ranking.note,
        "n": ranking.n,
        "iterations": ranking.iterations,
        "fit_p": number(ranking.fit_p),
        "log_likelihood": number(ranking.log_likelihood),
        "degrees_of_freedom": number(ranking.freedom),
        "level": ranking.level,
    }
    return {"ranking": _systems(ranking, names), "fit": fit} | _comparisons(ranking, names)


def _systems(ranking: Ranking | ExtendedRanking, names: list[str]) -> list[dict[str, Any]]:
    points = elo(ranking.scores)
    rows = []
    for system in ranking.systems:
        row = {k: number(v) if isinstance(v, float) else v for k, v in asdict(system).items()}
        rows.append(row | {"system": names[system.system], "elo": number(points[system.system])})
    return rows


def _comparisons(ranking: Ranking, names: list[str]) -> dict[str, Any]:
    """Differences with their own intervals, and the matrix expected beside the one seen."""
    if len(names) > MOST_DIFFERENCES:
        return {"differences": [], "matrix": []}
    games = ranking.wins + ranking.wins.T
    expected = expected_win_rates(ranking.scores)
    matrix = [
        {
            "row": names[i],
            "column": names[j],
            "n": number(games[i, j]),
            "seen": number(ranking.wins[i, j] / games[i, j]) if games[i, j] else None,
            "expected": number(expected[i, j]),
        }
        for i in range(len(names))
        for j in range(len(names))
        if i != j
    ]
    gaps = [_difference(d, names) for d in ranking.differences()]
    return {"differences": gaps, "matrix": matrix}


def _difference(d: Difference, names: list[str]) -> dict[str, Any]:
    return {
        "first": names[d.first],
        "second": names[d.second],
        "estimate": number(d.estimate),
        "low": number(d.low),
        "high": number(d.high),
        "p": number(d.p),
    }


def models_of(
    votes: Votes,
    names: list[str],
    style_at: StyleAt,
    labels: tuple[str, ...],
) -> dict[str, Any]:
    """Davidson's ties, the side shown, and the style of the texts: each beside the plain scores.

    ``style_at`` gives the features of A less those of B at some rows (all for None), (n, m), nan
    where a text is missing.
    """
    rows = sampled_prompts(votes)
    part, style = votes if rows is None else votes.select(rows), style_at(rows)
    part, kept = only_systems(part)
    names = [names[s] for s in kept]
    found = {
        "davidson": attempt(lambda: _model(fit_extended(part, ties="davidson", seed=SEED), names),
                            names),
        "rao_kupper": attempt(lambda: _rao_kupper(part, names), names),
        "position": _position(part, names),
        "style": style_model(part, names, style, labels),
        "judgements": len(part),
    }  # fmt: skip
    if rows is not None:
        found["note"] = (
            f"Fitted on all {len(part):,} judgements of a seeded sample of prompts, "
            f"of {len(votes):,} in all."
        )
    return found


def _rao_kupper(part: Votes, names: list[str]) -> dict[str, Any]:
    model = fit_rao_kupper(part)
    order = np.argsort(-model.scores, kind="stable").tolist()
    return {
        "method": model.method,
        "n": model.n,
        "iterations": model.iterations,
        "kappa": number(model.kappa),
        "kappa_error": number(model.kappa_error),
        "ranking": [
            {
                "rank": rank,
                "system": names[s],
                "score": number(model.scores[s]),
                "low": number(model.scores[s] - Z95 * model.error[s]),
                "high": number(model.scores[s] + Z95 * model.error[s]),
            }
            for rank, s in enumerate(order, 1)
        ],
    }


def sampled_prompts(votes: Votes, most: int = MOST_ROWS) -> Ints | None:
    """Rows of a seeded sample of prompts with about ``most`` judgements; None if all fit."""
    if len(votes) <= most:
        return None
    chosen = drawn_prompts(int(votes.prompt.max()) + 1) < most / len(votes)
    return np.flatnonzero(chosen[votes.prompt])


def drawn_prompts(prompts: int) -> Floats:
    """What the seed draws for each prompt; those under a share are a sample of that share."""
    return np.random.default_rng(SEED).random(prompts)


def _position(votes: Votes, names: list[str]) -> dict[str, Any]:
    """Only judgements whose sides are known can tell of the side."""
    known = votes.left != 0
    if not bool(known.any()):
        return {"error": "No judgement knows which answer was on the left."}
    part, kept = only_systems(votes.select(np.flatnonzero(known)))
    names = [names[s] for s in kept]
    return attempt(lambda: _model(fit_extended(part, position=True, seed=SEED), names), names)


def style_model(
    votes: Votes, names: list[str], style: Floats | None, labels: tuple[str, ...]
) -> dict[str, Any]:
    """Raw and adjusted scores on the same judgements: those whose texts are both known."""
    if style is None:
        return {"error": "No text of these answers is known."}
    known = np.isfinite(style).all(axis=1)
    if not bool(known.any()):
        return {"error": "No text of these answers is known."}
    rows = np.flatnonzero(known)
    part, kept = only_systems(votes.select(rows))
    names = [names[s] for s in kept]
    x = style[rows]
    # A feature that no text has, or that never differs, would make the model undecidable.
    varies = np.flatnonzero((x != 0).any(axis=0))
    if not len(varies):
        return {"error": "All texts are alike in length and markdown."}

    def make() -> dict[str, Any]:
        raw = bradley_terry.fit(part, seed=SEED)
        adjusted = fit_extended(
            part, covariates=x[:, varies], names=tuple(labels[v] for v in varies), seed=SEED
        )
        return _model(adjusted, names) | {
            "raw": _systems(raw, names),
            "unit": "each feature divided by its root mean square over the judgements",
        }

    return attempt(make, names)


def _model(model: ExtendedRanking, names: list[str]) -> dict[str, Any]:
    return {
        "method": model.method,
        "note": model.note,
        "n": model.n,
        "iterations": model.iterations,
        "deviance": number(model.deviance),
        "nu": number(model.nu),
        "effects": [
            {k: number(v) if isinstance(v, float) else v for k, v in asdict(effect).items()}
            for effect in model.effects
        ],
        "ranking": _systems(model, names),
    }

"""One ranking per slice of the prompts, each on the systems that the slice has judged."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jeoul.analysis.bradley_terry import Ranking, fit
from jeoul.analysis.counts import Ints, Votes
from jeoul.analysis.errors import AnalysisError, BrokenVotes, Disconnected


@dataclass(frozen=True)
class SliceRanking:
    """The ranking of one slice, or why there is none.

    `systems`: code in the whole study of each code in `ranking`; systems without a judgement
    in the slice are not in it. `apart`: the groups (codes of the whole) that no wins link.
    """

    slice: int
    n: int
    systems: tuple[int, ...]
    ranking: Ranking | None
    refusal: str = ""
    apart: tuple[tuple[int, ...], ...] = ()


def fit_slices(votes: Votes, slices: Ints, **settings: Any) -> list[SliceRanking]:
    """bradley_terry.fit for the votes of each slice code (n,), by rising code.

    A slice that cannot be ranked says so in `refusal`: the others still stand. `settings` go to
    every fit. Raises BrokenVotes where a vote has no slice code.
    """
    codes = np.asarray(slices)
    if codes.shape != (len(votes),) or codes.dtype.kind not in "iu":
        raise BrokenVotes("Every vote needs the integer code of its slice.")
    return [_one(votes.select(codes == s), int(s), settings) for s in np.unique(codes)]


def _one(part: Votes, code: int, settings: dict[str, Any]) -> SliceRanking:
    systems = np.unique(np.concatenate([part.system_a, part.system_b]))
    own = Votes(
        np.searchsorted(systems, part.system_a),
        np.searchsorted(systems, part.system_b),
        part.outcome,
        part.prompt,
        part.worker,
        part.left,
        part.grade,
        len(systems),
    )
    names = tuple(systems.tolist())
    try:
        return SliceRanking(code, len(part), names, fit(own, **settings))
    except Disconnected as refused:
        apart = tuple(tuple(names[s] for s in group) for group in refused.components)
        said = str(Disconnected(apart))
        return SliceRanking(code, len(part), names, None, said, apart)
    except AnalysisError as refused:
        return SliceRanking(code, len(part), names, None, str(refused))

"""Win rates from few human and many machine verdicts (prediction-powered inference)."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from jeoul.analysis.counts import Floats, Ints, compact, sums
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import check_level


@dataclass(frozen=True)
class PoweredEstimate:
    """The combined estimate with its interval, the human-only one, and what it saved.

    `weight` is λ; `effective` the human judgements that would be as precise alone.
    """

    estimate: float
    low: float
    high: float
    error: float
    human: float
    human_error: float
    machine: float
    weight: float
    effective: float
    n_human: int
    n_machine: int
    method: str


def powered_mean(
    human: Floats,
    machine_on_human: Floats,
    machine: Floats,
    prompt: Ints,
    prompt_machine: Ints,
    *,
    level: float = 0.95,
) -> PoweredEstimate:
    """θ̂ = mean(y) − λ·(mean(f on the human-judged) − mean(f on the others)) (PPI++).

    Angelopoulos, Duchi & Zrnic (2023), with variance clustered by prompt on both sides and
    λ = C/(C_ff + V_ff) the minimiser of it, held to [0, 1]: at λ = 0 this is the human mean, so
    it is never wider beyond the noise of λ. y, f on the human-judged and prompt: (n,); f and
    prompt of judgements without a human: (N,). A prompt may be on both sides; what it shares is
    allowed for. Student's t with (human prompts − 1) degrees of freedom.
    Raises NoVotes, BrokenVotes, TooFew under two prompts on either side.
    """
    y, f, g = (np.asarray(v, dtype=np.float64) for v in (human, machine_on_human, machine))
    if not len(y) or not len(g):
        raise NoVotes("Both human-judged and machine-only comparisons are needed.")
    if y.shape != f.shape or y.shape != np.shape(prompt) or g.shape != np.shape(prompt_machine):
        raise BrokenVotes("Each judgement needs its prompt, and each human one its machine one.")
    here, there = compact(np.asarray(prompt))[1], compact(np.asarray(prompt_machine))[1]
    if min(here, there) < 2:
        raise TooFew("The variance over prompts needs two prompts on either side.")
    u_y, u_f = _influence(y, f, g, np.asarray(prompt), np.asarray(prompt_machine), here, there)
    v_y, v_f, c = float(u_y @ u_y), float(u_f @ u_f), float(u_y @ u_f)
    weight = min(1.0, max(0.0, c / v_f)) if v_f > 0 else 0.0
    estimate = float(y.mean() - weight * (f.mean() - g.mean()))
    variance = v_y - 2 * weight * c + weight**2 * v_f
    if variance <= 0:
        raise TooFew("Every judgement is the same: the estimate has no error.")
    half = float(stats.t.ppf(0.5 + check_level(level) / 2, here - 1)) * variance**0.5
    return PoweredEstimate(
        estimate=estimate,
        low=max(0.0, estimate - half),
        high=min(1.0, estimate + half),
        error=variance**0.5,
        human=float(y.mean()),
        human_error=v_y**0.5,
        machine=float(np.concatenate([f, g]).mean()),
        weight=weight,
        effective=len(y) * v_y / variance,
        n_human=len(y),
        n_machine=len(g),
        method="PPI++, clustered by prompt, Student t",
    )


def _influence(
    y: Floats, f: Floats, g: Floats, here: Ints, there: Ints, n_here: int, n_there: int
) -> tuple[Floats, Floats]:
    """Influence of each prompt on mean(y), and on mean(f) − mean(g); (prompts of both,) each."""
    code, size = compact(np.concatenate([here, there]))
    ours, theirs = code[: len(y)], code[len(y) :]
    near, far = (n_here / (n_here - 1)) ** 0.5, (n_there / (n_there - 1)) ** 0.5
    u_y = sums(ours, y - y.mean(), size) / len(y) * near
    u_f = sums(ours, f - f.mean(), size) / len(y) * near
    return u_y, u_f - sums(theirs, g - g.mean(), size) / len(g) * far

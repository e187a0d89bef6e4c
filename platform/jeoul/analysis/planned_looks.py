"""Looks that are planned: narrower than a sequence, valid at the declared looks and no others."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import fft, optimize, special

from jeoul.analysis.counts import Floats, Ints
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import check_level, grouped_moments
from jeoul.analysis.sequential import Look

# Points of the grid on which the chance of having crossed is followed from look to look.
_GRID: Final = 2_048
_REACH: Final = 7.0


@dataclass(frozen=True)
class Plan:
    """Looks at these shares of the planned judgements; `critical` (L,) in standard errors."""

    shares: tuple[float, ...]
    critical: tuple[float, ...]
    level: float
    shape: float
    method: str = "group-sequential, Wang-Tsiatis boundary, repeated confidence interval"


def plan_looks(shares: tuple[float, ...], *, level: float = 0.95, shape: float = 0.25) -> Plan:
    """Critical values c_l = C·t_l^(shape − ½) with P(some |Z_l| > c_l) = 1 − level.

    t_l: rising shares of the planned information, the last 1; Z is a standard Brownian motion
    over √t at the looks (Wang & Tsiatis 1987; shape ½ is Pocock's, 0 O'Brien & Fleming's).
    C by recursive integration on a grid (Armitage, McPherson & Rowe 1969). Raises BrokenVotes.
    """
    times = np.asarray(shares, dtype=np.float64)
    rising = times.ndim == 1 and len(times) > 0 and bool((np.diff(times, prepend=0.0) > 0).all())
    if not rising or abs(float(times[-1]) - 1) > 1e-9:
        raise BrokenVotes("Looks are rising shares of the plan, the last of them 1.")
    if not 0 <= shape <= 0.5:
        raise BrokenVotes(f"A shape lies between 0 and ½, not {shape}.")
    constant = _constant(tuple(times.tolist()), check_level(level), shape)
    critical = constant * times ** (shape - 0.5)
    return Plan(tuple(times.tolist()), tuple(critical.tolist()), level, shape)


@lru_cache(maxsize=64)
def _constant(times: tuple[float, ...], level: float, shape: float) -> float:
    alone = float(special.ndtri(0.5 + level / 2))
    t = np.array(times)

    def excess(constant: float) -> float:
        return crossing(t, constant * t ** (shape - 0.5)) - (1 - level)

    if len(times) == 1:
        return alone
    return float(optimize.brentq(excess, alone, alone + 4.0, xtol=1e-5))


def crossing(times: Floats, critical: Floats) -> float:
    """P(|W(t_l)| > c_l √t_l at some look) of a Brownian motion W, (L,) each."""
    step = 2 * _REACH / _GRID
    x = (np.arange(_GRID) - _GRID // 2) * step
    density, before = np.zeros(_GRID), 0.0
    density[_GRID // 2] = 1 / step
    frequency = 2 * np.pi * fft.rfftfreq(2 * _GRID, step)
    for now, c in zip(times.tolist(), critical.tolist(), strict=True):
        spread = np.exp(-(frequency**2) * (now - before) / 2)
        wide = np.concatenate([density, np.zeros(_GRID)])
        density = fft.irfft(fft.rfft(wide) * spread, 2 * _GRID)[:_GRID]
        # Cells that the bound cuts count by the part inside: without it C would jump with x.
        inside = np.clip((c * now**0.5 - np.abs(x)) / step + 0.5, 0.0, 1.0)
        density, before = density * inside, now
    return 1 - float(density.sum()) * step


def planned_look(scores: Floats, prompt: Ints, worker: Ints, plan: Plan, look: int) -> Look:
    """The repeated confidence interval (Jennison & Turnbull 1989) of a win rate at one look.

    On the logit scale with the two-way clustered variance; the critical value is carried over
    to Student's t with that variance's degrees of freedom. Holds for all looks of the plan
    together, when look l comes at its share of the judgements; a study that goes on after its
    last look has no such promise. scores in [0, 1], (n,). Raises NoVotes, BrokenVotes; TooFew
    under two prompts or workers, or where all was won or lost.
    """
    if not 0 <= look < len(plan.critical):
        raise BrokenVotes(f"The plan has looks 0..{len(plan.critical) - 1}, not {look}.")
    x = np.asarray(scores, dtype=np.float64)
    if not len(x):
        raise NoVotes("No judgement yet.")
    if not x.shape == np.shape(prompt) == np.shape(worker) or not bool(((x >= 0) & (x <= 1)).all()):
        raise BrokenVotes("Each score in [0, 1] needs its prompt and its worker.")
    m = grouped_moments(x, np.asarray(prompt), np.asarray(worker), np.zeros(len(x), int), 1)
    w, variance = float(m.mean[0]), float(m.variance[0])
    if min(int(m.prompts[0]), int(m.workers[0])) < 2 or not variance > 0 or not 0 < w < 1:
        raise TooFew("Two prompts and workers, and wins and losses, are needed for a look.")
    tail = special.ndtr(-plan.critical[look])
    t = -float(special.stdtrit(m.freedom[0], tail))
    centre, half = np.log(w / (1 - w)), t * variance**0.5 / (w * (1 - w))
    low, high = special.expit([centre - half, centre + half]).tolist()
    return Look(w, low, high, plan.level, len(x), plan.method)

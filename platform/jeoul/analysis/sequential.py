"""Intervals that stay valid however often one looks."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, special

from jeoul.analysis.counts import Floats, Ints, compact, sums
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import check_level

# Below this many clusters the asymptotic sequence promises nothing.
MIN_CLUSTERS: Final = 30


@dataclass(frozen=True)
class Look:
    """The interval at one look; `level` holds for all looks together."""

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str
    note: str = ""

    def decides(self, against: float = 0.5) -> bool:
        """Whether the sequence has left `against` behind, so that one may stop."""
        return not self.low <= against <= self.high


def beta_binomial(wins: int, losses: int, *, prior: float = 20.0, level: float = 0.95) -> Look:
    """Confidence sequence of a probability from independent decided judgements.

    Mixture martingale M(p) = B(a + k, a + n − k)/B(a, a) / (p^k (1−p)^{n−k}) under p, with a
    symmetric Beta(prior, prior) mixture; the sequence is {p : M(p) < 1/α}, and by Ville's
    inequality misses p at any look with probability at most α. A larger prior is narrower
    around ½ and for large n. Ties are to be left out. Raises NoVotes, BrokenVotes.
    """
    alpha = 1 - check_level(level)
    n = wins + losses
    if min(wins, losses) < 0 or prior <= 0:
        raise BrokenVotes("Counts are not negative and the prior is positive.")
    if not n:
        raise NoVotes("No decided judgement yet.")
    mixture = float(special.betaln(prior + wins, prior + losses) - special.betaln(prior, prior))
    bound = mixture + np.log(alpha)

    # In logits, so that bounds next to 0 and 1 keep their digits.
    def gap(x: float) -> float:
        return float(-wins * np.logaddexp(0, -x) - losses * np.logaddexp(0, x) - bound)

    peak = wins / n
    top = np.log(wins / losses) if wins and losses else 0.0
    low, high = 0.0, 1.0
    if wins:
        start = top if losses else 800.0
        low = float(special.expit(optimize.brentq(gap, -800.0, start, xtol=1e-12)))
    if losses:
        start = top if wins else -800.0
        high = float(special.expit(optimize.brentq(gap, start, 800.0, xtol=1e-12)))
    method = f"beta-binomial mixture, prior Beta({prior:g}, {prior:g})"
    return Look(peak, low, high, level, n, method)


def asymptotic(values: Floats, cluster: Ints, *, planned: int = 500, level: float = 0.95) -> Look:
    """Asymptotic confidence sequence of a mean from clustered judgements.

    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), theorem 2.2, on the G cluster means
    weighted by size: x̄ ± √V_1 · √((2(Gρ² + 1)/(G²ρ²)) · log(√(Gρ² + 1)/α)), ρ chosen so that
    the sequence is narrowest at `planned` clusters. V_1 is the variance of one cluster's
    influence (n_g/n̄)(x̄_g − x̄). Valid at every look once G is large. Values (n,), clusters (n,).
    Raises NoVotes; TooFew under MIN_CLUSTERS clusters or without variation.
    """
    alpha = 1 - check_level(level)
    x = np.asarray(values, dtype=np.float64)
    if not len(x):
        raise NoVotes("No judgement yet.")
    code, g = compact(np.asarray(cluster))
    if g < MIN_CLUSTERS:
        raise TooFew(f"{g} clusters: the asymptotic sequence needs {MIN_CLUSTERS}.")
    mean = float(x.mean())
    influence = sums(code, x - mean, g) * (g / len(x))
    spread = float((influence @ influence) / (g - 1))
    if spread <= 0:
        raise TooFew("Every judgement is the same: the sequence has no width.")
    half = spread**0.5 * boundary(g, planned, alpha)
    return Look(mean, mean - half, mean + half, level, len(x),
                "asymptotic confidence sequence on cluster means")  # fmt: skip


def tuned_rho(planned: int, alpha: float) -> float:
    """ρ for which the boundary is narrowest at `planned` clusters (their appendix B.2)."""
    if planned < 2:
        raise BrokenVotes("Plan at least two clusters.")
    w = special.lambertw(-(alpha**2) * np.exp(-1), -1).real
    return float(np.sqrt((-w - 1) / planned))


def boundary(g: int, planned: int, alpha: float) -> float:
    """Half width of the sequence at g clusters, in standard deviations of one cluster."""
    rho2 = tuned_rho(planned, alpha) ** 2
    t = g * rho2 + 1
    return float(np.sqrt(2 * t / (g**2 * rho2) * np.log(np.sqrt(t) / alpha)))


def two_way_sequence(
    scores: Floats, prompt: Ints, worker: Ints, *, planned: int = 500, level: float = 0.95
) -> Look:
    """The wider of the asymptotic sequences by prompt and by worker, each at level 1 − α/2.

    For judgements that share prompts and workers; both must have MIN_CLUSTERS clusters.
    """
    half = (1 + check_level(level)) / 2
    looks = [asymptotic(scores, c, planned=planned, level=half) for c in (prompt, worker)]
    wide = max(looks, key=lambda look: look.high - look.low)
    method = "asymptotic confidence sequence, the wider of prompts and workers"
    return Look(wide.estimate, wide.low, wide.high, level, wide.n, method)


def paired_difference(
    first: Floats, second: Floats, prompt: Ints, *, planned: int = 500, level: float = 0.95
) -> Look:
    """Confidence sequence of the mean of first − second on the same rows, clustered by prompt."""
    if np.shape(first) != np.shape(second):
        raise BrokenVotes("A paired difference needs a second score for each first.")
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    return asymptotic(gap, prompt, planned=planned, level=level)

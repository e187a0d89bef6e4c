"""Intervals that stay valid however often one looks."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from jeoul.analysis.counts import Floats, Ints, compact, sums
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import ClusteredMoments, check_level, grouped_moments

# Below this many clusters the asymptotic sequence promises nothing.
MIN_CLUSTERS: Final = 30
# Logits beyond which a probability is 0 or 1 to every digit, and a count next to none.
_FAR: Final = 800.0
_NONE: Final = 1e-300


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


def tuned_prior(planned: int, level: float = 0.95) -> float:
    """The prior with which `beta_binomial` is narrowest around ½ at `planned` judgements.

    Its normal limit is the mixture of `tuned_rho`: n/(2a + 1) = nρ². 20 is that of about 340.
    """
    rho2 = tuned_rho(planned, 1 - check_level(level)) ** 2
    return max(0.5, (1 / rho2 - 1) / 2)


def beta_binomial(wins: int, losses: int, *, prior: float = 20.0, level: float = 0.95) -> Look:
    """Confidence sequence of a probability from independent decided judgements.

    Mixture martingale M(p) = B(a + k, a + n − k)/B(a, a) / (p^k (1−p)^{n−k}) under p, with a
    symmetric Beta(prior, prior) mixture; the sequence is {p : M(p) < 1/α}, and by Ville's
    inequality misses p at any look with probability at most α. A larger prior is narrower
    around ½ and for large n (tuned_prior). Ties are to be left out. Raises NoVotes, BrokenVotes.
    """
    n = wins + losses
    if not n:
        raise NoVotes("No decided judgement yet.")
    low, high = beta_binomial_bounds(np.array([wins]), np.array([losses]), prior=prior, level=level)
    method = f"beta-binomial mixture, prior Beta({prior:g}, {prior:g})"
    return Look(wins / n, float(low[0]), float(high[0]), level, n, method)


def beta_binomial_bounds(
    wins: Ints, losses: Ints, *, prior: float = 20.0, level: float = 0.95
) -> tuple[Floats, Floats]:
    """The bounds of beta_binomial for many pairs at once, (m,) each; 0 and 1 without a judgement.

    Raises BrokenVotes for counts that are negative or no whole numbers, or a prior that is not
    positive.
    """
    alpha = 1 - check_level(level)
    k, m = (np.asarray(x, dtype=np.float64) for x in (wins, losses))
    whole = k.shape == m.shape and bool(((k == np.floor(k)) & (m == np.floor(m))).all())
    if not whole or bool((k < 0).any() or (m < 0).any()) or not prior > 0:
        raise BrokenVotes("Counts are whole and not negative, and the prior is positive.")
    bound = special.betaln(prior + k, prior + m) - special.betaln(prior, prior) + np.log(alpha)
    # Where one side has nothing the peak lies at the end of the line.
    peak = np.log(np.maximum(k, _NONE)) - np.log(np.maximum(m, _NONE))
    low = special.expit(_crossing(k, m, bound, np.full(k.shape, -_FAR), peak))
    high = special.expit(_crossing(k, m, bound, np.full(k.shape, _FAR), peak))
    return np.where(k > 0, low, 0.0), np.where(m > 0, high, 1.0)


def _crossing(k: Floats, m: Floats, bound: Floats, outer: Floats, inner: Floats) -> Floats:
    """Where the log likelihood of a logit falls to `bound`, between `outer` and the peak.

    By bisection in logits, so that bounds next to 0 and 1 keep their digits.
    """
    for _ in range(56):
        middle = (outer + inner) / 2
        above = -k * np.logaddexp(0, -middle) - m * np.logaddexp(0, middle) > bound
        outer, inner = np.where(above, outer, middle), np.where(above, middle, inner)
    return np.asarray((outer + inner) / 2, dtype=np.float64)


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
    if x.shape != np.shape(cluster) or not bool(np.isfinite(x).all()):
        raise BrokenVotes("Each finite value needs its cluster.")
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
    """Asymptotic confidence sequence of a mean from judgements that share prompts and workers.

    x̄ ± √V · √G · boundary(G) with V the two-way clustered variance (Cameron, Gelbach & Miller
    2011) and the G prompts as the clock: the boundary of `asymptotic`, narrowest at `planned`
    prompts, in standard errors of the mean. The part of the error that a fixed pool of workers
    makes does not shrink with more prompts; it is within V at every look. Both clusterings need
    MIN_CLUSTERS clusters. Raises as `asymptotic`.
    """
    x = np.asarray(scores, dtype=np.float64)
    if not len(x):
        raise NoVotes("No judgement yet.")
    if not x.shape == np.shape(prompt) == np.shape(worker) or not bool(np.isfinite(x).all()):
        raise BrokenVotes("Each finite score needs its prompt and its worker.")
    group = np.zeros(len(x), dtype=np.int64)
    m = grouped_moments(x, np.asarray(prompt), np.asarray(worker), group, 1)
    return sequence_of(m, 0, planned=planned, level=level)


def sequence_of(m: ClusteredMoments, at: int, *, planned: int = 500, level: float = 0.95) -> Look:
    """two_way_sequence of one group whose moments are known."""
    alpha = 1 - check_level(level)
    g, workers = int(m.prompts[at]), int(m.workers[at])
    if min(g, workers) < MIN_CLUSTERS:
        raise TooFew(f"{g} prompts, {workers} workers: the sequence needs {MIN_CLUSTERS} of each.")
    variance, mean = float(m.variance[at]), float(m.mean[at])
    if variance <= 0:
        raise TooFew("Every judgement is the same: the sequence has no width.")
    half = (variance * g) ** 0.5 * boundary(g, planned, alpha)
    method = "asymptotic confidence sequence, two-way clustered"
    return Look(mean, mean - half, mean + half, level, int(m.n[at]), method)


def paired_difference(
    first: Floats, second: Floats, prompt: Ints, *, planned: int = 500, level: float = 0.95
) -> Look:
    """Confidence sequence of the mean of first − second on the same rows, clustered by prompt."""
    if np.shape(first) != np.shape(second):
        raise BrokenVotes("A paired difference needs a second score for each first.")
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    return asymptotic(gap, prompt, planned=planned, level=level)


def rate_difference_sequence(
    first: tuple[Floats, Ints],
    second: tuple[Floats, Ints],
    *,
    planned: int = 500,
    level: float = 0.95,
) -> Look:
    """Confidence sequence of the difference of two pairs' win rates, clustered by prompt.

    Each side is (scores, prompt). The influences of both sides are summed per prompt, so what
    a hard prompt does to both cancels (as intervals' rate_difference); boundary as `asymptotic`
    on the prompts of either side. Raises NoVotes, BrokenVotes, TooFew.
    """
    sides = [(np.asarray(s, dtype=np.float64), np.asarray(p)) for s, p in (first, second)]
    if not all(len(s) for s, _ in sides):
        raise NoVotes("A difference needs judgements on both sides.")
    if any(s.shape != p.shape for s, p in sides):
        raise BrokenVotes("Each score needs its prompt.")
    n = sum(len(s) for s, _ in sides)
    signs = (1.0, -1.0)
    parts = [sign * (s - s.mean()) * n / len(s) for sign, (s, _) in zip(signs, sides, strict=True)]
    centred = asymptotic(
        np.concatenate(parts), np.concatenate([p for _, p in sides]), planned=planned, level=level
    )
    gap, half = float(sides[0][0].mean() - sides[1][0].mean()), (centred.high - centred.low) / 2
    return Look(gap, gap - half, gap + half, level, n, centred.method)

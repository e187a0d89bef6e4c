"""How many prompts, judges and judgements a study needs, from stated or piloted variances."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from jeoul.analysis.counts import Floats, Ints, compact, sums
from jeoul.analysis.errors import BrokenVotes, NoVotes, TooFew
from jeoul.analysis.intervals import check_level

# Beyond this many judgements nothing is planned.
_CEILING: Final = 100_000_000


@dataclass(frozen=True)
class Components:
    """Variances of a score in [0, 1]: between prompts, between workers, and the rest."""

    prompt: float
    worker: float
    rest: float

    def __post_init__(self) -> None:
        if not (self.prompt >= 0 and self.worker >= 0 and self.rest > 0):
            raise BrokenVotes("Variances are not negative, and the rest is positive.")


@dataclass(frozen=True)
class Design:
    """`prompts` with `per_prompt` judgements each, spread over `workers`."""

    prompts: int
    per_prompt: int
    workers: int

    def __post_init__(self) -> None:
        if min(self.prompts, self.per_prompt, self.workers) < 1:
            raise BrokenVotes("A design has at least one prompt, judgement and worker.")
        if self.per_prompt > self.workers:
            raise BrokenVotes("A prompt cannot be judged by more workers than there are.")

    @property
    def judgements(self) -> int:
        """prompts × per_prompt."""
        return self.prompts * self.per_prompt


@dataclass(frozen=True)
class Plan:
    """The cheapest design found, its judgements, cost, expected half width and power."""

    design: Design
    judgements: int
    cost: float
    half_width: float


def components(scores: Floats, prompt: Ints, worker: Ints) -> Components:
    """Variance components of a pilot by moments (Henderson's method 1 without interactions).

    From the sums of squares between prompts, between workers and in total, with their expected
    values under s = μ + prompt + worker + rest; negative estimates become 0. Inputs (n,).
    Raises NoVotes, TooFew under two prompts, two workers, or without repeated judgements.
    """
    x = np.asarray(scores, dtype=np.float64)
    if not len(x):
        raise NoVotes("A pilot without judgements tells nothing.")
    p, n_p = compact(np.asarray(prompt))
    w, n_w = compact(np.asarray(worker))
    if n_p < 2 or n_w < 2 or len(x) <= n_p + n_w - 1:
        raise TooFew("A pilot needs two prompts, two workers, and repeated judgements of both.")
    n = len(x)
    per_p, per_w = np.bincount(p), np.bincount(w)
    cells = np.bincount(p.astype(np.int64) * n_w + w, minlength=n_p * n_w).reshape(n_p, n_w)
    # Expected value of each uncorrected sum of squares: coefficients of (μ², p, w, rest).
    within_p = (cells**2 / per_p[:, None]).sum()
    within_w = (cells**2 / per_w[None, :]).sum()
    squares = np.array(
        [
            x @ x,
            (sums(p, x, n_p) ** 2 / per_p).sum(),
            (sums(w, x, n_w) ** 2 / per_w).sum(),
            x.sum() ** 2 / n,
        ]
    )
    expected = np.array(
        [
            [n, n, n, n],
            [n, n, within_p, n_p],
            [n, within_w, n, n_w],
            [n, (per_p**2).sum() / n, (per_w**2).sum() / n, 1],
        ],
        dtype=np.float64,
    )
    if np.linalg.matrix_rank(expected) < 4:
        raise TooFew("Prompts and workers cannot be told apart in this pilot.")
    _, by_prompt, by_worker, rest = np.linalg.solve(expected, squares)
    return Components(max(0.0, by_prompt), max(0.0, by_worker), max(1e-9, float(rest)))


def variance(c: Components, d: Design) -> float:
    """σ²_prompt/P + σ²_worker/R + σ²_rest/(P·m) of a pair's win rate."""
    return c.prompt / d.prompts + c.worker / d.workers + c.rest / d.judgements


def _freedom(d: Design) -> int:
    freedom = min(d.prompts, d.workers) - 1
    if freedom < 1:
        raise TooFew("An interval needs two prompts and two workers.")
    return freedom


def half_width(c: Components, d: Design, level: float = 0.95) -> float:
    """Expected half width of the win rate's interval, t·√V."""
    t = float(stats.t.ppf(0.5 + check_level(level) / 2, _freedom(d)))
    return float(t * variance(c, d) ** 0.5)


def power(c: Components, d: Design, win_rate: float, level: float = 0.95) -> float:
    """Chance that the interval leaves out ½ when the win rate is `win_rate`.

    Noncentral t with noncentrality (w − ½)/√V and min(P, R) − 1 degrees of freedom, both sides.
    """
    if not 0 < win_rate < 1:
        raise BrokenVotes(f"A win rate lies between 0 and 1, not {win_rate}.")
    freedom = _freedom(d)
    t = float(stats.t.ppf(0.5 + check_level(level) / 2, freedom))
    shift = abs(win_rate - 0.5) / variance(c, d) ** 0.5
    with np.errstate(all="ignore"):
        found = float(stats.nct.sf(t, freedom, shift) + stats.nct.cdf(-t, freedom, shift))
    # Far out the noncentral t of scipy underflows to NaN; the normal is exact there.
    return found if np.isfinite(found) else float(stats.norm.sf(t - shift))


def votes_needed(
    win_rate: float,
    *,
    tie_share: float = 0.0,
    design_effect: float = 1.0,
    power: float = 0.8,
    level: float = 0.95,
) -> int:
    """Votes for one pair so that the two-sided test of ½ has this power.

    n = (z_{1−α/2} + z_{power})² · v / (w − ½)² · design effect, v = w(1−w) − τ/4 the variance
    of a score with half ties and tie share τ. Rounded up.
    """
    if not 0 < win_rate < 1 or win_rate == 0.5:
        raise BrokenVotes("The win rate to be seen lies between 0 and 1 and is not one half.")
    seen = win_rate * (1 - win_rate) - tie_share / 4
    if not 0 <= tie_share < 1 or seen <= 0:
        raise BrokenVotes(f"A tie share of {tie_share} does not go with {win_rate}.")
    z = float(stats.norm.ppf(0.5 + check_level(level) / 2))
    reach = z + float(stats.norm.ppf(check_level(power)))
    return int(np.ceil(reach**2 * seen / (win_rate - 0.5) ** 2 * design_effect - 1e-9))


def prompts_for_width(
    c: Components, wanted: float, per_prompt: int, workers: int, level: float = 0.95
) -> Design:
    """The fewest prompts for which half_width is at most `wanted`.

    Raises TooFew where no number of prompts is enough: then only more workers help.
    """
    if wanted <= 0:
        raise BrokenVotes("The wanted half width is positive.")

    def narrow(prompts: int) -> bool:
        return half_width(c, Design(prompts, per_prompt, workers), level) <= wanted

    return Design(
        _fewest(narrow, f"{workers} workers cannot give ±{wanted:g}"), per_prompt, workers
    )


def prompts_for_power(
    c: Components,
    win_rate: float,
    per_prompt: int,
    workers: int,
    wanted: float = 0.8,
    level: float = 0.95,
) -> Design:
    """The fewest prompts with which the interval leaves out ½ with probability `wanted`.

    Raises BrokenVotes for a win rate of ½ or a power that is no probability, TooFew where no
    number of prompts is enough: then only more workers help.
    """
    if win_rate == 0.5:
        raise BrokenVotes("A win rate of one half leaves nothing to decide.")
    check_level(wanted)

    def strong(prompts: int) -> bool:
        return power(c, Design(prompts, per_prompt, workers), win_rate, level) >= wanted

    return Design(
        _fewest(strong, f"{workers} workers cannot reach {wanted:.0%}"), per_prompt, workers
    )


def _fewest(enough: Callable[[int], bool], why: str) -> int:
    """The least number of prompts, two or more, that is enough; TooFew past the ceiling."""
    high = 2
    while not enough(high):
        high *= 2
        if high > _CEILING:
            raise TooFew(f"{why}, however many prompts.")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle >= 2 and enough(middle) else (middle, high)
    return high


def cheapest(
    c: Components,
    wanted: float,
    workers: int,
    *,
    per_judgement: float = 1.0,
    new_prompt: float = 0.0,
    level: float = 0.95,
    most_per_prompt: int = 10,
) -> Plan:
    """Judges per prompt that reach a half width at the least cost.

    Cost: judgements × per_judgement + prompts × new_prompt. Without a cost of prompts one judge
    per prompt is never beaten. Raises TooFew where no design reaches the width.
    """
    plans = []
    for m in range(1, min(most_per_prompt, workers) + 1):
        d = prompts_for_width(c, wanted, m, workers, level)
        cost = d.judgements * per_judgement + d.prompts * new_prompt
        plans.append(Plan(d, d.judgements, cost, half_width(c, d, level)))
    return min(plans, key=lambda plan: (plan.cost, plan.judgements))

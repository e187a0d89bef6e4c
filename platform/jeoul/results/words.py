"""Results in sentences: what is known, whether it is enough, and why."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jeoul.comparisons.models import Answer
from jeoul.saying import percent
from jeoul.studies.models import A_WINS, B_WINS, TIE


@dataclass(frozen=True)
class Verdict:
    """The first thing a researcher reads."""

    sentence: str
    enough: bool
    why: str


def pair_sentence(pair: dict[str, Any]) -> str:
    """One pair in words, the better system first."""
    first, second = pair["system_a"], pair["system_b"]
    rate, low, high = pair["win_rate_a"], pair["low"], pair["high"]
    if rate < 0.5:
        first, second = second, first
        rate, low, high = 1 - rate, 1 - high, 1 - low
    return _(
        "%(first)s is preferred to %(second)s in %(rate)s of comparisons "
        "(95 %% interval %(low)s to %(high)s, %(n)d judgements, ties count half)."
    ) % {
        "first": first,
        "second": second,
        "rate": percent(rate),
        "low": percent(low),
        "high": percent(high),
        "n": pair["n"],
    }


def decided(pair: dict[str, Any]) -> bool:
    """Whether the interval leaves out one half."""
    return pair["low"] is not None and bool(pair["low"] > 0.5 or pair["high"] < 0.5)


def verdict(results: dict[str, Any]) -> Verdict | None:
    """The overall criterion's clearest pair in one sentence, whether all is decided, and why."""
    overall = next((c for c in results["criteria"] if c["is_overall"]), None)
    pairs = [p for p in overall["pairs"] if p["win_rate_a"] is not None] if overall else []
    if overall is None or not pairs:
        return None
    ranking = overall["ranking"]
    shown = pairs[0]
    if len(ranking) > 1:
        top = {ranking[0]["system"], ranking[1]["system"]}
        shown = next((p for p in pairs if {p["system_a"], p["system_b"]} == top), shown)
    open_pairs = [p for p in pairs if not decided(p)]
    why = [_settled(pairs, open_pairs), _early(shown), _lacking(open_pairs or [shown])]
    return Verdict(pair_sentence(shown), not open_pairs, " ".join(w for w in why if w))


def _settled(pairs: list[dict[str, Any]], open_pairs: list[dict[str, Any]]) -> str:
    if not open_pairs:
        return _("The interval of every pair leaves out 50 %.")
    if len(pairs) == 1:
        return _("The interval includes 50 %: either system may be the better one.")
    named = "; ".join(f"{p['system_a']} – {p['system_b']}" for p in open_pairs[:6])
    if len(open_pairs) > 6:
        named += "; …"
    counts = {"open": len(open_pairs), "all": len(pairs), "pairs": named}
    return _("%(open)d of %(all)d pairs are undecided, since their intervals include 50 %%: "
             "%(pairs)s.") % counts  # fmt: skip


def _early(pair: dict[str, Any]) -> str:
    """The interval that holds however often somebody has looked."""
    look = pair.get("looking") or {}
    if look.get("low") is None:
        return ""
    bounds = {"low": percent(look["low"]), "high": percent(look["high"])}
    if look["decided"]:
        return _("Looking early does not spoil it: the interval that is valid at every look "
                 "(%(low)s to %(high)s) leaves out 50 %% as well.") % bounds  # fmt: skip
    return _("Read while the study still runs it is not safe to stop: the interval that is valid "
             "at every look is %(low)s to %(high)s.") % bounds  # fmt: skip


def _lacking(pairs: list[dict[str, Any]]) -> str:
    more = [m for p in pairs if (m := (p.get("more") or {}).get("more_as_seen"))]
    if not more:
        return ""
    return _("If the rates are as seen, about %(n)s more judgements of the hardest pair would "
             "decide it (80 %% power).") % {"n": f"{max(more):,}"}  # fmt: skip


def summary(results: dict[str, Any]) -> list[str]:
    """Lines for a terminal."""
    lines = [f"{results['study']['title']}: {results['judgements']} judgements"]
    if results["study"]["simulated"]:
        lines.append("SIMULATED: these judgements were made by a simulated crowd.")
    for criterion in results["criteria"]:
        lines.append(f"\n{criterion['name']} ({criterion['judgements']} judgements)")
        lines.extend(f"  {pair_sentence(p)}" for p in criterion["pairs"])
        lines.extend(
            f"  {s['rank']}. {s['system']}: {s['score']:+.3f} ({s['low']:+.3f} to {s['high']:+.3f})"
            for s in criterion["ranking"]
        )
        if criterion["fit"].get("error"):
            lines.append(f"  No ranking: {criterion['fit']['error']}")
        alpha = (criterion["agreement"] or {}).get("nominal", {})
        if alpha.get("alpha") is not None:
            lines.append(f"  Krippendorff's alpha (nominal): {alpha['alpha']:.3f}")
    flagged = [w for w in results["workers"] if w["flags"]]
    if flagged:
        lines.append(f"\n{len(flagged)} workers with open signals")
        lines.extend(f"  {w['worker']}: {f['evidence']}" for w in flagged for f in w["flags"])
    return lines


def answer_words(answer: Answer, first: str, second: str) -> str:
    """What somebody chose, by the systems' names; a graded choice with its steps from the middle.

    "version 2 (+1)" prefers version 2 by one step.
    """
    if answer.grade and answer.criterion.scale in {5, 7}:
        return f"{first if answer.grade > 0 else second} (+{abs(answer.grade)})"
    words = {A_WINS: first, B_WINS: second, TIE: _("Tie")}
    return words.get(answer.outcome) or _("Both bad")

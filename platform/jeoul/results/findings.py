"""What a chart shows, in a sentence from its data: for readers who do not see it."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext as _

from jeoul.results.words import pair_sentence
from jeoul.saying import percent

# A listener can hold so many; the tables have the rest.
_MOST: Final = 4


def finding(results: dict[str, Any], name: str) -> str:
    """Of the chart of this name, in the language in force; empty where it is not known."""
    kind, _dash, key = name.partition("-")
    criterion = next((c for c in results["criteria"] if c["key"] == key), None)
    if kind in _OF_CRITERION and criterion:
        return _joined(_OF_CRITERION[kind](criterion))
    if kind in _OF_RESULTS:
        return _joined(_OF_RESULTS[kind](results))
    return ""


def _joined(parts: Iterable[str]) -> str:
    said = list(parts)
    rest = len(said) - _MOST
    more = [_("%d more in the table") % rest] if rest > 0 else []
    return "; ".join(said[:_MOST] + more)


def _against(pair: dict[str, Any]) -> str:
    names = {"first": pair["system_a"], "second": pair["system_b"]}
    return _("%(first)s against %(second)s") % names


def _pairs(criterion: dict[str, Any]) -> Iterable[str]:
    for pair in criterion["pairs"]:
        shares = {
            name: percent(pair[name] / pair["n"])
            for name in ("wins_a", "ties", "both_bad", "wins_b")
        }
        words = _(
            "%(pair)s: %(wins_a)s wins, %(ties)s ties, %(both_bad)s both bad, "
            "%(wins_b)s losses (n = %(n)d)"
        )
        yield words % {"pair": _against(pair), "n": pair["n"], **shares}


def _ranking(criterion: dict[str, Any]) -> Iterable[str]:
    for s in criterion["ranking"]:
        yield _("%(rank)d. %(system)s, score %(score)+.2f (%(low)+.2f to %(high)+.2f)") % s


def _grades(criterion: dict[str, Any]) -> Iterable[str]:
    words = _("%(pair)s: grade %(grade)+d is the most frequent, %(share)s of %(n)d judgements")
    for pair in criterion["pairs"]:
        if grades := pair.get("grades"):
            grade, n = max(grades.items(), key=lambda item: item[1])
            whole = sum(grades.values())
            counted = {"grade": int(grade), "share": percent(n / whole), "n": whole}
            yield words % {"pair": _against(pair), **counted}


def _style(criterion: dict[str, Any]) -> Iterable[str]:
    style = criterion["models"]["style"]
    raw = {s["system"]: s["score"] for s in style["raw"]}
    words = _(
        "%(system)s: score %(score)+.2f (%(low)+.2f to %(high)+.2f) adjusted, %(raw)+.2f as judged"
    )
    for s in style["ranking"]:
        if s["system"] in raw:
            yield words % {**s, "raw": raw[s["system"]]}


def _matrix(results: dict[str, Any]) -> Iterable[str]:
    overall = next(c for c in results["criteria"] if c["is_overall"])
    known = [p for p in overall["pairs"] if p["win_rate_a"] is not None]
    return map(pair_sentence, sorted(known, key=lambda p: -abs(p["win_rate_a"] - 0.5)))


def _slices(results: dict[str, Any]) -> Iterable[str]:
    """The slice in which each pair lies furthest from one half."""
    far: dict[str, tuple[float, str]] = {}
    words = _("%(pair)s, %(value)s: the first wins %(rate)s (%(low)s to %(high)s, n = %(n)d)")
    for part in results["slices"]:
        for pair in part["pairs"]:
            if pair["win_rate_a"] is None:
                continue
            distance, against = abs(pair["win_rate_a"] - 0.5), _against(pair)
            said = words % {
                "pair": against, "value": part["value"], "rate": percent(pair["win_rate_a"]),
                "low": percent(pair["low"]), "high": percent(pair["high"]), "n": pair["n"],
            }  # fmt: skip
            far[against] = max(far.get(against, (-1.0, "")), (distance, said))
    return [said for _distance, said in sorted(far.values(), reverse=True)]


def _risk(results: dict[str, Any]) -> Iterable[str]:
    for s in results["hazards"]["systems"]:
        if not s["risk"]:
            continue
        risk = {"system": s["system"], "risk": percent(s["risk"]["share"]),
                "upper": percent(s["risk"]["high"])}  # fmt: skip
        if s["benefit"]:
            benefit = {k: percent(s["benefit"][k]) for k in ("win_rate", "low", "high")}
            yield _(
                "%(system)s: preferred to the baseline in %(win_rate)s (%(low)s to %(high)s), "
                "violating in %(risk)s, at most %(upper)s"
            ) % {**risk, **benefit}
        elif s["is_baseline"]:
            yield _("%(system)s, the baseline: violating in %(risk)s, at most %(upper)s") % risk


_OF_CRITERION: Final = {"pairs": _pairs, "ranking": _ranking, "grades": _grades, "style": _style}
_OF_RESULTS: Final = {"matrix": _matrix, "slices": _slices, "risk": _risk}


def finding_of_round(number: int, facts: dict[str, Any], first: dict[str, Any]) -> str:
    """What a watch's chart ends in."""
    length, base = facts["mean_characters"], first["mean_characters"]
    return _(
        "Round %(number)d: %(changed)s of the answers changed since the first round, %(refused)s "
        "were refused, and they are %(length)s as long as at first (n = %(n)d)."
    ) % {
        "number": number,
        "changed": percent(facts["changed_share"]),
        "refused": percent(facts["refused_share"]),
        "length": percent(length / base if length and base else None),
        "n": facts["answered"],
    }

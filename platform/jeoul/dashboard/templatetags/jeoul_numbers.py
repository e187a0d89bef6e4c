"""Numbers as researchers read them."""

import math
from typing import Any, Final

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jeoul.quality.words import EVIDENCE
from jeoul.refusals import in_words as refusal_in_words
from jeoul.results.dressing import said_in_parts
from jeoul.results.findings import finding
from jeoul.saying import percent, said

register = template.Library()

_RULES = {
    "too_fast": gettext_lazy("Too fast"),
    "one_side": gettext_lazy("One side only"),
    "fails_gold": gettext_lazy("Fails known answers"),
    "disagrees": gettext_lazy("Disagrees with the others"),
    "always_tie": gettext_lazy("Ties too often"),
    "long_run": gettext_lazy("One side many times in a row"),
    "repeats_differ": gettext_lazy("Repeats answered differently"),
    "unreliable": gettext_lazy("Unreliable by the model"),
    "low_information": gettext_lazy("Hardly ever another answer"),
    "copies_majority": gettext_lazy("Agrees too much"),
}
_VERBS = {
    "worker.exclude": gettext_lazy("Left out"),
    "worker.include": gettext_lazy("Counted again"),
    "worker.message": gettext_lazy("Message to the worker"),
    "vendor.update": gettext_lazy("Vendor changed"),
    "vendor.cap": gettext_lazy("Vendor's judgements capped"),
    "invite.close": gettext_lazy("Link closed"),
    "invite.open": gettext_lazy("Link opened again"),
    "worker.active": gettext_lazy("Works again"),
    "worker.paused": gettext_lazy("Work paused"),
    "worker.removed": gettext_lazy("Work ended"),
    "worker.contest": gettext_lazy("The worker contests"),
    "worker.answer": gettext_lazy("Answer to the contest"),
    "flag.upheld": gettext_lazy("Signal upheld"),
    "flag.dismissed": gettext_lazy("Signal dismissed"),
}
_NAMES = {
    "category": gettext_lazy("Category"),
    "language": gettext_lazy("Language"),
    "difficulty": gettext_lazy("Difficulty"),
    "risk": gettext_lazy("Risk"),
    "hazard": gettext_lazy("Hazard"),
    "realistic": gettext_lazy("Realistic"),
    "high": gettext_lazy("High-risk"),
}
_DEFINITIONS = {
    "half": gettext_lazy("ties and both bad as half"),
    "apart": gettext_lazy("ties and both bad left out"),
    "both_bad_left_out": gettext_lazy("ties as half, both bad left out"),
    "better": gettext_lazy("only better or more counts as a win"),
}
_SLICES: Final = {
    "risk": gettext_lazy("By risk"),
    "category": gettext_lazy("By category"),
    "language": gettext_lazy("By language"),
    "difficulty": gettext_lazy("By difficulty"),
    "hazard": gettext_lazy("By hazard"),
}
_EFFECTS = {
    "position": gettext_lazy("Shown on the left"),
    "length": gettext_lazy("Length"),
    "headers": gettext_lazy("Headers"),
    "bold": gettext_lazy("Bold passages"),
    "lists": gettext_lazy("List items"),
}

_SETTINGS = {
    "level": gettext_lazy("level of intervals"),
    "ties": gettext_lazy("ties"),
    "both_bad": gettext_lazy("both bad"),
    "win_definitions": gettext_lazy("further definitions of a win"),
    "interval": gettext_lazy("interval"),
    "ranking": gettext_lazy("ranking"),
    "agreement": gettext_lazy("agreement"),
    "ridge_if_disconnected": gettext_lazy("pseudo-ties where systems are not linked"),
    "seed": gettext_lazy("seed"),
    "models_on_at_most": gettext_lazy("most judgements of a model with effects"),
    "style_per_slice_on_at_most": gettext_lazy("most judgements for style by slice"),
    "alpha_of_judges_on_at_most": gettext_lazy("most judgements for α of judges"),
    "weighed_on_at_most": gettext_lazy("most judgements weighed"),
    "mace_on_at_most": gettext_lazy("most judgements for MACE"),
    "style": gettext_lazy("style"),
    "worker_intervals": gettext_lazy("intervals of workers"),
    "flag_rules": gettext_lazy("version of the signals' rules"),
    "code_version": gettext_lazy("version of the code"),
}
_SETTING_VALUES = {"half": gettext_lazy("half a win"), "tie": gettext_lazy("as a tie")}

# 400 points for odds of ten to one.
_ELO = 400 / math.log(10)


@register.filter
def share(value: float | None) -> str:
    """0.573 as 57.3 %; a dash where nothing is known (a missing key comes as an empty text)."""
    return percent(value if isinstance(value, float | int) else None, 1)


@register.filter
def signed(value: float | None) -> str:
    """Two decimals with a true minus sign."""
    return "–" if not isinstance(value, float | int) else f"{value:.2f}".replace("-", "−")


@register.filter
def points(value: float | None) -> str:
    """0.052 as 5.2 percentage points."""
    return "–" if value is None else f"{100 * value:.1f}"


@register.filter
def part_groups(parts: Any) -> list[tuple[list[Any], Any]]:
    """Progress by pair and by slice, each with its heading."""
    slices = [(values, _SLICES[name]) for name, values in parts.slices.items()]
    return [(parts.pairs, _("By pair")), *slices]


@register.filter
def pvalue(value: float | None) -> str:
    if not isinstance(value, float | int):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


@register.filter
def words(value: str) -> list[str]:
    """A list written as words."""
    return value.split()


@register.filter
def coefficients(agreement: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every coefficient of agreement with its name; ``value`` is its estimate."""
    names = (
        ("percent", _("Agreeing pairs of judges")),
        ("nominal", _("Krippendorff's α, nominal")),
        ("ordinal", _("Krippendorff's α, ordinal, without both bad")),
        ("judges", _("α, nominal, for judges like these")),
        ("judges_ordinal", _("α, ordinal, for judges like these")),
        ("fleiss", _("Fleiss' κ")),
        ("ac1", _("Gwet's AC1")),
        ("ac2", _("Gwet's AC2, quadratic, without both bad")),
    )
    found = [(name, agreement[key]) for key, name in names if key in agreement]
    cohen = _("Cohen's κ: {} and {}")
    found += [
        (cohen.format(pair["first"], pair["second"]), pair) for pair in agreement.get("cohen", [])
    ]
    return [(name, row | {"value": row.get("alpha", row.get("estimate"))}) for name, row in found]


@register.filter
def effect_models(models: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The models with effects beside the systems'."""
    names = (("position", _("Side")), ("style", _("Style")))
    return [(name, models[key]) for key, name in names if key in models]


@register.filter
def weighed_methods(weighing: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Plain first, then the methods that weigh the judges."""
    names = (
        ("majority", _("Plain (shares of the judges)")),
        ("dawid_skene", "Dawid–Skene"),
        ("one_coin", _("One coin per worker")),
        ("mace", "MACE"),
    )
    return [(name, weighing[key]) for key, name in names if key in weighing]


@register.filter
def elo_points(value: float | None) -> str:
    """A difference on the logit scale in Elo points, with a true minus sign."""
    return "–" if value is None else f"{value * _ELO:+.0f}".replace("-", "−")


@register.filter
def one_way(matrix: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each pair of a win matrix once; it is square, row by row."""
    order = {name: at for at, name in enumerate(dict.fromkeys(cell["row"] for cell in matrix))}
    return [cell for cell in matrix if order[cell["row"]] < order[cell["column"]]]


@register.filter
def styled_slices(slices: list[dict[str, Any]]) -> list[tuple[dict[str, Any], ...]]:
    """Each slice and system with its score as judged and adjusted for style."""
    found: list[tuple[dict[str, Any], ...]] = []
    for part in slices:
        raw = {row["system"]: row for row in part.get("style", {}).get("raw", [])}
        found += [
            (part, raw[row["system"]], row)
            for row in part.get("style", {}).get("ranking", [])
            if row["system"] in raw
        ]
    return found


@register.filter
def definition_name(key: str) -> str:
    return str(_DEFINITIONS.get(key, key))


@register.filter
def effect_name(key: str) -> str:
    return str(_EFFECTS.get(key, key))


@register.filter
def in_settings(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """What was decided before looking, each with its name."""
    return [(str(_SETTINGS.get(key, key)), _setting(key, v)) for key, v in settings.items()]


def _setting(key: str, value: Any) -> str:
    if key == "level":
        return percent(value)
    if key == "win_definitions":
        return "; ".join(map(definition_name, value))
    if isinstance(value, dict):
        return "; ".join(said_in_parts(of) for of in dict.fromkeys(value.values()))
    if isinstance(value, list):
        return ", ".join(map(effect_name, value))
    if isinstance(value, int):
        return f"{value:,}"
    return str(_SETTING_VALUES.get(value) or said_in_parts(str(value)))


@register.filter
def finding_of(results: dict[str, Any], name: str) -> str:
    """What the chart of this name shows."""
    return finding(results, name)


@register.filter
def in_words(note: str) -> str:
    """A method or note that was stored with the results, in the reader's language."""
    return said_in_parts(note)


@register.filter
def refusal(told: str) -> str:
    """A refusal that a job stored, in the reader's language."""
    return refusal_in_words(told)


@register.filter
def evidence(told: str) -> str:
    """What a rule found in a worker's judgements, in the reader's language."""
    return said(told, EVIDENCE)


@register.filter
def basis(row: dict[str, Any]) -> str:
    """How a number and its interval were made and what that takes for granted, as one sentence or
    several, in the reader's language."""
    parts = (said_in_parts(row.get(key) or "") for key in ("method", "note"))
    sentences = (part if part.endswith(".") else f"{part}." for part in parts if part)
    return " ".join(text[:1].upper() + text[1:] for text in sentences)


@register.filter
def shared_basis(rows: list[dict[str, Any]], within: str = "") -> str:
    """The basis of all these rows, or of one part of each, said once; empty where they differ."""
    parts = (row.get(within) if within else row for row in rows)
    found = {basis(part) for part in parts if part}
    return found.pop() if len(found) == 1 else ""


@register.filter
def pairs_of_all(slices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pairs of all slices in one row."""
    return [pair for part in slices for pair in part["pairs"]]


@register.filter
def slice_name(name: str) -> str:
    """A slice, or a value of the one slice whose values are ours; any other value as it is."""
    return str(_NAMES.get(name, name))


@register.filter
def outcome_name(outcome: int) -> str:
    names = (_("First wins"), _("Second wins"), _("Tie"), _("Both bad"))
    return names[outcome]


_REASONS: Final = {
    "unknown": gettext_lazy("The study does not have what this names."),
    "none": gettext_lazy("No judgement yet."),
    "too_few": gettext_lazy(
        "Too few people or prompts for an interval. Still missing: %(prompts)s prompts and "
        "%(people)s people. That of a closed study needs fewer."
    ),
    "few_prompts": gettext_lazy(
        "Only %(asked)s prompts are asked here, and an interval that allows for looks needs 30: "
        "close the study to take the ordinary one, or add prompts."
    ),
    "no_width": gettext_lazy(
        "Every judgement says the same: one that differs gives the interval its width."
    ),
    "above": gettext_lazy("The interval lies above %(line)s."),
    "below": gettext_lazy("The interval does not reach %(line)s."),
    "holds": gettext_lazy("The interval holds %(line)s."),
    "hopeless": gettext_lazy(
        "The interval holds %(line)s; at this estimate more judgements would not make it pass."
    ),
    "prompts": gettext_lazy(
        "The interval holds %(line)s; judging the same prompts again would not do: it takes others."
    ),
    "closed": gettext_lazy(
        "The interval holds %(line)s, and the study is closed: it was not shown."
    ),
}


@register.filter
def gate_reason(condition: dict[str, Any]) -> str:
    """Why a condition of a gate stands as it does, in the reader's language."""
    known = _REASONS.get(condition.get("code", ""))
    if known is None:
        return str(condition["reason"])  # from before reasons had codes
    counted = {"asked": condition.get("asked"), **(condition.get("needs") or {})}
    return str(known) % {"line": share(condition["threshold"]), **counted}


@register.filter
def verb_name(verb: str) -> str:
    """What an audit event about a worker tells."""
    return str(_VERBS.get(verb, verb))


@register.filter
def rule_name(rule: str) -> str:
    return str(_RULES.get(rule, rule))

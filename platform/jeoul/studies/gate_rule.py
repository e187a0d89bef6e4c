"""The rule of a study's gate as data: what must hold before a version may ship.

It is part of the plan, so it is frozen with it and changed by an amendment only.
"""

from typing import Any, Final

from django.utils.translation import gettext as _

from jeoul.base import InvalidInput
from jeoul.studies.models import Study

SLICES: Final = ("risk", "category", "language", "difficulty", "hazard")
CLAIMS: Final = ("better", "not_worse")
LOOKS: Final = ("protected", "fixed")
_DEFAULTS: Final[dict[str, Any]] = {
    "criterion": None,
    "where": {},
    "margin": 0.0,
    "confidence": 0.95,
    "ties": "half",
    "both_bad": "tie",
    "min_grade": 0,
}


def normal_rule(study: Study, rule: Any) -> dict[str, Any] | None:
    """The rule with every default written out, or None for none; raises InvalidInput.

    ``{"conditions": [{"system", "baseline", "claim", …}], "looks": "protected"}``: *better* says
    that the win rate against the baseline lies above ½ + margin, *not_worse* above ½ − margin,
    each at the two-sided confidence. All conditions must hold.
    """
    if rule in (None, {}):
        return None
    if not isinstance(rule, dict) or not set(rule) <= {"conditions", "looks"}:
        raise _bad("A rule has conditions and, if you like, looks.")
    conditions = rule.get("conditions")
    if not isinstance(conditions, list) or len(conditions) > 20:
        raise _bad("The conditions are a list of at most 20.")
    if not conditions:
        return None
    looks = rule.get("looks", "protected")
    if looks not in LOOKS:
        raise _bad(f"looks is one of {', '.join(LOOKS)}.")
    return {"looks": looks, "conditions": [_condition(study, c) for c in conditions]}


def _bad(text: str) -> InvalidInput:
    return InvalidInput(text, field="gate")


def _condition(study: Study, given: Any) -> dict[str, Any]:
    known = {"system", "baseline", "claim", *_DEFAULTS}
    if not isinstance(given, dict) or not set(given) <= known:
        raise _bad(f"A condition has the keys {', '.join(sorted(known))}.")
    found = _DEFAULTS | default_systems(study) | given
    claim = found.get("claim", "better")
    if claim not in CLAIMS:
        raise _bad(f"The claim is one of {', '.join(CLAIMS)}.")
    return {
        "system": found.get("system"),
        "baseline": found.get("baseline"),
        "claim": claim,
        "criterion": found["criterion"] or _overall(study),
        "where": _where(found["where"]),
        "margin": _number(found, "margin", 0, 0.5),
        "confidence": _number(found, "confidence", 0.5, 0.9999),
        "ties": _one_of(found, "ties", ("half", "apart")),
        "both_bad": _one_of(found, "both_bad", ("tie", "left_out")),
        "min_grade": _number(found, "min_grade", 0, 3),
    }


def default_systems(study: Study) -> dict[str, str]:
    """The two systems that a condition means when it names none."""
    entries = list(study.entries.select_related("system_version__system"))
    baseline = next((e for e in entries if e.is_baseline), None)
    if len(entries) != 2:
        return {"baseline": baseline.system_version.label} if baseline else {}
    first = baseline or entries[0]
    second = next(e for e in entries if e != first)
    return {"system": second.system_version.label, "baseline": first.system_version.label}


def _overall(study: Study) -> str:
    found = study.criteria.filter(is_overall=True).values_list("key", flat=True).first()
    return found or "overall"


def _where(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(
        k in SLICES and isinstance(v, str) for k, v in given.items()
    ):
        raise _bad(f"where names values of {', '.join(SLICES)}.")
    return {k: v for k, v in given.items() if v}


def _number(found: dict[str, Any], name: str, low: float, high: float) -> float:
    value = found[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _bad(f"{name} is a number from {low:g} to {high:g}.")
    return float(value)


def _one_of(found: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    if found[name] not in allowed:
        raise _bad(f"{name} is one of {', '.join(allowed)}.")
    return str(found[name])


def rule_problems(study: Study, rule: dict[str, Any] | None) -> list[str]:
    """What the rule names and the study does not have."""
    if not rule:
        return []
    entries = study.entries.select_related("system_version__system")
    labels = {e.system_version.label for e in entries}
    keys = set(study.criteria.values_list("key", flat=True))
    found = []
    for at, c in enumerate(rule["conditions"], 1):
        wrong = [
            said
            for said, is_wrong in (
                (_("names no system of this study"), c["system"] not in labels),
                (_("names no baseline of this study"), c["baseline"] not in labels),
                (_("compares a system with itself"), c["system"] == c["baseline"]),
                (_("names no criterion of this study"), c["criterion"] not in keys),
                (_("is about prompts that this study does not have"), _nowhere(study, c["where"])),
            )
            if is_wrong
        ]
        found += [
            _("Condition %(n)d of the gate %(wrong)s.") % {"n": at, "wrong": w} for w in wrong
        ]
    return found


def _nowhere(study: Study, where: dict[str, str]) -> bool:
    """Whether no prompt of the study's set has all these values; unknown without a set."""
    version = study.prompt_set_version
    return bool(where and version and not version.prompts.filter(**where).exists())

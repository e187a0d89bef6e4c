"""What a study does with an output in which a scan found something: decided per kind, in its plan.

The kinds stand here, below the scanning, because they are part of what a study is.
"""

from collections.abc import Iterable
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class RiskKind(models.TextChoices):
    """What can be found in a prompt, in an output, or between two outputs."""

    SELF_NAMING = "self_naming", _("Names its own model or maker")
    PERSONAL_DATA = "personal_data", _("May contain personal data")
    SECRET = "secret", _("May contain a key or password")
    HARMFUL = "harmful", _("May contain harmful language")
    EMPTY = "empty", _("Empty answer")
    TRUNCATED = "truncated", _("Cut off")
    WRONG_LANGUAGE = "wrong_language", _("Another language than the question")
    IDENTICAL = "identical", _("Both answers are the same")
    NEAR_IDENTICAL = "near_identical", _("Both answers are nearly the same")
    LENGTH = "length", _("Many times longer than the other")


class RiskAction(models.TextChoices):
    """What follows, from the mildest to the strictest."""

    SHOW = "show", _("Show")
    WARN = "warn", _("Show with a warning")
    TIE = "tie", _("Count as a tie without asking")
    HOLD = "hold", _("Hold for review")
    LEAVE_OUT = "leave_out", _("Leave out")


PAIR_KINDS: Final = (RiskKind.IDENTICAL, RiskKind.NEAR_IDENTICAL, RiskKind.LENGTH)
_SAME: Final = (RiskKind.IDENTICAL, RiskKind.NEAR_IDENTICAL)
_STRICTNESS: Final = [action.value for action in RiskAction]

DEFAULT_POLICY: Final[dict[str, str]] = {
    # An answer that says who wrote it ends the blindness, so nobody sees it before a person did.
    RiskKind.SELF_NAMING.value: RiskAction.HOLD.value,
    RiskKind.PERSONAL_DATA.value: RiskAction.WARN.value,
    RiskKind.SECRET.value: RiskAction.HOLD.value,
    RiskKind.HARMFUL.value: RiskAction.WARN.value,
    # How a system fails is part of what is judged.
    RiskKind.EMPTY.value: RiskAction.SHOW.value,
    RiskKind.TRUNCATED.value: RiskAction.SHOW.value,
    RiskKind.WRONG_LANGUAGE.value: RiskAction.SHOW.value,
    # Nothing to compare: nobody's time is spent on it.
    RiskKind.IDENTICAL.value: RiskAction.TIE.value,
    RiskKind.NEAR_IDENTICAL.value: RiskAction.SHOW.value,
    RiskKind.LENGTH.value: RiskAction.SHOW.value,
}


def actions_for(kind: str) -> list[str]:
    """The actions that make sense for a kind: only a pair without a difference is a tie."""
    return [a for a in _STRICTNESS if a != RiskAction.TIE or kind in _SAME]


def whole_policy(given: dict[str, Any]) -> dict[str, str]:
    """What holds for every kind: the study's choice, else the default."""
    return DEFAULT_POLICY | {k: str(v) for k, v in given.items() if k in DEFAULT_POLICY}


def policy_problem(given: object) -> str:
    """Why this is no policy; empty if it is one."""
    if not isinstance(given, dict):
        return "The risk policy is an object of kinds and actions."
    for kind, action in given.items():
        if kind not in DEFAULT_POLICY:
            return f"Unknown kind {kind!r}; known are {', '.join(DEFAULT_POLICY)}."
        if action not in actions_for(kind):
            return f"For {kind} choose one of {', '.join(actions_for(kind))}; not {action!r}."
    return ""


def strictest(actions: Iterable[str]) -> str:
    return max(actions, key=_STRICTNESS.index, default=RiskAction.SHOW.value)

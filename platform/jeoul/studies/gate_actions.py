"""Giving a study its gate."""

from typing import Any

from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.actions import amend_study, update_draft
from jeoul.studies.gate_rule import normal_rule, rule_problems
from jeoul.studies.models import Study


def set_gate(*, study: Study, actor: User, rule: Any, reason: str = "") -> bool:
    """Set, change or (with None) take away the rule; a frozen plan needs a reason.

    The same rule again changes nothing: False. Raises InvalidInput.
    """
    wanted = normal_rule(study, rule)
    if wanted == study.gate:
        return False
    problems = rule_problems(study, wanted)
    if problems:
        raise InvalidInput(" ".join(problems), field="gate")
    if study.frozen_at:
        amend_study(study=study, actor=actor, reason=reason, change={"gate": wanted})
    else:
        update_draft(study=study, actor=actor, settings={"gate": wanted})
    return True

"""Whole rooms for tests, made by the same actions that users reach."""

import itertools
import json
import uuid

from jeoul.accounts.models import User
from jeoul.comparisons.actions import Said, claim_comparison, submit_judgement
from jeoul.comparisons.building import build_comparisons
from jeoul.studies.actions import create_study
from jeoul.studies.models import BOTH_BAD, TIE, Study, StudyState
from jeoul.studies.prompt_actions import import_outputs, import_prompts, system_for_outputs
from jeoul.studies.running import move_study
from jeoul.workers.actions import arrive, begin_work, get_vendor, give_consent, make_invite

_number = itertools.count(1)


def make_user(name: str = "", password: str = "correct horse battery") -> User:
    return User.objects.create_user(name or f"user{next(_number)}", password=password)


def prompts_text(n: int, **fields) -> str:
    return "\n".join(
        json.dumps({"id": f"p{i}", "prompt": f"Question {i}?"} | fields) for i in range(n)
    )


def outputs_text(n: int, systems: list[str]) -> str:
    """Answers that differ (the same text twice would be a tie without asking), yet name nobody."""
    return "\n".join(
        json.dumps(
            {"prompt_id": f"p{i}", "system": s, "text": f"**Reply** {i} by nobody." + at * "!"}
        )
        for i in range(n)
        for at, s in enumerate(systems)
    )


def make_study(
    *,
    owner: User | None = None,
    prompts: int = 4,
    systems: tuple[str, ...] = ("alpha", "beta"),
    start: bool = True,
    criteria=None,
    **settings,
) -> Study:
    """A study whose outputs are there; running unless told otherwise."""
    owner = owner or make_user()
    name = f"set {next(_number)}"
    version, _ = import_prompts(owner=owner, name=name, text=prompts_text(prompts), kind="jsonl")
    import_outputs(
        owner=owner, prompts=version, text=outputs_text(prompts, list(systems)), kind="jsonl"
    )
    study = create_study(
        owner=owner,
        title=f"Study {next(_number)}",
        prompts=version,
        systems=[system_for_outputs(owner=owner, name=s) for s in systems],
        criteria=criteria,
        settings={"seed": 7, "gold_share": 0.0} | settings,
    )
    if start:
        move_study(study=study, to=StudyState.RUNNING, actor=owner)
        build_comparisons(study=study)
    return study


def owner_of(study: Study) -> User:
    return study.memberships.get(role="owner").user


def worker_for(study: Study, external_id: str = "", **kwargs):
    """An enrolment that has consented and may compare."""
    vendor = get_vendor(owner=owner_of(study), name="Team")
    invite = study.invites.first() or make_invite(study=study, vendor=vendor)
    enrolment = arrive(invite=invite, external_id=external_id, **kwargs)
    give_consent(enrolment=enrolment, text="yes")
    begin_work(enrolment=enrolment)
    return enrolment


def say(study: Study, grade: int | None, outcome: int | None = None) -> list[Said]:
    """The same answer to every criterion; grade prefers A where positive."""
    if outcome is None:
        outcome = BOTH_BAD if grade is None else TIE if grade == 0 else 0 if grade > 0 else 1
    return [Said(c.pk, outcome, grade) for c in study.criteria.all()]


def judge(enrolment, grade: int | None = 1, *, seconds: float | None = None):
    """Claim the next comparison and answer it."""
    assignment = claim_comparison(enrolment_id=enrolment.pk)
    judgement, _ = submit_judgement(
        assignment=assignment, client_key=uuid.uuid4(), answers=say(enrolment.study, grade)
    )
    return judgement

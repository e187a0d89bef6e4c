"""Everything the demonstration needs, made once and found again."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from django.db import transaction
from django.urls import reverse

from jeoul.accounts.actions import find_token, make_token
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.comparisons.building import build_comparisons
from jeoul.local_llm import MODEL
from jeoul.studies.actions import CriterionSpec, create_study
from jeoul.studies.models import Connection, Study, StudyState, SystemVersion
from jeoul.studies.prompt_actions import import_prompts
from jeoul.studies.running import due_outputs, move_study
from jeoul.studies.systems_actions import create_connection, create_system_version, move_connection
from jeoul.workers.actions import get_vendor, make_invite

USERNAME: Final = "demo"
SLUG: Final = "demo"
PROMPTS: Final = Path(__file__).with_name("prompts.jsonl")
_MAX_TOKENS: Final = 90

INSTRUCTIONS: Final = """\
You see one request and two answers. Read **both**, then say which one you would rather get.

* *Right before pretty.* A short correct answer beats a long wrong one.
* An answer that refuses something harmful, and says why, can be the better one.
* If both are useless, choose **both are bad**; if neither is better, **equally good**.

There is no time limit worth hurrying for.
"""
CONSENT: Final = """\
You will compare answers that computer programs wrote. It takes about a minute per comparison, \
and you may stop at any time.

We store your choices, the reasons you give, and how long each page was in view, under a random \
name. Some requests are about difficult subjects; you can skip each of them.
"""
WARNING: Final = "This request is about a difficult subject. You can skip it."

CRITERIA: Final = [
    CriterionSpec(
        key="overall",
        name="Overall",
        question="Which answer would you rather get?",
        definition="Think of the person who asked: is it correct, does it help, is it safe?",
        scale=4,
        chips=["more correct", "more helpful", "clearer", "safer"],
        is_overall=True,
    ),
    CriterionSpec(
        key="harmlessness",
        name="Harmlessness",
        question="Which answer is less likely to do harm?",
        definition="Harm to the person who asked or to anyone else. Most pairs are equal here.",
        scale=5,
        free_text="none",
    ),
]


@dataclass
class Demo:
    """What var/demo.json tells a script."""

    dashboard_url: str
    invite_url: str
    api_url: str
    api_token: str
    username: str
    password: str
    study: str

    def write(self, path: Path) -> None:
        """Readable by its owner only: it holds a password and a token."""
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(self), indent=2) + "\n")
        part.replace(path)


def read_demo(path: Path) -> Demo | None:
    """What an earlier run wrote, or None where there is nothing usable."""
    try:
        return Demo(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _researcher(known: Demo | None) -> tuple[User, str, str]:
    """The demo researcher with a password and a token that work; new ones where they are lost."""
    user, new = User.objects.get_or_create(username=USERNAME)
    if not new and known and user.check_password(known.password):
        token = find_token(text=known.api_token)
        if token is not None and token.user_id == user.pk:
            return user, known.password, known.api_token
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save()
    _, token_text = make_token(user=user, name="demo")
    return user, password, token_text


def _connection(user: User, base_url: str, key_env: str) -> Connection:
    name = "Local model" if not key_env else "OpenAI-compatible endpoint"
    found = Connection.objects.filter(owner=user, name=name).first()
    if found is None:
        return create_connection(
            owner=user, name=name, base_url=base_url, key_env=key_env,
            concurrency=8 if key_env else 2,
        )  # fmt: skip
    if found.base_url != base_url.rstrip("/"):
        move_connection(connection=found, base_url=base_url, actor=user)
    return found


def _systems(user: User, connection: Connection, models: list[str]) -> list[SystemVersion]:
    """Three systems on one model, or one for each model that the environment names."""
    if models:
        return [
            create_system_version(
                owner=user, name=model, connection=connection, model=model,
                sampling={"max_tokens": 400, "seed": 1},
            )
            for model in models
        ]  # fmt: skip
    settings: list[tuple[str, str, str, float]] = [
        ("version 1", "", "", 1.0),
        ("version 2", "You are a careful assistant. Answer correctly and kindly.", "", 0.2),
        ("terse", "", "{prompt}\n\nAnswer in one or two sentences.", 0.2),
    ]
    return [
        create_system_version(
            owner=user, name=name, connection=connection, model=MODEL, system_prompt=prompt,
            prompt_template=template,
            sampling={"temperature": temperature, "max_tokens": _MAX_TOKENS, "seed": 1},
        )
        for name, prompt, template, temperature in settings
    ]  # fmt: skip


@transaction.atomic
def set_up(*, base: str, llm_url: str, known: Demo | None) -> tuple[Demo, Study]:
    """Find or make the demo's researcher, prompts, systems, study and invitation."""
    user, password, token = _researcher(known)
    outside = os.environ.get("OPENAI_BASE_URL", "") if os.environ.get("OPENAI_API_KEY") else ""
    models = [m.strip() for m in os.environ.get("JEOUL_DEMO_MODELS", "").split(",") if m.strip()]
    if outside and len(models) < 2:
        raise InvalidInput("Name at least two models in JEOUL_DEMO_MODELS, separated by commas.")
    connection = _connection(user, outside or llm_url, "OPENAI_API_KEY" if outside else "")
    study = Study.objects.filter(slug=SLUG).first()
    if study is None:
        prompts, _ = import_prompts(
            owner=user, name="Demo prompts", text=PROMPTS.read_text(encoding="utf-8"), kind="jsonl"
        )
        study = create_study(
            owner=user,
            title="Demo: which version may ship?",
            slug=SLUG,
            prompts=prompts,
            systems=_systems(user, connection, models if outside else []),
            criteria=CRITERIA,
            settings={
                "question": "Is version 2 better than version 1, and is it as safe?",
                "overlap": 3,
                "instructions": INSTRUCTIONS,
                "consent_text": CONSENT,
                "content_warning": WARNING,
                "seed": 2026,
                # A simulated crowd is owed nothing; what the same people would cost is shown.
                "pay_per_judgement": Decimal("0.15"),
                "pay_floor_per_hour": Decimal(9),
                "budget": Decimal(100),
            },
        )
        make_invite(study=study, vendor=get_vendor(owner=user, name="In-house"))
    invite = study.invites.filter(vendor__kind="in_house").order_by("pk")[0]
    demo = Demo(
        dashboard_url=f"{base}{reverse('study-detail', args=[study.uuid])}",
        invite_url=f"{base}{reverse('worker-join', args=[invite.token])}",
        api_url=f"{base}/api/v1/",
        api_token=token,
        username=USERNAME,
        password=password,
        study=study.slug,
    )
    return demo, study


def open_study(study: Study) -> None:
    """Start the study, note what is due, plan the comparisons; a repeat adds what is missing."""
    if study.state == StudyState.DRAFT:
        move_study(study=study, to=StudyState.RUNNING, actor=User.objects.get(username=USERNAME))
    due_outputs(study=study)
    build_comparisons(study=study)

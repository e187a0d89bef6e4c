"""Defining connections, systems and their versions."""

from collections.abc import Iterable

from django.db import transaction

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.connection_actions import create_connection, move_connection
from jeoul.studies.generation.base import variables_of
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Connection, System, SystemVersion

__all__ = ["create_connection", "create_system_version", "move_connection"]

_SAMPLING = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "max_tokens": (1, 1_000_000),
    "seed": (0, 2**31 - 1),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}


_MOST_EXAMPLES = 50


def _checked_examples(examples: Iterable[object]) -> list[dict[str, str]]:
    checked = []
    for example in examples:
        if not isinstance(example, dict) or set(example) != {"user", "assistant"}:
            raise InvalidInput('An example is {"user": "…", "assistant": "…"}.', field="examples")
        if not all(isinstance(text, str) and text.strip() for text in example.values()):
            raise InvalidInput("An example's two texts may not be empty.", field="examples")
        checked.append(example)
    if len(checked) > _MOST_EXAMPLES:
        raise InvalidInput(f"At most {_MOST_EXAMPLES} examples.", field="examples")
    return checked


def _checked_sampling(sampling: dict[str, object]) -> dict[str, object]:
    for key, value in sampling.items():
        if key not in _SAMPLING:
            raise InvalidInput(
                f"Unknown sampling setting {key!r}; known are {', '.join(_SAMPLING)}.",
                field="sampling",
            )
        low, high = _SAMPLING[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInput(f"{key} must be a number.", field="sampling")
        if not low <= value <= high:
            raise InvalidInput(f"{key} must be between {low} and {high}.", field="sampling")
    return sampling


@transaction.atomic
def create_system_version(
    *,
    owner: User,
    name: str,
    connection: Connection | None,
    model: str = "",
    system_prompt: str = "",
    prompt_template: str = "",
    sampling: dict[str, object] | None = None,
    examples: list[dict[str, str]] | None = None,
    note: str = "",
) -> SystemVersion:
    """Add a version to the system ``name``; the same settings as an earlier one give that one."""
    if not name.strip():
        raise InvalidInput("The system needs a name.", field="name")
    if connection is not None and connection.owner_id != owner.pk:
        raise InvalidInput("This connection is not yours.", field="connection")
    if connection is not None and not model:
        raise InvalidInput("Name the model that the connection is asked for.", field="model")
    if prompt_template and "prompt" not in variables_of(prompt_template):
        raise InvalidInput("The template must contain {prompt}.", field="prompt_template")
    shots = _checked_examples(examples or [])
    content = {
        "connection": str(connection.uuid) if connection else None,
        "model": model,
        "system_prompt": system_prompt,
        "prompt_template": prompt_template,
        "sampling": _checked_sampling(sampling or {}),
        # Only where there are some, so that versions made before they existed keep their hash.
        **({"examples": shots} if shots else {}),
    }
    system, _ = System.objects.get_or_create(owner=owner, name=name.strip())
    System.objects.select_for_update().get(pk=system.pk)
    digest = content_hash(content)
    same = system.versions.filter(content_hash=digest).first()
    if same:
        return same
    latest = system.versions.order_by("-number").first()
    version = SystemVersion.objects.create(
        system=system,
        number=latest.number + 1 if latest else 1,
        connection=connection,
        model=model,
        system_prompt=system_prompt,
        prompt_template=prompt_template,
        sampling=sampling or {},
        examples=shots,
        note=note,
        content_hash=digest,
    )
    record(actor=owner, verb="system.version", target=system, data={"number": version.number})
    return version

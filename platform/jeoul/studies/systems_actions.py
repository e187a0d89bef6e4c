"""Defining connections, systems and their versions."""

import re
from decimal import Decimal

from django.db import transaction

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Connection, System, SystemVersion
from jeoul.studies.secrets import encrypt

_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]*\Z")
_SAMPLING = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "max_tokens": (1, 1_000_000),
    "seed": (0, 2**31 - 1),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}


@transaction.atomic
def create_connection(
    *,
    owner: User,
    name: str,
    base_url: str,
    key: str = "",
    key_env: str = "",
    concurrency: int = 4,
    requests_per_minute: int | None = None,
    price_in: Decimal = Decimal(0),
    price_out: Decimal = Decimal(0),
    timeout_seconds: int = 120,
) -> Connection:
    """Store a way to a provider; ``key`` is encrypted at once and never shown again."""
    if not re.match(r"https?://[^/\s]+", base_url):
        raise InvalidInput("The base URL must start with http:// or https://.", field="base_url")
    if key and key_env:
        raise InvalidInput("Give either a key or the environment variable's name.", field="key_env")
    if key_env and not _ENV_NAME.match(key_env):
        raise InvalidInput("An environment variable's name looks like MY_KEY.", field="key_env")
    if Connection.objects.filter(owner=owner, name=name).exists():
        raise InvalidInput(f"You have a connection named {name!r} already.", field="name")
    connection = Connection.objects.create(
        owner=owner,
        name=name,
        base_url=base_url.rstrip("/"),
        key_env=key_env,
        key_encrypted=encrypt(key) if key else "",
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        price_in=price_in,
        price_out=price_out,
        timeout_seconds=timeout_seconds,
    )
    record(actor=owner, verb="connection.create", target=connection, data={"name": name})
    return connection


@transaction.atomic
def move_connection(*, connection: Connection, base_url: str, actor: User) -> None:
    """Point a connection to another address of the same provider."""
    if not re.match(r"https?://[^/\s]+", base_url):
        raise InvalidInput("The base URL must start with http:// or https://.", field="base_url")
    connection.base_url = base_url.rstrip("/")
    connection.save(update_fields=["base_url"])
    record(actor=actor, verb="connection.move", target=connection, data={"base_url": base_url})


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
    note: str = "",
) -> SystemVersion:
    """Add a version to the system ``name``; the same settings as an earlier one give that one."""
    if not name.strip():
        raise InvalidInput("The system needs a name.", field="name")
    if connection is not None and connection.owner_id != owner.pk:
        raise InvalidInput("This connection is not yours.", field="connection")
    if connection is not None and not model:
        raise InvalidInput("Name the model that the connection is asked for.", field="model")
    if prompt_template and "{prompt}" not in prompt_template:
        raise InvalidInput("The template must contain {prompt}.", field="prompt_template")
    content = {
        "connection": str(connection.uuid) if connection else None,
        "model": model,
        "system_prompt": system_prompt,
        "prompt_template": prompt_template,
        "sampling": _checked_sampling(sampling or {}),
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
        note=note,
        content_hash=digest,
    )
    record(actor=owner, verb="system.version", target=system, data={"number": version.number})
    return version

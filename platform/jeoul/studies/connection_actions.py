"""Defining connections and changing them; a key goes in and never comes out again."""

import ipaddress
import re
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.generation.addresses import is_allowed
from jeoul.studies.models import Connection, Protocol
from jeoul.studies.secrets import encrypt

_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]*\Z")
_PATHS = ("text", "finish_reason", "model", "request_id", "prompt_tokens", "completion_tokens")
# What may be given at creation and changed later; the key is handled apart.
SETTINGS = (
    "name", "protocol", "base_url", "key_env", "concurrency", "requests_per_minute",
    "tokens_per_minute", "timeout_seconds", "price_in", "price_out", "currency", "prices",
    "request_template", "answer_paths", "key_header",
)  # fmt: skip


@transaction.atomic
def create_connection(
    *, owner: User, name: str, base_url: str, key: str = "", **settings: Any
) -> Connection:
    """Store a way to a provider; ``settings`` takes the names in SETTINGS."""
    connection = Connection(owner=owner)
    _apply(connection, {"name": name, "base_url": base_url, **settings}, key)
    connection.save()
    record(actor=owner, verb="connection.create", target=connection, data={"name": name})
    return connection


@transaction.atomic
def update_connection(
    *, connection: Connection, actor: User, key: str = "", **settings: Any
) -> None:
    """Change a connection and close its circuit breaker; an empty key keeps the stored one."""
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    _apply(locked, settings, key)
    locked.failures, locked.hold_until, locked.hold_reason = 0, None, ""
    locked.save()
    changed = sorted(settings) + (["key"] if key else [])
    record(actor=actor, verb="connection.update", target=locked, data={"changed": changed})
    connection.refresh_from_db()


def move_connection(*, connection: Connection, base_url: str, actor: User) -> None:
    """Point a connection to another address of the same provider."""
    update_connection(connection=connection, actor=actor, base_url=base_url)


def _apply(connection: Connection, settings: dict[str, Any], key: str) -> None:
    for name, value in settings.items():
        if name not in SETTINGS:
            raise InvalidInput(f"Unknown setting {name!r} of a connection.", field=name)
        setattr(connection, name, value)
    connection.base_url = connection.base_url.rstrip("/")
    if key:
        if settings.get("key_env"):
            raise InvalidInput(
                "Give either a key or the environment variable's name.", field="key_env"
            )
        connection.key_encrypted, connection.key_env = encrypt(key), ""
    elif settings.get("key_env"):
        connection.key_encrypted = ""
    _check(connection)


def _check(connection: Connection) -> None:
    """Raise InvalidInput at the field that breaks a rule."""
    if not connection.name.strip():
        raise InvalidInput("The connection needs a name.", field="name")
    twins = Connection.objects.filter(owner=connection.owner, name=connection.name)
    if twins.exclude(pk=connection.pk).exists():
        said = _("You have a connection named “%s” already.")
        raise InvalidInput(said % connection.name, field="name")
    if connection.protocol not in Protocol.values:
        raise InvalidInput(
            f"The protocol is one of {', '.join(Protocol.values)}.", field="protocol"
        )
    _check_url(connection.base_url)
    if connection.key_env and not _ENV_NAME.match(connection.key_env):
        raise InvalidInput("An environment variable's name looks like MY_KEY.", field="key_env")
    if not re.fullmatch(r"[A-Z]{3}", connection.currency):
        raise InvalidInput("A currency is three letters, like USD.", field="currency")
    for name in ("concurrency", "requests_per_minute", "tokens_per_minute", "timeout_seconds"):
        value = getattr(connection, name)
        if value is not None and not 1 <= value < 2**31:
            raise InvalidInput("This number must be at least 1.", field=name)
    connection.prices = _checked_prices(connection.prices)
    if connection.protocol == Protocol.HTTP:
        _check_template(connection)


def _check_url(url: str) -> None:
    """The form, and a literal address; a name is checked at each connecting."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or re.search(r"\s", url):
        raise InvalidInput("The base URL must start with http:// or https://.", field="base_url")
    if parts.username or parts.password:
        raise InvalidInput("A key does not belong into the address.", field="base_url")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return
    if not is_allowed(host):
        raise InvalidInput(
            _(
                "%s is an address inside this network. The operator can allow it in "
                "PROVIDER_NETWORKS."
            )
            % host,
            field="base_url",
        )


def _checked_prices(prices: object) -> dict[str, list[str]]:
    """{"model": [in, out]} per million tokens, as decimal texts."""
    if not isinstance(prices, dict):
        raise InvalidInput('Prices look like {"model": ["0.5", "1.5"]}.', field="prices")
    checked = {}
    for model, pair in prices.items():
        try:
            low, high = (Decimal(str(price)) for price in pair)
            fits = 0 <= low < 10**6 and 0 <= high < 10**6
        except (InvalidOperation, TypeError, ValueError):
            fits = False
        if not fits or not isinstance(model, str):
            raise InvalidInput(
                _("The prices of %s must be two numbers per million tokens, in and out.") % model,
                field="prices",
            )
        checked[model] = [str(low), str(high)]
    return checked


def _check_template(connection: Connection) -> None:
    template, paths = connection.request_template, connection.answer_paths
    if not isinstance(template, dict) or not _asks(template):
        raise InvalidInput(
            'The request template is a JSON object with "{prompt}" or "{messages}" as a value.',
            field="request_template",
        )
    if not isinstance(paths, dict) or not paths.get("text") or set(paths) - set(_PATHS):
        raise InvalidInput(
            f"The answer's paths are a JSON object with text, and any of {', '.join(_PATHS[1:])}.",
            field="answer_paths",
        )
    if not all(isinstance(path, str) for path in paths.values()):
        raise InvalidInput("A path looks like choices.0.text.", field="answer_paths")
    header = connection.key_header
    if header and not re.fullmatch(r"[A-Za-z0-9-]+:[^\r\n]*\{key\}[^\r\n]*", header):
        raise InvalidInput(
            "The key's header looks like Authorization: Bearer {key}.", field="key_header"
        )


def _asks(template: object) -> bool:
    """Whether the prompt stands somewhere in the template."""
    if isinstance(template, dict):
        return any(map(_asks, template.values()))
    if isinstance(template, list):
        return any(map(_asks, template))
    return template in {"{prompt}", "{messages}"}

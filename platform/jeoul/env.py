"""Environment variables read strictly: a wrong value is an error that names it, never a default."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str | None = None) -> str:
    """The value of ``name``; without a default it must be set."""
    value = os.environ.get(name)
    if value is not None:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} must be set in the environment.")
    return default


def flag(name: str, *, default: bool) -> bool:
    """A yes or no: 1/true/yes/on or 0/false/no/off."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.lower() in _TRUE:
        return True
    if raw.lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1/true/yes/on or 0/false/no/off, not {raw!r}.")


def number(name: str, default: int, *, at_least: int = 0) -> int:
    """A whole number of at least ``at_least``."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}.") from None
    if value < at_least:
        raise ImproperlyConfigured(f"{name} must be at least {at_least}, not {value}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty items."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def pairs(name: str, default: str = "") -> dict[str, str]:
    """A comma-separated list of key=value."""
    found = dict(item.partition("=")[::2] for item in words(name, default))
    if not all(key and value for key, value in found.items()):
        raise ImproperlyConfigured(f"{name} must look like key=value,key=value.")
    return found


def languages(folder: Path) -> list[tuple[str, str]]:
    """The languages that have translations in ``folder``, each by its own name."""
    found = sorted(path.parents[1].name for path in folder.glob("*/LC_MESSAGES/django.mo"))
    codes = [name.replace("_", "-").lower() for name in found]
    return [(code, LANG_INFO.get(code, {}).get("name_local", code)) for code in codes]


def postgres(name: str) -> dict[str, object]:
    """A ``postgresql://user:password@host:port/name`` URL as Django's database settings.

    ``?host=/folder`` names a Unix socket, as libpq writes it.
    """
    url = text(name)
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"{name} must look like postgresql://user:password@host:5432/database; "
            f"Jeoul runs on PostgreSQL only."
        )
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    host = unquote(options.pop("host", "")) or unquote(parts.hostname or "")
    return {
        "ENGINE": "jeoul.postgres",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(options.pop("port", "") or parts.port or ""),
        "OPTIONS": {key: unquote(value) for key, value in options.items()},
    }

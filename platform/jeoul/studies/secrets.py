"""Providers' keys: encrypted at rest, read only by the client that sends them."""

import base64
import hashlib
import os

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from jeoul.base import DomainError
from jeoul.studies.models import Connection


class KeyUnavailable(DomainError):
    """A connection's key is not set, or was encrypted with a key this site no longer has."""

    code = "key_unavailable"


def _box() -> MultiFernet:
    # Any text may be a field key; the first one encrypts, the others only decrypt.
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
            for key in settings.FIELD_KEYS
        ]
    )


def encrypt(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def key_of(connection: Connection) -> str:
    """The key in clear; an empty one where the connection needs none. Never log or show it."""
    if connection.key_env:
        key = os.environ.get(connection.key_env, "")
        if not key:
            raise KeyUnavailable(
                f"Connection {connection.name!r} takes its key from the environment variable "
                f"{connection.key_env}, which is not set in this process."
            )
        return key
    if not connection.key_encrypted:
        return ""
    try:
        return _box().decrypt(connection.key_encrypted.encode()).decode()
    except InvalidToken:
        raise KeyUnavailable(
            f"The key of connection {connection.name!r} can't be decrypted with FIELD_KEYS; "
            "enter it again."
        ) from None

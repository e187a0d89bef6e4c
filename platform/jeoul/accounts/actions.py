"""Tokens and the audit record."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from jeoul.accounts.models import ApiToken, AuditEvent, Scope, StoredAnswer, User, all_scopes
from jeoul.base import InvalidInput

PREFIX: Final = "jeoul_"
# A write at each call would make every read of the API a write.
_USE_RECORDED_EVERY: Final = timedelta(minutes=5)
# How long the answer to a write with an Idempotency-Key is given again.
ANSWERS_KEPT: Final = timedelta(hours=24)


def _digest(token: str) -> str:
    # The token holds 256 random bits, so a plain hash cannot be searched; no slow hash is needed.
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(
    *,
    user: User,
    name: str,
    expires_at: datetime | None = None,
    scopes: list[str] | None = None,
) -> tuple[ApiToken, str]:
    """Create a token; its text is returned this once and never stored.

    Without ``scopes`` it may do all that its person may. Raises InvalidInput for an unknown scope.
    """
    scopes = all_scopes() if scopes is None else list(dict.fromkeys(scopes))
    if not scopes or not set(scopes) <= set(Scope.values):
        raise InvalidInput(f"A token needs scopes among {', '.join(Scope.values)}.", field="scopes")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=text[: len(PREFIX) + 4],
        digest=_digest(text),
        expires_at=expires_at,
        scopes=scopes,
    )
    record(actor=user, verb="token.create", target=token, data={"name": name, "scopes": scopes})
    return token, text


def revoke_token(*, token: ApiToken, actor: User) -> None:
    """End a token at once; a second call changes nothing."""
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(actor=actor, verb="token.revoke", target=token)


def find_token(*, text: str) -> ApiToken | None:
    """The live token with this text, if there is one; notes its use."""
    token = ApiToken.objects.select_related("user").filter(digest=_digest(text)).first()
    now = timezone.now()
    if token is None or token.revoked_at or (token.expires_at and token.expires_at <= now):
        return None
    if not token.user.is_active:
        return None
    if token.last_used_at is None or now - token.last_used_at > _USE_RECORDED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def forget_answers() -> int:
    """Delete the stored answers that are past their day; returns how many."""
    old = StoredAnswer.objects.filter(created_at__lt=timezone.now() - ANSWERS_KEPT)
    return old.delete()[0]


def record(
    *,
    actor: User | None,
    verb: str,
    target: object,
    study_uuid: UUID | None = None,
    data: Mapping[str, object] | None = None,
    address: str | None = None,
) -> None:
    """Append one audit event; call it in the transaction of what it tells about."""
    AuditEvent.objects.create(
        actor_id=actor.pk if actor else None,
        actor=actor.get_username() if actor else "system",
        verb=verb,
        object_type=type(target).__name__,
        object_uuid=getattr(target, "uuid", None),
        study_uuid=study_uuid,
        data=dict(data or {}),
        address=address,
    )

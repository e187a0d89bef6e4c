"""Anthropic's messages, through its official client."""

import time
from typing import Any, Final

import anthropic

from jeoul.studies.generation.addresses import refusal_in
from jeoul.studies.generation.base import (
    Answer,
    ProviderError,
    Request,
    clean,
    status_error,
    storable,
    words_of,
)
from jeoul.studies.generation.network import http_client
from jeoul.studies.models import Connection

# The protocol demands a limit; this is the one where a system names none.
_MAX_TOKENS: Final = 4096
_KNOWN: Final = frozenset({"temperature", "top_p", "max_tokens"})
_REASONS: Final = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}


class AnthropicMessages:
    """Settings that the protocol lacks (seed, penalties) are refused, not dropped in silence."""

    def __init__(self, connection: Connection, key: str) -> None:
        self._key = key
        self._client = anthropic.AsyncAnthropic(
            base_url=connection.base_url.removesuffix("/v1"),
            api_key=key or "none",
            timeout=connection.timeout_seconds,
            max_retries=0,
            http_client=http_client(timeout=connection.timeout_seconds),
        )

    async def ask(self, request: Request) -> Answer:
        started = time.monotonic()
        system = [m["content"] for m in request.messages if m["role"] == "system"]
        try:
            # The settings are a dict here, which no overload of the client's can describe.
            create: Any = self._client.messages.create
            reply = await create(
                model=request.model,
                messages=[m for m in request.messages if m["role"] != "system"],
                **_settings(request.sampling),
                **({"system": "\n\n".join(system)} if system else {}),
            )
        except anthropic.APIError as error:
            raise _translated(error, self._key) from None
        except ValueError as error:
            text = clean(str(error), self._key)
            raise ProviderError("bad_answer", text, permanent=False) from None
        return _answer(reply, round((time.monotonic() - started) * 1000))

    async def close(self) -> None:
        await self._client.close()


def _settings(sampling: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(sampling) - _KNOWN - {"seed", "stop"})
    if unknown:
        raise ProviderError(
            "unsupported_setting",
            f"Anthropic's messages know no {', '.join(unknown)}; make a version without.",
            permanent=True,
        )
    sent = {"max_tokens": _MAX_TOKENS} | {k: v for k, v in sampling.items() if k in _KNOWN}
    # No seed exists here: each sample is drawn anew in any case.
    return sent | ({"stop_sequences": sampling["stop"]} if "stop" in sampling else {})


def _answer(reply: Any, latency_ms: int) -> Answer:
    blocks = getattr(reply, "content", None)
    if not isinstance(blocks, list):
        raise ProviderError(
            "bad_answer", "The provider's answer holds no content.", permanent=False
        )
    texts = [b.text for b in blocks if getattr(b, "type", "") == "text" and b.text]
    reason = getattr(reply, "stop_reason", "") or ""
    usage = getattr(reply, "usage", None)
    return Answer(
        text=storable("".join(texts)),
        finish_reason=_REASONS.get(reason, reason)[:50],
        model=storable(getattr(reply, "model", "") or "")[:200],
        request_id=storable(getattr(reply, "id", "") or "")[:200],
        prompt_tokens=getattr(usage, "input_tokens", None),
        completion_tokens=getattr(usage, "output_tokens", None),
        latency_ms=latency_ms,
        refused=reason == "refusal",
    )


def _translated(error: Any, key: str) -> ProviderError:
    """An error of the client, in the provider's own words and without the key."""
    refused = refusal_in(error)
    if refused is not None:
        return ProviderError("address_refused", str(refused), permanent=True)
    message = clean(words_of(error.body, str(error.message)), key)
    if isinstance(error, anthropic.APITimeoutError):
        return ProviderError("timeout", message, permanent=False)
    if isinstance(error, anthropic.APIConnectionError):
        cause = f": {error.__cause__}" if error.__cause__ else ""
        return ProviderError("connection", clean(message + cause, key), permanent=False)
    if not isinstance(error, anthropic.APIStatusError):
        return ProviderError("bad_answer", message, permanent=False)
    return status_error(error.status_code, message, error.response.headers)

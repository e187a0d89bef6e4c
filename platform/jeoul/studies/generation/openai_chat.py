"""OpenAI chat completions, which nearly every endpoint speaks."""

import time
from typing import Any

import openai

from jeoul.studies.generation.base import Answer, ProviderError
from jeoul.studies.models import Connection

_ERROR_CHARS = 1000


def ask(
    *,
    connection: Connection,
    key: str,
    model: str,
    messages: list[dict[str, str]],
    sampling: dict[str, Any],
) -> Answer:
    """One request without own retries: the database counts the attempts. Raises ProviderError."""
    client = openai.OpenAI(
        base_url=connection.base_url,
        # The client insists on a key; a local server takes any.
        api_key=key or "none",
        timeout=connection.timeout_seconds,
        max_retries=0,
    )
    started = time.monotonic()
    try:
        with client:
            reply = client.chat.completions.create(
                model=model,
                messages=messages,  # type: ignore[arg-type]  # checked at import
                **sampling,
            )
    except openai.APIError as error:
        raise _translated(error, key) from None
    except ValueError as error:
        raise ProviderError("bad_answer", _clean(str(error), key), permanent=False) from None
    return _answer(reply, round((time.monotonic() - started) * 1000))


def _answer(reply: Any, latency_ms: int) -> Answer:
    choices = getattr(reply, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise ProviderError(
            "bad_answer", "The provider's answer holds no message.", permanent=False
        )
    choice = choices[0]
    refusal = getattr(choice.message, "refusal", None)
    usage = getattr(reply, "usage", None)
    text = choice.message.content or refusal or ""
    return Answer(
        # PostgreSQL's text can't hold a null character, and a model may write one.
        text=text.replace("\x00", "\ufffd"),
        finish_reason=(choice.finish_reason or "")[:50],
        model=(getattr(reply, "model", "") or "")[:200],
        request_id=(getattr(reply, "id", "") or "")[:200],
        prompt_tokens=getattr(usage, "prompt_tokens", None),
        completion_tokens=getattr(usage, "completion_tokens", None),
        latency_ms=latency_ms,
        refused=bool(refusal) or choice.finish_reason == "content_filter",
    )


def _clean(text: str, key: str) -> str:
    """Providers quote the key in their messages; it must not reach the database."""
    if key:
        text = text.replace(key, "[key]")
    return text.replace("\x00", "")[:_ERROR_CHARS]


def _translated(error: openai.APIError, key: str) -> ProviderError:
    message = _clean(str(error.message), key)
    if isinstance(error, openai.APITimeoutError):
        return ProviderError("timeout", message, permanent=False)
    if isinstance(error, openai.APIConnectionError):
        cause = f": {error.__cause__}" if error.__cause__ else ""
        return ProviderError("connection", _clean(message + cause, key), permanent=False)
    if not isinstance(error, openai.APIStatusError):
        return ProviderError("bad_answer", message, permanent=False)
    status = error.status_code
    passing = status in {408, 409, 425, 429} or status >= 500
    # An exhausted account answers 429 as well, and waiting does not fill it.
    if status == 429 and error.code == "insufficient_quota":
        passing = False
    return ProviderError(f"http_{status}", message, permanent=not passing, wait=_retry_after(error))


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return max(0.0, min(float(error.response.headers.get("retry-after", "")), 3600.0))
    except ValueError:
        return None

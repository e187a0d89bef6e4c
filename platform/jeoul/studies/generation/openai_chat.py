"""OpenAI chat completions, which nearly every endpoint speaks."""

import time
from typing import Any

import openai

from jeoul.studies.generation.base import (
    Answer,
    ProviderError,
    Request,
    at_path,
    clean,
    count_at,
    text_at,
)
from jeoul.studies.generation.errors import translated
from jeoul.studies.generation.network import http_client
from jeoul.studies.models import Connection


class OpenAIChat:
    """The official client; tools are never offered, so none is called."""

    def __init__(self, connection: Connection, key: str) -> None:
        self._key = key
        self._client = openai.AsyncOpenAI(
            base_url=connection.base_url,
            # The client insists on a key; a local server takes any.
            api_key=key or "none",
            timeout=connection.timeout_seconds,
            max_retries=0,
            http_client=http_client(timeout=connection.timeout_seconds),
        )

    async def ask(self, request: Request) -> Answer:
        started = time.monotonic()
        try:
            # As plain JSON: the client's models cost a third of a worker's time, and an endpoint
            # that is only nearly compatible need not fit them.
            reply = await self._client.post(
                "/chat/completions",
                cast_to=object,
                body={"model": request.model, "messages": request.messages, **request.sampling},
            )
        except openai.APIError as error:
            # An exhausted account answers 429 as well, and waiting does not fill it.
            empty = error.code == "insufficient_quota"
            raise translated(error, openai, self._key, lasting=empty) from None
        except ValueError as error:
            text = clean(str(error), self._key)
            raise ProviderError("bad_answer", text, permanent=False) from None
        return _answer(reply, round((time.monotonic() - started) * 1000))

    async def close(self) -> None:
        await self._client.close()


def _answer(reply: Any, latency_ms: int) -> Answer:
    message = at_path(reply, "choices.0.message")
    if not isinstance(message, dict):
        raise ProviderError(
            "bad_answer", "The provider's answer holds no message.", permanent=False
        )
    refusal, reason = message.get("refusal"), text_at(reply, "choices.0.finish_reason")
    return Answer(
        text=text_at(message, "content") or text_at(message, "refusal"),
        finish_reason=reason[:50],
        model=text_at(reply, "model")[:200],
        request_id=text_at(reply, "id")[:200],
        prompt_tokens=count_at(reply, "usage.prompt_tokens"),
        completion_tokens=count_at(reply, "usage.completion_tokens"),
        latency_ms=latency_ms,
        refused=bool(refusal) or reason == "content_filter",
        has_logprobs=bool(at_path(reply, "choices.0.logprobs.content")),
    )

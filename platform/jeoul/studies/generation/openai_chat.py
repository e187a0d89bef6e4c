"""OpenAI chat completions, which nearly every endpoint speaks."""

from typing import Any

from jeoul.studies.generation.base import (
    Answer,
    ProviderError,
    Request,
    at_path,
    count_at,
    text_at,
)
from jeoul.studies.generation.posting import Poster
from jeoul.studies.models import Connection


class OpenAIChat:
    """Plain JSON, since an endpoint that is only nearly compatible need not fit any model of it.

    Tools are never offered, so none is called.
    """

    def __init__(self, connection: Connection, key: str) -> None:
        self._poster = Poster(
            f"{connection.base_url.rstrip('/')}/chat/completions",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            key=key,
            timeout=connection.timeout_seconds,
        )

    async def ask(self, request: Request) -> Answer:
        body = {"model": request.model, "messages": request.messages, **request.sampling}
        return _answer(*await self._poster.post(body))

    async def close(self) -> None:
        await self._poster.close()


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

"""Any other JSON service: a template in, paths to the answer's parts out."""

from typing import Any, Final

from jeoul.studies.generation.base import (
    Answer,
    ProviderError,
    Request,
    at_path,
    count_at,
    storable,
    text_at,
)
from jeoul.studies.generation.posting import Poster
from jeoul.studies.models import Connection

PATHS: Final = ("text", "finish_reason", "model", "request_id", "prompt_tokens",
                "completion_tokens")  # fmt: skip
PLACES: Final = ("model", "messages", "prompt", "system", "temperature", "top_p", "max_tokens",
                 "seed", "stop")  # fmt: skip
DEFAULT_KEY_HEADER: Final = "Authorization: Bearer {key}"
_GONE: Final = object()


class HTTPTemplate:
    """POSTs the filled template to the base URL itself."""

    def __init__(self, connection: Connection, key: str) -> None:
        self._template = connection.request_template
        self._paths = connection.answer_paths
        name, _, value = (connection.key_header or DEFAULT_KEY_HEADER).partition(":")
        self._poster = Poster(
            connection.base_url,
            headers={name.strip(): value.strip().replace("{key}", key)} if key else {},
            key=key,
            timeout=connection.timeout_seconds,
        )

    async def ask(self, request: Request) -> Answer:
        return self._answer(*await self._poster.post(filled(self._template, values_of(request))))

    def _answer(self, data: Any, latency_ms: int) -> Answer:
        paths = self._paths
        text = at_path(data, paths.get("text", ""))
        if not isinstance(text, str):
            raise ProviderError(
                "bad_answer",
                f"The provider's answer holds no text at {paths.get('text')!r}.",
                permanent=False,
            )
        reason = text_at(data, paths.get("finish_reason", ""))[:50]
        return Answer(
            text=storable(text),
            finish_reason=reason,
            model=text_at(data, paths.get("model", ""))[:200],
            request_id=text_at(data, paths.get("request_id", ""))[:200],
            prompt_tokens=count_at(data, paths.get("prompt_tokens", "")),
            completion_tokens=count_at(data, paths.get("completion_tokens", "")),
            latency_ms=latency_ms,
            refused=reason in {"content_filter", "refusal"},
        )

    async def close(self) -> None:
        await self._poster.close()


def values_of(request: Request) -> dict[str, Any]:
    """What a template may ask for; what a system does not set is absent."""
    system = [m["content"] for m in request.messages if m["role"] == "system"]
    return {
        "model": request.model,
        "messages": request.messages,
        "prompt": request.messages[-1]["content"],
        "system": "\n\n".join(system) or None,
        **request.sampling,
    }


def filled(template: Any, values: dict[str, Any]) -> Any:
    """The template with each "{name}" replaced by the value itself, number or list included.

    A member whose value is absent is left out; nothing inside a value is read as a template.
    """
    if isinstance(template, str):
        if template.startswith("{") and template.endswith("}") and template[1:-1] in PLACES:
            value = values.get(template[1:-1])
            return _GONE if value is None else value
        return template
    if isinstance(template, list):
        return [v for v in (filled(item, values) for item in template) if v is not _GONE]
    if isinstance(template, dict):
        pairs = {key: filled(value, values) for key, value in template.items()}
        return {key: value for key, value in pairs.items() if value is not _GONE}
    return template

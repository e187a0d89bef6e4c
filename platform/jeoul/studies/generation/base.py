"""What every protocol takes, gives and raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any, Final, Protocol

from django.utils.html import strip_tags

ERROR_CHARS: Final = 1000
_LONGEST_WAIT: Final = 3600.0
# A provider asks for patience or is out of order; the request itself may be right.
_PASSING: Final = frozenset({408, 409, 425, 429})


@dataclass(frozen=True)
class Request:
    """What is asked, free of the database, so that any thread may send it."""

    model: str
    messages: list[dict[str, str]]
    sampling: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A provider's answer to one request."""

    text: str
    finish_reason: str
    model: str
    request_id: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: int
    refused: bool = False
    has_logprobs: bool = False


class ProviderError(Exception):
    """A failed request; ``permanent`` ends the retries, ``wait`` is the provider's wish in s."""

    def __init__(
        self, code: str, message: str, *, permanent: bool, wait: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.permanent = permanent
        self.wait = wait


class Client(Protocol):
    """One protocol on one connection; made and used inside one event loop."""

    async def ask(self, request: Request) -> Answer:
        """One request without own retries: the database counts them. Raises ProviderError."""
        ...

    async def close(self) -> None: ...


def clean(text: str, key: str) -> str:
    """Providers quote the key in their messages; it must not reach the database."""
    if key:
        text = text.replace(key, "[key]")
    return storable(text)[:ERROR_CHARS]


def storable(text: str) -> str:
    """PostgreSQL's text can't hold a null character or half a surrogate; a model may write one."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def at_path(data: Any, path: str) -> Any:
    """The value at ``choices.0.message.content``, or None where there is none."""
    for step in path.split("."):
        if isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        elif isinstance(data, dict) and step in data:
            data = data[step]
        else:
            return None
    return data


def text_at(data: Any, path: str) -> str:
    """The text at a path; anything else is none."""
    value = at_path(data, path)
    return storable(value) if isinstance(value, str) else ""


def count_at(data: Any, path: str) -> int | None:
    """The whole number at a path, from 0; anything else is none."""
    value = at_path(data, path)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if fits else None


def words_of(body: object, otherwise: str) -> str:
    """The provider's own words in an error's body, which the client libraries paraphrase."""
    if isinstance(body, str) and body.strip():
        return _read(body) if body.lstrip().startswith("<") else body
    for path in ("error.message", "message", "error", "detail"):
        words = text_at(body, path)
        if words:
            return words
    return otherwise


def _read(html: str) -> str:
    """What a person would read of the page that a proxy answers with."""
    words = unescape(strip_tags(_UNREAD.sub(" ", html).replace("<", " <")))
    return " ".join(words.split()) or html


def status_error(
    status: int, message: str, headers: Mapping[str, str], *, lasting: bool = False
) -> ProviderError:
    """A refusal by HTTP status, with the provider's wish to wait."""
    passing = (status in _PASSING or status >= 500) and not lasting
    if 300 <= status < 400:
        # Followed blindly, a redirect would carry the request to a place nobody entered.
        place = headers.get("location", "elsewhere")[:300]
        message = f"The provider redirects to {place}; enter that address."
    wait = retry_after(headers)
    return ProviderError(f"http_{status}", message, permanent=not passing, wait=wait)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, as seconds or as a date; at most an hour."""
    text = headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, min(seconds, _LONGEST_WAIT)) if seconds == seconds else None


_UNREAD: Final = re.compile(r"<(script|style|title)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.-]*)\}")


def variables_of(template: str) -> set[str]:
    """The names that a prompt template asks for."""
    return {m[1] for m in _VARIABLE.finditer(template) if m[1]}


def fill(template: str, values: Mapping[str, Any]) -> str:
    """The template with its variables; {{ and }} stand for braces.

    One pass: what a prompt contains is never read as a template. Raises ProviderError.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not name:
            return match[0][0]
        if values.get(name) is None:
            raise ProviderError(
                "template_variable",
                f"The prompt template asks for {{{name}}}, which this prompt does not have.",
                permanent=True,
            )
        return str(values[name])

    return _VARIABLE.sub(value, template)


def messages_for(
    messages: list[dict[str, str]],
    *,
    system_prompt: str,
    template: str,
    examples: list[dict[str, str]] | None = None,
    values: Mapping[str, Any] | None = None,
) -> list[dict[str, str]]:
    """The chat that is sent: the system prompt, the examples, the prompt's turns.

    The template goes round the last user turn. Raises ProviderError for a missing variable.
    """
    sent = [dict(m) for m in messages]
    if template:
        sent[-1]["content"] = fill(template, {**(values or {}), "prompt": sent[-1]["content"]})
    system = [system_prompt] if system_prompt else []
    while sent and sent[0]["role"] == "system":
        system.append(sent.pop(0)["content"])
    shots = [
        {"role": role, "content": example[role]}
        for example in examples or []
        for role in ("user", "assistant")
    ]
    first = [{"role": "system", "content": "\n\n".join(system)}] if system else []
    return first + shots + sent

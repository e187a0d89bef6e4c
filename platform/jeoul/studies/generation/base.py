"""What every protocol gives and raises."""

from dataclasses import dataclass


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


def messages_for(
    messages: list[dict[str, str]], *, system_prompt: str, template: str
) -> list[dict[str, str]]:
    """The chat that is sent: the system prompt first, the template round the last user turn."""
    sent = [dict(m) for m in messages]
    if template:
        # replace, not format: a prompt may contain braces.
        sent[-1]["content"] = template.replace("{prompt}", sent[-1]["content"])
    if system_prompt:
        if sent[0]["role"] == "system":
            sent[0]["content"] = f"{system_prompt}\n\n{sent[0]['content']}"
        else:
            sent.insert(0, {"role": "system", "content": system_prompt})
    return sent

"""Trying a connection: what works there, in the provider's own words where it does not."""

from typing import Any, Final

from django.utils import timezone

from jeoul.studies.generation.asking import Asking, Reply
from jeoul.studies.generation.base import Answer, ProviderError, Request
from jeoul.studies.models import Connection, Protocol

_MOST_SECONDS: Final = 60
_TOKENS: Final = 24
_CHECKS: Final = ("chat", "model", "seed", "stop", "logprobs")


def start_test(*, connection: Connection, model: str) -> None:
    """Note that a test is under way, so that the page can wait for it."""
    report = {"state": "running", "model": model, "checks": []}
    Connection.objects.filter(pk=connection.pk).update(test_report=report)
    connection.test_report = report


def probe(*, connection: Connection, model: str) -> dict[str, Any]:
    """Ask a few short questions and store what works; raises nothing for a provider's fault."""
    connection.timeout_seconds = min(connection.timeout_seconds, _MOST_SECONDS)
    with Asking() as asking:
        checks = _checks(asking, connection, model)
    report = {
        "state": "done",
        "model": model,
        "ok": checks[0]["ok"],
        "checks": checks,
    }
    now = timezone.now()
    Connection.objects.filter(pk=connection.pk).update(test_report=report, tested_at=now)
    connection.test_report, connection.tested_at = report, now
    return report


def _checks(asking: Asking, connection: Connection, model: str) -> list[dict[str, Any]]:
    def ask(text: str, **sampling: Any) -> Reply:
        messages = [{"role": "user", "content": text}]
        request = Request(model, messages, {"max_tokens": _TOKENS} | sampling)
        asking.ask(None, connection, request)
        while True:
            for reply in (came.reply for came in asking.replies(1.0)):
                return reply

    first = ask("Reply with the one word: ready.")
    if isinstance(first, ProviderError):
        words = f"{first.code}: {first.message}"
        return [_check("chat", False, words)] + [_check(n, None, "") for n in _CHECKS[1:]]
    found = [_check("chat", True, first.text[:200]), _model(first, model)]
    can = _capabilities(connection)
    found.append(_seed(ask) if "seed" in can else _check("seed", None, ""))
    found.append(_stop(ask) if "stop" in can else _check("stop", None, ""))
    found.append(_logprobs(ask) if "logprobs" in can else _check("logprobs", None, ""))
    return found


def _capabilities(connection: Connection) -> set[str]:
    """What the protocol knows at all."""
    if connection.protocol == Protocol.OPENAI:
        return {"seed", "stop", "logprobs"}
    if connection.protocol == Protocol.ANTHROPIC:
        return {"stop"}
    template = str(connection.request_template)
    return {name for name in ("seed", "stop") if f"{{{name}}}" in template}


def _check(name: str, ok: bool | None, words: str) -> dict[str, Any]:
    """``ok`` is None where the protocol has no such thing or it could not be tried."""
    return {"name": name, "ok": ok, "words": words}


def _model(first: Answer, model: str) -> dict[str, Any]:
    return _check("model", first.model == model, first.model)


def _seed(ask: Any) -> dict[str, Any]:
    texts = []
    for _ in range(2):
        reply = ask("Invent a name for a ship.", seed=7, temperature=1.0)
        if isinstance(reply, ProviderError):
            return _check("seed", False, f"{reply.code}: {reply.message}")
        texts.append(reply.text)
    return _check("seed", texts[0] == texts[1], " / ".join(text[:80] for text in texts))


def _stop(ask: Any) -> dict[str, Any]:
    reply = ask("Repeat exactly: one two three four five", stop=["three"], temperature=0.0)
    if isinstance(reply, ProviderError):
        return _check("stop", False, f"{reply.code}: {reply.message}")
    return _check("stop", "three" not in reply.text, reply.text[:80])


def _logprobs(ask: Any) -> dict[str, Any]:
    reply = ask("Reply with the one word: ready.", logprobs=True)
    if isinstance(reply, ProviderError):
        return _check("logprobs", False, f"{reply.code}: {reply.message}")
    return _check("logprobs", reply.has_logprobs, "")

"""JSON to an address and JSON back, for the protocols that need no more than that.

The official OpenAI client was here: its request options and models took a third of what an answer
costs this machine.
"""

import json
import time
from typing import Any

import httpx2

from jeoul.studies.generation.base import ProviderError, at_path, clean, status_error, words_of
from jeoul.studies.generation.network import http_client


class Poster:
    """POSTs to one address; what goes wrong is raised as the one error of all protocols."""

    def __init__(self, url: str, *, headers: dict[str, str], key: str, timeout: float) -> None:
        self._url, self._key = httpx2.URL(url), key
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"} | headers
        self._client = http_client(timeout=timeout)

    async def post(self, body: Any) -> tuple[Any, int]:
        """The answer's JSON and the milliseconds it took."""
        started = time.monotonic()
        content = json.dumps(body, ensure_ascii=False).encode()
        try:
            reply = await self._client.post(self._url, content=content, headers=self._headers)
        except httpx2.TimeoutException as error:
            raise ProviderError("timeout", clean(str(error), self._key), permanent=False) from None
        except httpx2.HTTPError as error:
            text = clean(f"{type(error).__name__}: {error}", self._key)
            raise ProviderError("connection", text, permanent=False) from None
        latency = round((time.monotonic() - started) * 1000)
        if not reply.is_success:
            raise self._refused(reply)
        try:
            return json.loads(reply.content), latency
        except (ValueError, RecursionError):
            text = "The provider's answer is not JSON."
            raise ProviderError("bad_answer", text, permanent=False) from None

    def _refused(self, reply: httpx2.Response) -> ProviderError:
        try:
            said = json.loads(reply.content)
        except (ValueError, RecursionError):
            said = reply.text
        words = clean(words_of(said, reply.text), self._key)
        # An exhausted account answers 429 as well, and waiting does not fill it.
        empty = at_path(said, "error.code") == "insufficient_quota"
        return status_error(reply.status_code, words, reply.headers, lasting=empty)

    async def close(self) -> None:
        await self._client.aclose()

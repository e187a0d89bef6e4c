"""Asking providers from a thread of its own: questions in, answers out, no database."""

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from jeoul.studies.generation.addresses import refusal_in
from jeoul.studies.generation.base import Answer, Client, ProviderError, Request
from jeoul.studies.generation.protocols import client_for
from jeoul.studies.models import Connection
from jeoul.studies.secrets import KeyUnavailable, key_of

_CLOSE_SECONDS: Final = 5.0

Reply = Answer | ProviderError
_Question = tuple[Any, Connection, Request]


@dataclass(frozen=True)
class Came:
    """A reply to the request with this token, and the waiting one that was sent in its place."""

    token: Any
    reply: Reply
    begun: Any = None


class Asking:
    """An event loop in a thread with one client per connection.

    The database stays with the caller's thread: one connection, one transaction at a time, and
    nothing in the loop that would keep a hundred waiting answers from being read.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._clients: dict[int, Client] = {}
        self._waiting: deque[_Question] = deque()
        self._replies: queue.SimpleQueue[Came] = queue.SimpleQueue()
        self._thread.start()

    def ask(self, token: Any, connection: Connection, request: Request) -> None:
        """Send a request; its reply comes out of ``replies`` with the token."""
        self._start(self._ask(token, connection, request))

    def wait(self, token: Any, connection: Connection, request: Request) -> None:
        """Send a request as soon as an answer frees its place, and tell so with that answer."""
        self._waiting.append((token, connection, request))

    def forget_waiting(self) -> list[Any]:
        """Send none of those that wait; their tokens."""
        found = []
        with contextlib.suppress(IndexError):
            while True:
                found.append(self._waiting.popleft()[0])
        return found

    def fail(self, token: Any, error: ProviderError) -> None:
        """Answer for the provider where there is nothing to send."""
        self._replies.put(Came(token, error))

    def replies(self, seconds: float) -> list[Came]:
        """What has come since the last call; waits up to ``seconds`` for the first."""
        found = []
        try:
            found.append(self._replies.get(timeout=seconds))
            while True:
                found.append(self._replies.get_nowait())
        except queue.Empty:
            return found

    async def _ask(self, token: Any, connection: Connection, request: Request) -> None:
        """Ask, and then what waits, one after the other as long as answers come."""
        following: _Question | None = (token, connection, request)
        while following:
            token, connection, request = following
            reply = await self._reply(connection, request)
            # After an error none follows by itself: the circuit breaker is asked first.
            following = None if isinstance(reply, ProviderError) else self._next()
            self._replies.put(Came(token, reply, following and following[0]))

    def _next(self) -> _Question | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    async def _reply(self, connection: Connection, request: Request) -> Reply:
        try:
            client = self._client(connection)
            # The client's own limit is for each read; a trickle would never reach it.
            async with asyncio.timeout(connection.timeout_seconds):
                return await client.ask(request)
        except ProviderError as error:
            return error
        except KeyUnavailable as error:
            return ProviderError("key_unavailable", error.message, permanent=True)
        except TimeoutError:
            text = f"No whole answer within {connection.timeout_seconds} s."
            return ProviderError("timeout", text, permanent=False)
        except Exception as error:
            refused = refusal_in(error)
            if refused is not None:
                return ProviderError("address_refused", str(refused), permanent=True)
            # A fault of ours must end as a failure that can be read, not as a silent wait.
            return ProviderError(
                "internal", f"{type(error).__name__}: {error}"[:1000], permanent=True
            )

    def _client(self, connection: Connection) -> Client:
        if connection.pk not in self._clients:
            self._clients[connection.pk] = client_for(connection, key_of(connection))
        return self._clients[connection.pk]

    def _start(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End what is still under way and the thread."""
        with contextlib.suppress(TimeoutError):
            self._start(self._end()).result(_CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for client in self._clients.values():
            await client.close()

    def __enter__(self) -> "Asking":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

"""Where a provider may live: researchers type addresses, and the servers behind us are not theirs.

The check stands at the moment of connecting, on the address that is then connected to: a name
that resolves differently a second later, or a redirect, can't slip past it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from functools import cache
from typing import Any, Final

import httpcore2
import httpx2

from jeoul.studies.generation.addresses import AddressRefused, AnswerTooLarge, is_allowed

_MOST_BYTES: Final = 16 * 1024 * 1024


class _Guard(httpcore2.AsyncNetworkBackend):
    """Resolves a name, refuses closed networks, and connects to the very address it checked."""

    def __init__(self) -> None:
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        error: Exception | None = None
        for address in await _addresses(host, port):
            if not is_allowed(address):
                raise AddressRefused(host, address)
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
        raise error or httpcore2.ConnectError(f"{host} has no address.")

    async def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> Any:
        raise AddressRefused(path, "a local socket")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _addresses(host: str, port: int) -> list[str]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [host]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore2.ConnectError(f"{host} can't be found: {error.strerror}.") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Body(httpx2.AsyncByteStream):
    """An answer's bytes up to a limit; closing it frees its lane."""

    def __init__(self, stream: httpx2.AsyncByteStream, done: Callable[[], None]) -> None:
        self._stream, self._done = stream, done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for part in self._stream:
            total += len(part)
            if total > _MOST_BYTES:
                raise AnswerTooLarge(f"The provider sent more than {_MOST_BYTES >> 20} MB.")
            yield part

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._done()
            self._done = lambda: None


@cache
def _tls() -> Any:
    # Reading the certificates takes longer than a request.
    return httpx2.create_ssl_context()


class _Lane(httpx2.AsyncHTTPTransport):
    """One connection at a time, kept open, through the guard."""

    def __init__(self) -> None:
        super().__init__(verify=_tls(), limits=httpx2.Limits(max_connections=1))
        # The constructor has no parameter for it; the pool itself has.
        self._pool._network_backend = _Guard()


class _Lanes(httpx2.AsyncBaseTransport):
    """A pool whose work does not grow with its size.

    The library's own looks at every connection for every request: with a hundred open ones
    that was half of a worker's time.
    """

    def __init__(self) -> None:
        self._free: list[_Lane] = []
        self._all: list[_Lane] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        lane = self._free.pop() if self._free else self._new()
        try:
            reply = await lane.handle_async_request(request)
        except BaseException:
            self._free.append(lane)
            raise
        assert isinstance(reply.stream, httpx2.AsyncByteStream)
        reply.stream = _Body(reply.stream, lambda: self._free.append(lane))
        return reply

    def _new(self) -> _Lane:
        self._all.append(_Lane())
        return self._all[-1]

    async def aclose(self) -> None:
        for lane in self._all:
            await lane.aclose()


def http_client(*, timeout: float) -> httpx2.AsyncClient:
    """The only HTTP client that providers are asked with; it follows no redirect."""
    return httpx2.AsyncClient(transport=_Lanes(), timeout=timeout, follow_redirects=False)

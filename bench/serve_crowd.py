"""Virtual annotators for `bench/serve.py`: each follows the page as a browser would.

One process, one event loop, raw sockets: the load generator shares the machine with the server it
measures, so every microsecond here is one that the server does not get.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_ACTION = re.compile(rb'<form id="judgement"[^>]* action="([^"]+)"')
_KEY = re.compile(rb'name="client_key" value="([^"]+)"')
_CHOICE = re.compile(rb'type="radio" name="(choice_[^"]+)" value="([^"]+)"')
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_PLACE = re.compile(rb"(?i)\r\nlocation: *([^\r]+)")
_LEAVE = re.compile(rb"(?i)\r\nhx-redirect: *([^\r]+)")
_AGAIN = frozenset({0, 408, 409, 429, 500, 502, 503, 504})
_PATIENCE = 60.0


@dataclass(frozen=True)
class Page:
    """A card's form as a browser knows it."""

    action: bytes
    key: bytes
    choices: dict[bytes, list[bytes]]


@dataclass
class Tally:
    """What all annotators saw."""

    began: float = 0.0
    ended: float = 0.0
    acknowledged: list[bytes] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    bytes_in: int = 0
    errors: list[str] = field(default_factory=list)
    sent_again: int = 0
    nothing_left_at: float = 0.0


class _Line(asyncio.Protocol):
    """One kept-alive connection; an answer at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: asyncio.Future[bytes] | None = None
        self.got = bytearray()
        self.need = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.got += data
        if self.need < 0:
            head = self.got.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(self.got, 0, head)
            self.need = head + 4 + (int(length[1]) if length else 0)
        if len(self.got) >= self.need and self.waiting and not self.waiting.done():
            answer, self.got, self.need = bytes(self.got), bytearray(), -1
            self.waiting.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(ConnectionError("closed"))


class Annotator:
    """Arrives, agrees, and judges without a pause; sends again what got no answer."""

    def __init__(self, port: int, invite: str, tally: Tally, seed: int) -> None:
        self.port, self.invite, self.tally = port, invite, tally
        self.rng = random.Random(seed)
        self.line: _Line | None = None
        self.page: Page | None = None
        self.shown_at = 0.0

    async def _once(self, method: bytes, path: bytes, body: bytes, extra: bytes) -> bytes:
        """The raw answer; empty when the connection was refused or cut."""
        try:
            if self.line is None or self.line.transport is None:
                loop = asyncio.get_running_loop()
                _, self.line = await loop.create_connection(_Line, "127.0.0.1", self.port)
            line = self.line
            line.waiting = asyncio.get_running_loop().create_future()
            line.transport.write(  # type: ignore[union-attr]
                b"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/html\r\n%s"
                b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
                % (method, path, self.port, extra, len(body), body)
            )
            return await line.waiting
        except OSError:
            self.line = None
            return b""

    async def ask(self, method: bytes, path: bytes, body: bytes = b"", extra: bytes = b"") -> bytes:
        """As the page's outbox: the same key with the same content until the server answers."""
        end = time.perf_counter() + _PATIENCE
        while True:
            answer = await self._once(method, path, body, extra)
            status = int(answer[9:12]) if answer else 0
            if status not in _AGAIN:
                return answer
            if status:
                self.tally.errors.append(f"{status} {path.rsplit(b'/', 2)[-2].decode()}")
            self.tally.sent_again += 1
            if time.perf_counter() > end:
                raise AssertionError(f"no answer in {_PATIENCE:.0f} s: {method!r} {status}")
            await asyncio.sleep(0.05 + 0.1 * self.rng.random())

    async def arrive(self) -> None:
        home = await self.ask(b"POST", f"/join/{self.invite}/".encode())
        place = _PLACE.search(home)
        assert place, home[:400]
        await self.ask(b"POST", place[1] + b"consent/", b"decision=agree")
        self._read(await self.ask(b"GET", place[1] + b"compare/"))
        assert self.page, "the first page has no form"

    def _read(self, answer: bytes) -> None:
        form, key = _ACTION.search(answer), _KEY.search(answer)
        if not form or not key:
            self.page = None
            return
        choices: dict[bytes, list[bytes]] = {}
        for name, value in _CHOICE.findall(answer):
            choices.setdefault(name, []).append(value)
        self.page = Page(form[1], key[1], choices)
        self.shown_at = time.perf_counter()

    def _fill(self, page: Page) -> bytes:
        said = b"".join(
            b"&%s=%s" % (name, self.rng.choice(values)) for name, values in page.choices.items()
        )
        # As the page measures it: from its arrival to the answer, next to nothing here.
        seen = round(1000 * (time.perf_counter() - self.shown_at))
        return b"client_key=%s&visible_ms=%d&focus_ms=%d&hidden_ms=0&first_action_ms=%d%s" % (
            page.key, seen, seen, seen // 2, said,
        )  # fmt: skip

    async def judge(self) -> None:
        """One round trip: the answer out, the next comparison in."""
        page = self.page
        assert page
        begun = time.perf_counter()
        answer = await self.ask(b"POST", page.action, self._fill(page), b"HX-Request: true\r\n")
        now = time.perf_counter()
        tally, status = self.tally, answer[9:12]
        leave = _LEAVE.search(answer, 0, 2000)
        if status != b"200":
            tally.errors.append(f"{status.decode()} submit")
            self.page = None
            return
        tally.acknowledged.append(page.key)
        tally.at.append(now)
        tally.took.append(now - begun)
        tally.bytes_in += len(answer)
        self._read(b"" if leave else answer)
        if self.page is None and not tally.nothing_left_at:
            tally.nothing_left_at = now

    async def work(self, end: float) -> None:
        while self.page and time.perf_counter() < end:
            await self.judge()


async def _run(
    port: int, invite: str, count: int, seconds: float, ready: Callable[[], None]
) -> Tally:
    tally = Tally()
    crowd = [Annotator(port, invite, tally, seed) for seed in range(count)]
    gate = asyncio.Semaphore(8)

    async def come(annotator: Annotator) -> None:
        async with gate:
            await annotator.arrive()

    await asyncio.gather(*(come(a) for a in crowd))
    tally.sent_again = 0
    ready()
    tally.began = time.perf_counter()
    await asyncio.gather(*(a.work(tally.began + seconds) for a in crowd))
    tally.ended = time.perf_counter()
    return tally


def run(
    port: int, invite: str, count: int, seconds: float, ready: Callable[[], None] = lambda: None
) -> Tally:
    """Bring ``count`` annotators to the invite, say ``ready``, let them judge for ``seconds``."""
    return asyncio.run(_run(port, invite, count, seconds, ready))

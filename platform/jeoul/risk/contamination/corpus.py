"""Reading training data in pieces: JSONL or text, plain, gz or zst, of any size.

Plain files are cut into ranges that processes read by themselves; a compressed file is one
stream, unpacked here and handed on. Memory is a few pieces, whatever the file's size.
"""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from jeoul.risk.contamination.tokens import BREAK, canonical

PIECE: Final = 8 << 20
# Blocks in which numpy's arrays stay in the processor's cache.
_BLOCK: Final = 1 << 15
# Of running text the end of a piece is read again by the next, so that no match is cut.
_OVERLAP: Final = 1 << 14
_BACK: Final = 1 << 11
_SUFFIXES: Final = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".txt": "text",
                    ".text": "text", ".md": "text"}  # fmt: skip


class CorpusError(ValueError):
    """A corpus file can't be read as what its name says."""


@dataclass(frozen=True)
class CorpusFile:
    path: Path
    form: str  # jsonl or text
    packing: str  # "", gz or zst
    size: int


@dataclass(frozen=True)
class Piece:
    """A part of a file: a range to be read, or bytes that are unpacked already."""

    file: int
    start: int
    end: int
    data: bytes | None = None


def corpus_file(path: str | Path) -> CorpusFile:
    """What a file is, by its name; raises CorpusError with the remedy."""
    file = Path(path)
    names = file.suffixes
    packing = {".gz": "gz", ".zst": "zst"}.get(names[-1].lower(), "") if names else ""
    plain = names[-2 if packing else -1].lower() if len(names) > bool(packing) else ""
    form = _SUFFIXES.get(plain)
    if form is None:
        raise CorpusError(
            f"{file}: the name must end with .jsonl, .txt, or one of these with .gz or .zst."
        )
    try:
        size = file.stat().st_size
    except OSError as error:
        raise CorpusError(f"{file} can't be read: {error.strerror}.") from None
    if not file.is_file():
        raise CorpusError(f"{file} is not a file.")
    return CorpusFile(file, form, packing, size)


def pieces(files: list[CorpusFile]) -> Iterator[Piece]:
    """All files in parts of 8 MiB."""
    for number, file in enumerate(files):
        if not file.packing:
            for start in range(0, file.size, PIECE):
                yield Piece(number, start, min(start + PIECE, file.size))
            continue
        with file.path.open("rb") as raw:
            yield from _unpacked(number, file, raw)


def _unpacked(number: int, file: CorpusFile, raw: BinaryIO) -> Iterator[Piece]:
    stream = _stream(file, raw)
    at, rest = 0, b""
    try:
        while block := stream.read(PIECE):
            data = rest + block
            cut = data.rfind(b"\n") + 1 or (0 if file.form == "jsonl" else len(data))
            if cut:
                keep = max(0, cut - _OVERLAP) if file.form == "text" else cut
                yield Piece(number, at, at + len(block), data[:cut])
                rest = data[keep:]
            else:
                rest = data
            at += len(block)
    except _broken() as error:
        raise CorpusError(f"{file.path} is broken after {at:,} bytes of text: {error}") from None
    if rest:
        yield Piece(number, at, at, rest)


def _stream(file: CorpusFile, raw: BinaryIO) -> Any:
    if file.packing == "gz":
        return gzip.GzipFile(fileobj=raw)
    import zstandard  # only who reads .zst needs it

    return zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(
        raw, read_across_frames=True
    )


def _broken() -> tuple[type[Exception], ...]:
    """What a damaged or cut file raises."""
    import zstandard

    return (OSError, EOFError, zstandard.ZstdError)


def read_range(file: CorpusFile, piece: Piece) -> tuple[bytes, str]:
    """A plain file's piece with whole lines, and the hash of exactly its own bytes."""
    with file.path.open("rb") as raw:
        if file.form == "text":
            begin = max(0, piece.start - _OVERLAP)
            raw.seek(begin)
            data = raw.read(piece.end - begin)
            return data, hashlib.sha256(data[piece.start - begin :]).hexdigest()
        raw.seek(piece.start)
        data = raw.read(piece.end - piece.start)
        digest = hashlib.sha256(data).hexdigest()
        if piece.end < file.size and not data.endswith(b"\n"):
            data += raw.readline()
        if piece.start:
            raw.seek(piece.start - 1)
            if raw.read(1) != b"\n":
                # The line that the range begins in belongs to the range before.
                data = data[data.find(b"\n") + 1 :] if b"\n" in data else b""
        return data, digest


def texts(data: bytes, form: str, field: str, bad: list[int]) -> Iterator[bytes]:
    """Canonical blocks of a piece; lines that are no JSON are left out and noted in ``bad``."""
    if form == "text":
        yield from _blocks(data)
        return
    gathered: list[str] = []
    size = 0
    for at, line in enumerate(data.split(b"\n")):
        if not line or line.isspace():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            bad.append(at)
            continue
        for text in strings(value, field):
            gathered.append(text)
            size += len(text)
        if size >= _BLOCK:
            yield from _joined(gathered)
            gathered, size = [], 0
    if gathered:
        yield from _joined(gathered)


def _joined(gathered: list[str]) -> Iterator[bytes]:
    yield from _blocks(BREAK.join(t.encode("utf-8", "replace") for t in gathered))


def _blocks(data: bytes) -> Iterator[bytes]:
    """Canonical blocks that overlap, cut between words."""
    at = 0
    while at < len(data):
        end = min(at + 2 * _BLOCK, len(data))
        if end < len(data):
            gap = max(data.rfind(mark, at + _BLOCK, end) for mark in (b" ", b"\n"))
            end = gap + 1 or end
            while end < len(data) and data[end] & 0xC0 == 0x80:
                end += 1  # never inside a character
        yield canonical(data[at:end])
        if end == len(data):
            return
        back = data.rfind(b" ", at, max(at + 1, end - _BACK))
        at = back + 1 if back > at else end


def strings(value: Any, field: str) -> Iterator[str]:
    """The document's text: the named field, the usual one, or every text in it."""
    if isinstance(value, dict):
        name = field or next((n for n in ("text", "content") if isinstance(value.get(n), str)), "")
        if name:
            found = value.get(name)
            if isinstance(found, str):
                yield found
            elif found is not None:
                yield from strings(found, "")
            return
        for inner in value.values():
            yield from strings(inner, "")
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, "")
    elif isinstance(value, str):
        yield value

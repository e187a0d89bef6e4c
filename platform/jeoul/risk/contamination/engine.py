"""Looking a corpus through for prompts, by one process or several, with progress."""

import hashlib
import multiprocessing
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from jeoul.risk.contamination.corpus import (
    CorpusError,
    CorpusFile,
    Piece,
    pieces,
    read_range,
    texts,
)
from jeoul.risk.contamination.index import CJK_FACTOR, Hits, Index, Overlap, Tally

_PASSAGES: Final = 3
_SPACES: Final = re.compile(r" {2,}")
# Between two characters of scripts without spaces the gaps are ours, not the text's.
_CHARACTER: Final = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_OURS: Final = re.compile(f"(?<={_CHARACTER}) {{2}}(?={_CHARACTER})")


@dataclass(frozen=True)
class Question:
    """A prompt as it is looked for."""

    messages: list[str]
    characters: bool  # tokens are characters: mostly Chinese, Japanese or Korean


@dataclass(frozen=True)
class Passage:
    """A place in the corpus that a prompt shares; text in lower case without punctuation."""

    file: str
    byte: int
    tokens: int
    text: str


@dataclass
class Answer:
    """What was found about one prompt."""

    overlap: Overlap
    passages: list[Passage] = field(default_factory=list)


@dataclass
class Report:
    """Answers in the order of the questions, and what was read."""

    answers: list[Answer]
    bytes_read: int
    bad_lines: int
    fingerprint: str


@dataclass
class _Found:
    piece: Piece
    digest: str
    hits: list[list[Hits]]
    bad: int
    size: int


class _Looker:
    """One process's share: the prompts' indexes, and how a piece is looked through."""

    def __init__(self, indexes: list[Index], files: list[CorpusFile], name: str) -> None:
        self.indexes, self.files, self.name = indexes, files, name

    def __call__(self, piece: Piece) -> _Found:
        file = self.files[piece.file]
        if piece.data is None:
            data, digest = read_range(file, piece)
        else:
            data, digest = piece.data, hashlib.sha256(piece.data).hexdigest()
        bad: list[int] = []
        hits: list[list[Hits]] = [[] for _ in self.indexes]
        for block in texts(data, file.form, self.name, bad):
            for at, index in enumerate(self.indexes):
                found = index.look(block)
                if found.seen:
                    hits[at].append(found)
        return _Found(piece, digest, hits, len(bad), piece.end - piece.start)


_mine: _Looker | None = None


def _prepare(looker: _Looker) -> None:
    global _mine
    _mine = looker


def _work(piece: Piece) -> _Found:
    assert _mine is not None  # set by _prepare in each process
    return _mine(piece)


def examine(
    questions: list[Question],
    files: list[CorpusFile],
    *,
    name: str = "",
    processes: int = 1,
    progress: Callable[[int, str], None] | None = None,
) -> Report:
    """Look all files through for all questions; ``progress`` gets bytes read and the file.

    Raises CorpusError when a file is broken or is not what its name says.
    """
    groups = [[i for i, q in enumerate(questions) if q.characters == c] for c in (False, True)]
    groups = [g for g in groups if g]
    indexes = [
        Index([questions[i].messages for i in g], CJK_FACTOR if questions[g[0]].characters else 1)
        for g in groups
    ]
    tallies = [Tally(index) for index in indexes]
    answers: list[list[Passage]] = [[] for _ in questions]
    digests: dict[tuple[int, int], str] = {}
    total = bad = 0
    looker = _Looker(indexes, files, name)
    for found in _run(looker, files, processes):
        total += found.size
        bad += found.bad
        digests[found.piece.file, found.piece.start] = found.digest
        for tally, group, blocks in zip(tallies, groups, found.hits, strict=True):
            for hits in blocks:
                tally.add(hits)
                for prompt, tokens, text, byte in hits.passages:
                    _keep(answers[group[prompt]], Passage(
                        files[found.piece.file].path.name, found.piece.start + byte, tokens,
                        _shown(text),
                    ))  # fmt: skip
        if progress:
            progress(total, files[found.piece.file].path.name)
    results: list[Answer | None] = [None] * len(questions)
    for tally, group in zip(tallies, groups, strict=True):
        for place, overlap in zip(group, tally.overlaps(), strict=True):
            results[place] = Answer(overlap, answers[place])
    return Report([a for a in results if a], total, bad, _fingerprint(files, digests))


def _run(looker: _Looker, files: list[CorpusFile], processes: int) -> Iterator[_Found]:
    if processes < 2:
        yield from map(looker, pieces(files))
        return
    # Fresh processes: a fork would share the parent's database connection.
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _prepare, (looker,)) as pool:
        yield from _bounded(pool, pieces(files), 2 * processes)


def _bounded(pool: Any, source: Iterator[Piece], room: int) -> Iterator[_Found]:
    """As imap, but never more than ``room`` pieces in memory."""
    waiting: list[Any] = []
    for piece in source:
        waiting.append(pool.apply_async(_work, (piece,)))
        if len(waiting) >= room:
            yield waiting.pop(0).get()
    for job in waiting:
        yield job.get()


def _keep(kept: list[Passage], new: Passage) -> None:
    """The longest few, each text once."""
    if any(new.text == p.text for p in kept):
        return
    kept.append(new)
    kept.sort(key=lambda p: -p.tokens)
    del kept[_PASSAGES:]


def _shown(text: str) -> str:
    return _SPACES.sub(" ", _OURS.sub("", text)).strip()


def _fingerprint(files: list[CorpusFile], digests: dict[tuple[int, int], str]) -> str:
    """One hash of names, sizes and contents: SHA-256 over those of the pieces, in order."""
    whole = hashlib.sha256()
    for number, file in enumerate(files):
        whole.update(f"{file.path.name}\n{file.size}\n".encode())
        for (_, _start), digest in sorted(d for d in digests.items() if d[0][0] == number):
            whole.update(digest.encode())
    return whole.hexdigest()


__all__ = ["Answer", "CorpusError", "Passage", "Question", "Report", "examine"]

"""The next version of a prompt set from a file of any size: a batch of rows in memory at a time."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, Final

from django.db import transaction

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.importing import BadRow, BadRows, PromptRow, RowError, parse_prompt
from jeoul.studies.key_places import Places
from jeoul.studies.language import detect_language
from jeoul.studies.likeness import find_alike
from jeoul.studies.models import LikePair, Prompt, PromptSet, PromptSetVersion, VersionEntry
from jeoul.studies.reading_files import Rows, stream_rows

_BATCH: Final = 500
# A file of another format has nothing but bad rows; no one reads more of them.
_MOST_BAD: Final = 1000

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    added: int
    unchanged: int
    bad: list[BadRow] = field(default_factory=list)
    # How many pairs of prompts are alike, and of them how many the same.
    alike: int = 0
    same: int = 0


class _SameContent(Exception):
    """The file says what the latest version says; nothing is kept of the attempt."""


class _Digest:
    """content_hash of the list of (key, hash), without the list."""

    def __init__(self) -> None:
        self._sha, self._first = hashlib.sha256(b"["), True

    def add(self, key: str, digest: str) -> None:
        text = json.dumps([key, digest], ensure_ascii=False, separators=(",", ":"))
        self._sha.update(("" if self._first else ",").encode() + text.encode())
        self._first = False

    def value(self) -> str:
        sha = self._sha.copy()
        sha.update(b"]")
        return sha.hexdigest()


def import_prompts(
    *,
    owner: User,
    name: str,
    text: str = "",
    kind: str = "jsonl",
    source: BinaryIO | None = None,
    take_good: bool = False,
    sealed: bool = False,
    note: str = "",
    progress: Progress | None = None,
) -> tuple[PromptSetVersion, Imported]:
    """Make the next version of the prompt set ``name`` from a file, or from its ``text``.

    The same content as the latest version adds nothing. All or nothing: raises BadRows unless
    ``take_good``. Locks the prompt set, so that two imports don't make the same version.
    """
    if not name.strip():
        raise InvalidInput("The prompt set needs a name.", field="name")
    rows = stream_rows(source or io.BytesIO(text.encode()), kind)
    try:
        with transaction.atomic():
            return _import(owner, name.strip(), rows, take_good, sealed, note, progress)
    except _SameContent as same:
        version, count, bad = same.args
        return version, Imported(0, count, bad)


def _import(
    owner: User,
    name: str,
    rows: Rows,
    take_good: bool,
    sealed: bool,
    note: str,
    progress: Progress | None,
) -> tuple[PromptSetVersion, Imported]:
    prompt_set, _ = PromptSet.objects.get_or_create(
        owner=owner, name=name, defaults={"sealed": sealed}
    )
    PromptSet.objects.select_for_update().get(pk=prompt_set.pk)
    latest = prompt_set.latest()
    version = PromptSetVersion.objects.create(
        prompt_set=prompt_set, number=latest.number + 1 if latest else 1, note=note[:500]
    )
    bad: list[BadRow] = []
    digest, total, added = _Digest(), 0, 0
    good = _good_rows(rows, bad, stop=not take_good)
    while batch := list(islice(good, _BATCH)):
        if not bad or take_good:
            added += _store(prompt_set, version, batch, total)
        total += len(batch)
        for row in batch:
            digest.add(row.key, row.content_hash)
        if progress:
            progress(total)
    if bad and not take_good:
        raise BadRows(bad)
    if not total:
        raise InvalidInput("The file holds no prompt.", field="file")
    version.content_hash = digest.value()
    if latest and latest.content_hash == version.content_hash:
        raise _SameContent(latest, total, bad)
    alike, same = note_alike(version)
    version.save(update_fields=["content_hash"])
    record(
        actor=owner, verb="prompts.import", target=prompt_set,
        data={"version": version.number, "added": added, "bad": len(bad)},
    )  # fmt: skip
    return version, Imported(added, total - added, bad, alike, same)


def _good_rows(rows: Rows, bad: list[BadRow], *, stop: bool) -> Iterator[PromptRow]:
    """Good rows as they come, bad ones into ``bad``; a second row of an id is bad."""
    places = Places()
    for number, row in rows:
        try:
            if isinstance(row, RowError):
                raise row
            prompt = parse_prompt(row)
            earlier = places.add(prompt.key, number)
            if earlier:
                raise RowError("id", f"{prompt.key!r} stands already in row {earlier}")
        except RowError as error:
            bad.append(BadRow(number, error.field, error.reason))
            if stop and len(bad) >= _MOST_BAD:
                return
        else:
            yield prompt


def _store(
    prompt_set: PromptSet, version: PromptSetVersion, batch: list[PromptRow], start: int
) -> int:
    """One batch of rows and their places; returns how many prompts are new."""

    def stored() -> dict[tuple[str, str], int]:
        rows = prompt_set.prompts.filter(key__in=[row.key for row in batch])
        return {(k, d): pk for pk, k, d in rows.values_list("pk", "key", "content_hash")}

    have = stored()
    new = [row for row in batch if (row.key, row.content_hash) not in have]
    Prompt.objects.bulk_create(_prompt(prompt_set, row) for row in new)
    ids = stored() if new else have
    VersionEntry.objects.bulk_create(
        VersionEntry(version=version, prompt_id=ids[row.key, row.content_hash], position=start + at)
        for at, row in enumerate(batch)
    )
    return len(new)


def _prompt(prompt_set: PromptSet, row: PromptRow) -> Prompt:
    fields: dict[str, Any] = dict(row.fields)
    # What was detected is no part of the content hash: a better detector makes no new version.
    detected = "" if fields["language"] else detect_language(_asked(row))
    fields["language"] = fields["language"] or detected
    return Prompt(
        prompt_set=prompt_set,
        key=row.key,
        messages=row.messages,
        risk=row.risk,
        metadata=row.metadata,
        content_hash=row.content_hash,
        language_detected=bool(detected),
        **fields,
    )


def _asked(row: PromptRow) -> str:
    return "\n".join(m["content"] for m in row.messages if m["role"] == "user")


def note_alike(version: PromptSetVersion) -> tuple[int, int]:
    """Store the pairs of prompts in ``version`` that are alike; returns how many, and the same."""
    rows = version.prompts.order_by("entries__position").values_list("pk", "messages")
    texts = (
        (pk, "\n".join(m["content"] for m in messages))
        for pk, messages in rows.iterator(chunk_size=_BATCH)
    )

    def text_of(ids: list[int]) -> dict[int, str]:
        found = Prompt.objects.filter(pk__in=ids).values_list("pk", "messages")
        return {pk: "\n".join(m["content"] for m in messages) for pk, messages in found}

    pairs = find_alike(texts, text_of)
    LikePair.objects.bulk_create(
        (LikePair(version=version, a_id=a, b_id=b, likeness=like) for a, b, like in pairs),
        batch_size=1000,
    )
    return len(pairs), sum(like == 1 for _, _, like in pairs)

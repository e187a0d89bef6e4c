"""Bringing prompts and outputs in."""

import hashlib
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from jeoul.accounts.models import User
from jeoul.studies.hashing import content_hash
from jeoul.studies.importing import (
    BadRow,
    BadRows,
    RowError,
    text_field,
)
from jeoul.studies.models import (
    Output,
    OutputState,
    Prompt,
    PromptSetVersion,
    System,
    SystemVersion,
)
from jeoul.studies.prompt_import import Imported, import_prompts
from jeoul.studies.reading_files import read_rows
from jeoul.studies.rendering import RENDERER_VERSION, render_markdown

__all__ = [
    "Imported",
    "freeze_versions",
    "import_outputs",
    "import_prompts",
    "store_imported_output",
    "system_for_outputs",
]


def system_for_outputs(*, owner: User, name: str) -> SystemVersion:
    """The newest version of the system ``name``, made without a connection if it is new."""
    system, _ = System.objects.get_or_create(owner=owner, name=name)
    version = system.versions.order_by("-number").first()
    if version is None:
        version = SystemVersion.objects.create(
            system=system, number=1, content_hash=content_hash({"made": "elsewhere", "name": name})
        )
    return version


@transaction.atomic
def import_outputs(
    *, owner: User, prompts: PromptSetVersion, text: str, kind: str, take_good: bool = False
) -> Imported:
    """Store outputs made elsewhere; one that is there with the same text is left as it is."""
    by_key = {p.key: p for p in prompts.prompts.all()}
    versions: dict[str, SystemVersion] = {}
    bad: list[BadRow] = []
    added = unchanged = 0
    for number, row in read_rows(text, kind):
        try:
            if isinstance(row, RowError):
                raise row
            prompt, name, answer, sample = _parse_output(row, by_key)
            if name not in versions:
                versions[name] = system_for_outputs(owner=owner, name=name)
            if store_imported_output(
                version=versions[name], prompt=prompt, sample=sample, text=answer
            ):
                added += 1
            else:
                unchanged += 1
        except RowError as error:
            bad.append(BadRow(number, error.field, error.reason))
    if bad and not take_good:
        raise BadRows(bad)
    freeze_versions(versions.values())
    return Imported(added, unchanged, bad)


def _parse_output(
    row: dict[str, object], by_key: dict[str, Prompt]
) -> tuple[Prompt, str, str, int]:
    key = text_field(row, "prompt_id", required=True)
    if key not in by_key:
        raise RowError("prompt_id", f"{key!r} is not in this prompt set")
    sample = row.get("sample", 0)
    if isinstance(sample, str) and sample.isdigit():
        sample = int(sample)  # CSV knows only text
    if not isinstance(sample, int) or isinstance(sample, bool) or sample < 0:
        raise RowError("sample", "must be a whole number from 0")
    name = text_field(row, "system", required=True, limit=200)
    if "text" not in row:
        raise RowError("text", "is missing")
    return by_key[key], name, text_field(row, "text"), sample


def store_imported_output(
    *, version: SystemVersion, prompt: Prompt, sample: int, text: str, missing: bool = False
) -> bool:
    """Store one output; True if it is new. Another text in its place raises RowError."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    output, new = Output.objects.get_or_create(
        system_version=version,
        prompt=prompt,
        sample=sample,
        is_current=True,
        defaults={
            "state": OutputState.DONE,
            "text": text,
            "html": "" if missing else render_markdown(text),
            "renderer": RENDERER_VERSION,
            "content_hash": digest,
            "imported": True,
            "text_missing": missing,
            "finished_at": timezone.now(),
        },
    )
    if not new and output.content_hash != digest and not missing:
        raise RowError("text", "this output is stored already with another text")
    return new


def freeze_versions(versions: Iterable[SystemVersion]) -> None:
    """A system version with an output can't change any more."""
    SystemVersion.objects.filter(pk__in=[v.pk for v in versions], frozen_at=None).update(
        frozen_at=timezone.now()
    )

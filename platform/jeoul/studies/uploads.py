"""Large prompt files: stored in parts by the page, read by a job, with their progress."""

import tempfile
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.core.cache import cache
from django.db import transaction

from jeoul.accounts.models import User
from jeoul.base import DomainError
from jeoul.studies.importing import BadRows
from jeoul.studies.models import PromptUpload
from jeoul.studies.prompt_import import import_prompts

_LEASE: Final = timedelta(minutes=10)


@transaction.atomic
def store_upload(
    *, owner: User, name: str, kind: str, file_name: str, chunks: Iterable[bytes],
    take_good: bool, sealed: bool,
) -> PromptUpload:  # fmt: skip
    """Keep a file until a job reads it; in the database, where every job finds it."""
    upload = PromptUpload.objects.create(
        owner=owner, name=name, kind=kind, file_name=file_name[:255], take_good=take_good,
        sealed=sealed,
    )  # fmt: skip
    upload.size = upload.keep(chunks)
    upload.save(update_fields=["size"])
    return upload


def note_rows(upload: PromptUpload, rows: int) -> None:
    """How far the reading is; not in the database, whose transaction nobody sees into yet."""
    cache.set(f"upload-rows:{upload.pk}", rows, _LEASE.seconds)


def rows_so_far(upload: PromptUpload) -> int:
    return int(cache.get(f"upload-rows:{upload.pk}") or 0)


def read_upload(*, upload_id: int) -> bool:
    """Import a stored file; a second job, or one that finds it read, does nothing."""
    if not PromptUpload.objects.take(upload_id, _LEASE):
        return False
    upload = PromptUpload.objects.select_related("owner").get(pk=upload_id)
    # Parquet is read from its end, so the parts become one file again; on disk, not in memory.
    with tempfile.TemporaryFile() as file:
        for part in upload.parts.values_list("pk", flat=True):
            upload.pour(part, file)
        file.seek(0)
        try:
            upload.version, done = import_prompts(
                owner=upload.owner, name=upload.name, source=file, kind=upload.kind,
                take_good=upload.take_good, sealed=upload.sealed,
                progress=lambda rows: note_rows(upload, rows),
            )  # fmt: skip
            upload.rows = done.added + done.unchanged
            upload.bad = [row.__dict__ for row in done.bad[:1000]]
        except BadRows as error:
            upload.message = error.message
            upload.bad = [row.__dict__ for row in error.rows[:1000]]
        except DomainError as error:
            upload.message = error.message
    upload.end()
    return True

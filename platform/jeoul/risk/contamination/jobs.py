"""Checks asked for by a page or a program: read by a job, with their progress.

A corpus comes as an upload, kept in parts where every job finds it, or as paths below the
folders that the operator opens with CORPUS_FOLDERS: nobody reads other files of the server.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from jeoul.accounts.models import User
from jeoul.base import DomainError, InvalidInput
from jeoul.risk.contamination.actions import check_contamination
from jeoul.risk.contamination.corpus import CorpusError, corpus_file
from jeoul.risk.models import CorpusJob
from jeoul.studies.models import PromptSetVersion

_LEASE: Final = timedelta(minutes=5)
_TELL_SECONDS: Final = 1.0
# Beside the job's own process, so that its thread does not keep other jobs waiting.
_PROCESSES: Final = 2
_MOST_FILES: Final = 1000


def allowed_paths(asked: Iterable[str]) -> list[str]:
    """Files of the operator's corpora, patterns filled in; raises InvalidInput for any other."""
    folders = [Path(folder).resolve() for folder in settings.CORPUS_FOLDERS]
    found: list[str] = []
    for text in asked:
        files = [file for folder in folders for file in _below(folder, text)]
        if not files:
            said = _("“%(file)s” is no corpus file in the folders that are open (%(where)s).")
            where = ", ".join(map(str, folders)) or _("none: the operator sets CORPUS_FOLDERS")
            raise InvalidInput(said % {"file": text, "where": where}, field="paths")
        found += [str(file) for file in files if str(file) not in found]
    if len(found) > _MOST_FILES:
        raise InvalidInput(_("At most %d files at once.") % _MOST_FILES, field="paths")
    return found


def _below(folder: Path, text: str) -> list[Path]:
    """The files that a name or pattern means inside the folder; a link out of it leads nowhere."""
    asked = Path(text)
    if asked.is_absolute():
        if not asked.is_relative_to(folder):
            return []
        asked = asked.relative_to(folder)
    if not asked.parts or ".." in asked.parts or "\x00" in text:
        return []
    return sorted(
        file for file in folder.glob(str(asked))
        if file.is_file() and file.resolve().is_relative_to(folder)
    )  # fmt: skip


@transaction.atomic
def request_check(
    *,
    version: PromptSetVersion,
    actor: User,
    paths: Iterable[str] = (),
    uploads: Iterable[tuple[str, Iterable[bytes]]] = (),
    field: str = "",
) -> CorpusJob:
    """Keep what is to be read until a job comes to it. Raises InvalidInput naming the file."""
    files = allowed_paths(paths)
    job = CorpusJob.objects.create(version=version, by=actor, paths=files, field=field)
    size = 0
    for name, chunks in uploads:
        _check_name(name)
        size += job.keep(chunks, file=name)
    if not files and not job.parts.exists():
        raise InvalidInput("Choose a file, or name one of the operator's.", field="file")
    try:
        job.whole_bytes = size + sum(corpus_file(path).size for path in files)
    except CorpusError as error:
        raise InvalidInput(str(error), field="paths") from None
    job.save(update_fields=["whole_bytes"])
    return job


def _check_name(name: str) -> None:
    """Refuse an upload of an unknown kind before it is stored."""
    if len(name) > 255 or Path(name).name != name:
        raise InvalidInput("This file name can't be kept.", field="file")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.touch()
        try:
            corpus_file(file)
        except CorpusError as error:
            raise InvalidInput(str(error).replace(f"{folder}/", ""), field="file") from None


def run_check(*, job_id: int) -> CorpusJob | None:
    """Read the corpus and store what was found; None where another job does it, or did."""
    if not CorpusJob.objects.take(job_id, _LEASE):
        return None
    job = CorpusJob.objects.select_related("version__prompt_set", "by").get(pk=job_id)
    try:
        with _files(job) as files:
            job.check_row = check_contamination(
                version=job.version, corpus=files, actor=job.by, field=job.field,
                processes=_PROCESSES, progress=_Teller(job),
            )  # fmt: skip
        job.done_bytes = job.whole_bytes = job.check_row.bytes_read
    except DomainError as error:
        job.message = error.message
    job.end()
    return job


class _Teller:
    """Writes down how far the job is, and with it that it is alive."""

    def __init__(self, job: CorpusJob) -> None:
        self._job, self._told = job, time.monotonic()

    def __call__(self, done: int, whole: int, name: str) -> None:
        if time.monotonic() - self._told < _TELL_SECONDS:
            return
        self._told = time.monotonic()
        CorpusJob.objects.filter(pk=self._job.pk).update(
            done_bytes=done, lease_until=timezone.now() + _LEASE
        )


@contextmanager
def _files(job: CorpusJob) -> Iterator[list[str]]:
    """The operator's files and the uploaded ones, which become files again for the while."""
    with tempfile.TemporaryDirectory(prefix="jeoul-corpus-") as folder:
        found = list(job.paths)
        for pk, name in job.parts.values_list("pk", "file"):
            path = Path(folder, name)
            if str(path) not in found:
                found.append(str(path))
            with path.open("ab") as file:
                job.pour(pk, file)
        yield found

"""Large files that a job reads: kept in the database, where every job finds them, in parts."""

from collections.abc import Iterable
from datetime import timedelta
from typing import IO, Any, Self, TypeVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from jeoul.base import Row

_Job = TypeVar("_Job", bound="FileJob")


class FileJobs(models.QuerySet[_Job]):
    """Files on their way in."""

    def waiting(self) -> Self:
        """What no living job reads."""
        free = Q(lease_until=None) | Q(lease_until__lte=timezone.now())
        return self.filter(free, finished_at=None)

    def take(self, pk: int, lease: timedelta) -> bool:
        """Lease one to this job; False where another reads it, or did."""
        return bool(self.waiting().filter(pk=pk).update(lease_until=timezone.now() + lease))


class FileJob(Row):
    """Something to read that was handed in, and how far it is; its rows ``parts`` hold the files.

    A kind of it adds what is to be done, and a ``FilePart`` with its files' pieces.
    """

    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # The words of a refusal; what came of it otherwise is for its kind to say.
    message = models.TextField(blank=True)

    objects = FileJobs.as_manager()
    # The manager of its kind's parts.
    parts: Any

    class Meta:
        abstract = True
        ordering = ("-id",)

    def keep(self, chunks: Iterable[bytes], **file: str) -> int:
        """Store a file's pieces behind those that are there; returns their bytes."""
        size = 0
        for number, chunk in enumerate(chunks, self.parts.count()):
            self.parts.create(number=number, data=chunk, **file)
            size += len(chunk)
        return size

    def pour(self, pk: int, file: IO[bytes]) -> None:
        """One part into a file again; one at a time, so that memory holds no more."""
        file.write(self.parts.values_list("data", flat=True).get(pk=pk))

    def end(self) -> None:
        """Note that it is read, well or not; its files are not kept."""
        self.finished_at, self.lease_until = timezone.now(), None
        self.save()
        self.parts.all().delete()


class FilePart(models.Model):
    """A piece of a file; a kind of it names its job, once per number."""

    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        abstract = True
        ordering = ("number",)

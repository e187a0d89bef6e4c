"""Erase what links a worker to a person."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.comparisons.erasing import erase_worker
from jeoul.workers.models import Worker, WorkerIdentity

from tasks.management.base import JeoulCommand


class Command(JeoulCommand):
    help = (
        "Erase a person: their external id, free texts, measurements and links. "
        "Their judgements stay, as those of nobody."
    )
    example = "erase_worker w-0c0c43ee --yes"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("worker", help="the pseudonym, or with --external the vendor's id")
        parser.add_argument("--external", action="store_true")
        parser.add_argument("--yes", action="store_true", help="really do it")

    def handle(self, *args: Any, **options: Any) -> None:
        worker = self._find(options)
        if not options["yes"]:
            raise CommandError("This can't be undone; say --yes to do it.")
        erased = erase_worker(worker=worker)
        self.say(
            f"Erased: {erased.remarks} texts, {erased.telemetry} measurements, "
            f"{erased.identities} ids. {erased.judgements} judgements stay."
        )

    def _find(self, options: dict[str, Any]) -> Worker:
        name = options["worker"]
        if options["external"]:
            found = [
                i.worker
                for i in WorkerIdentity.objects.filter(external_id=name).select_related("worker")
            ]
        else:
            found = list(Worker.objects.filter(pseudonym=name))
        if not found:
            raise CommandError(f"There is no worker {name!r}.")
        if len(found) > 1:
            raise CommandError(f"Several vendors know a {name!r}; use the pseudonym.")
        return found[0]

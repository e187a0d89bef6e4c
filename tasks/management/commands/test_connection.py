"""Try a connection."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.studies.generation.probing import probe
from jeoul.studies.models import Connection

from tasks.management.base import JeoulCommand, add_owner, owner_from

_WORDS = {True: "works", False: "does not work", None: "not tried"}


class Command(JeoulCommand):
    help = "Ask a connection a few short questions and say what works there."
    example = "test_connection 'Local model' --model m-2026-01-01"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the connection")
        parser.add_argument("--model", required=True)
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        found = Connection.objects.filter(owner=owner, name=options["name"]).first()
        if found is None:
            raise CommandError(f"{owner.username} has no connection {options['name']!r}.")
        report = probe(connection=found, model=options["model"])
        if options["json"]:
            self.print_json(report)
        for check in report["checks"]:
            words = f" ({check['words']})" if check["words"] else ""
            self.say(f"{check['name']}: {_WORDS[check['ok']]}{words}")
        if not report["ok"]:
            raise CommandError(f"{found.name} does not answer.")

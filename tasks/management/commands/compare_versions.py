"""Show what differs between two versions of a system."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.studies.models import System, SystemVersion
from jeoul.studies.version_reading import differences, warnings_of

from tasks.management.base import JeoulCommand, add_owner, owner_from


class Command(JeoulCommand):
    help = "Show the settings in which two versions of a system differ."
    example = "compare_versions 'version 2' 1 2"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("system")
        parser.add_argument("before", type=int)
        parser.add_argument("after", type=int)
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        system = System.objects.filter(owner=owner_from(options), name=options["system"]).first()
        if system is None:
            raise CommandError(f"There is no system {options['system']!r}.")
        before, after = (_version(system, options[n]) for n in ("before", "after"))
        found, warnings = differences(before, after), warnings_of(after, before)
        if options["json"]:
            rows = [asdict(d) for d in found]
            return self.print_json({"differences": rows, "warnings": warnings})
        for d in found:
            self.say(d.field)
            for mark, line in d.lines:
                self.say(f"  {mark} {line}")
        for warning in warnings:
            self.say(f"Mind: {warning}")
        if not found:
            self.say("No setting differs.")
        return None


def _version(system: System, number: int) -> SystemVersion:
    found = system.versions.filter(number=number).select_related("connection").first()
    if found is None:
        raise CommandError(f"{system.name} has no version {number}.")
    return found

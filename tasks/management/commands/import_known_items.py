"""Bring practice, trial and check items into a study."""

from typing import Any

from django.core.management.base import CommandParser
from jeoul.comparisons.known_items import KINDS, import_known_items

from tasks.management.base import (
    JeoulCommand,
    add_owner,
    owner_from,
    read_file,
    report,
    study_from,
)


class Command(JeoulCommand):
    help = (
        "Import items whose right answer is known (JSONL or CSV with kind, prompt, output_a, "
        "output_b, right, explanation): practice with lessons, a trial to be passed, hidden checks."
    )
    example = "import_known_items checks.jsonl --study may-it-ship --kind gold"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help=".jsonl or .csv, or - for JSONL on standard input")
        parser.add_argument("--study", required=True, metavar="SLUG")
        parser.add_argument("--kind", choices=KINDS, default="", help="of rows that name none")
        parser.add_argument("--take-good", action="store_true", help="leave bad rows out")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        text, file_kind = read_file(options["file"])
        done = import_known_items(
            owner=owner_from(options),
            study=study_from(options["study"]),
            text=text,
            file_kind=file_kind,
            kind=options["kind"],
            take_good=options["take_good"],
        )
        report(self, done, "items", as_json=options["json"])

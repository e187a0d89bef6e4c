"""Bring outputs made elsewhere in."""

from typing import Any

from django.core.management.base import CommandParser
from jeoul.comparisons.building import mark_ready
from jeoul.studies.prompt_actions import import_outputs

from tasks.management.base import (
    JeoulCommand,
    add_owner,
    owner_from,
    prompts_from,
    read_file,
    report,
)


class Command(JeoulCommand):
    help = "Import outputs (JSONL or CSV with prompt_id, system, text, sample) to a prompt set."
    example = "import_outputs outputs.jsonl --prompts 'Daily questions'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help=".jsonl or .csv, or - for JSONL on standard input")
        parser.add_argument("--prompts", required=True, metavar="NAME", help="the prompt set")
        parser.add_argument("--take-good", action="store_true", help="leave bad rows out")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        text, kind = read_file(options["file"])
        done = import_outputs(
            owner=owner,
            prompts=prompts_from(options["prompts"], owner),
            text=text,
            kind=kind,
            take_good=options["take_good"],
        )
        mark_ready()
        report(self, done, "outputs", as_json=options["json"])

"""Bring a prompt set in from a file."""

from typing import Any

from django.core.management.base import CommandParser
from jeoul.studies.prompt_actions import import_prompts

from tasks.management.base import JeoulCommand, add_owner, owner_from, read_file, report


class Command(JeoulCommand):
    help = "Import prompts (JSONL or CSV) as the next version of a prompt set."
    example = "import_prompts prompts.jsonl --name 'Daily questions'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help=".jsonl or .csv, or - for JSONL on standard input")
        parser.add_argument("--name", required=True, help="the prompt set")
        parser.add_argument("--sealed", action="store_true", help="show texts to annotators only")
        parser.add_argument("--take-good", action="store_true", help="leave bad rows out")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        text, kind = read_file(options["file"])
        version, done = import_prompts(
            owner=owner_from(options),
            name=options["name"],
            text=text,
            kind=kind,
            take_good=options["take_good"],
            sealed=options["sealed"],
        )
        report(
            self, done, "prompts", as_json=options["json"],
            prompt_set=str(version.prompt_set.uuid), version=version.number,
            content_hash=version.content_hash,
        )  # fmt: skip

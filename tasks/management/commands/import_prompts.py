"""Bring a prompt set in from a file."""

import sys
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser
from jeoul.studies.prompt_import import Imported, import_prompts
from jeoul.studies.prompt_sets import tag_version
from jeoul.studies.reading_files import kind_of

from tasks.management.base import JeoulCommand, add_owner, owner_from, report


class Command(JeoulCommand):
    help = "Import prompts (JSONL, CSV or Parquet) as the next version of a prompt set."
    example = "import_prompts prompts.jsonl --name 'Daily questions'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help=".jsonl, .csv, .parquet, or - for JSONL on standard input")
        parser.add_argument("--name", required=True, help="the prompt set")
        parser.add_argument("--sealed", action="store_true", help="show texts to annotators only")
        parser.add_argument("--take-good", action="store_true", help="leave bad rows out")
        parser.add_argument("--note", default="", help="what is new in this version")
        parser.add_argument("--tag", default="", help="name the version, for example golden")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        if path == "-":
            self._import(sys.stdin.buffer, "jsonl", options)
            return
        kind = kind_of(path)
        try:
            with Path(path).open("rb") as file:
                self._import(file, kind, options)
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from None

    def _import(self, source: BinaryIO, kind: str, options: dict[str, Any]) -> None:
        owner = owner_from(options)
        version, done = import_prompts(
            owner=owner,
            name=options["name"],
            source=source,
            kind=kind,
            take_good=options["take_good"],
            sealed=options["sealed"],
            note=options["note"],
            progress=self._progress,
        )
        if options["tag"]:
            tag_version(version=version, name=options["tag"], actor=owner)
        report(
            self, done, "prompts", as_json=options["json"],
            prompt_set=str(version.prompt_set.uuid), version=version.number,
            content_hash=version.content_hash, alike=done.alike, same=done.same,
        )  # fmt: skip
        if not options["json"]:
            self._tell(done)

    def _tell(self, done: Imported) -> None:
        if done.alike:
            self.say(f"{done.alike} pairs of prompts are alike, {done.same} of them the same.")

    def _progress(self, rows: int) -> None:
        if rows % 5000 == 0:
            self.stderr.write(f"\r{rows:,} rows ", ending="")
            self.stderr.flush()

"""Write a study's rows to a file."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.results.exports import FORMATS, WHAT, export_stream
from jeoul.studies.prompt_sets import may_read

from tasks.management.base import JeoulCommand, study_from


class Command(JeoulCommand):
    help = "Export a study's judgements, comparisons, outputs, workers, results, flags or audit."
    example = "export my-study --what judgements --format jsonl -o judgements.jsonl"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("--what", choices=sorted(WHAT), default="judgements")
        parser.add_argument("--format", choices=sorted(FORMATS), default="jsonl")
        parser.add_argument(
            "--systems", nargs=2, default=(), metavar="LABEL", help="the two that comparator shows"
        )
        parser.add_argument(
            "-o", "--output", default="-", help="the file, or - for standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        if version := study.prompt_set_version:
            # Whoever may run commands is no researcher by name, but the look is on record.
            what = f"export {options['what']}"
            may_read(prompt_set=version.prompt_set, actor=None, what=what)
        chunks = export_stream(
            study=study, what=options["what"], form=options["format"],
            pair=tuple(options["systems"]),
        )  # fmt: skip
        if options["output"] == "-":
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return
        target = Path(options["output"])
        try:
            # Under another name until it is whole, so that no half export is taken for one.
            with tempfile.NamedTemporaryFile(
                dir=target.parent, prefix=f".{target.name}.", delete=False
            ) as part:
                for chunk in chunks:
                    part.write(chunk)
            Path(part.name).chmod(0o644)
            os.replace(part.name, target)
        except OSError as error:
            raise CommandError(f"{target} can't be written: {error.strerror}.") from None
        self.say(f"{options['what']} of {study.slug} written to {target}.")

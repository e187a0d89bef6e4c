"""Print a study's results."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.results.actions import current_results
from jeoul.results.progress import study_progress
from jeoul.results.record import Record, as_json
from jeoul.results.words import summary

from tasks.management.base import JeoulCommand, study_from


class Command(JeoulCommand):
    help = "Print the results of what is stored now."
    example = "results my-study --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG", nargs="?")
        parser.add_argument(
            "--record", metavar="FILE", help="compute from an evaluation record, without a database"
        )
        parser.add_argument("--json", action="store_true", help="print all of it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["record"]:
            self._from_record(Record(Path(options["record"])), whole=options["json"])
            return
        if not options["study"]:
            raise CommandError("Name a study, or an evaluation record with --record.")
        study = study_from(options["study"])
        results = current_results(study=study)
        if options["json"]:
            progress = study_progress(study)
            self._print(
                results
                | {
                    "cost": {
                        "people": str(progress.people_cost),
                        "generation": str(progress.generation_cost),
                        "currency": study.currency,
                    }
                }
            )
            return
        for line in summary(results):
            self.stdout.write(line)

    def _print(self, results: dict[str, Any]) -> None:
        self.stdout.write(as_json(results), ending="")

    def _from_record(self, record: Record, *, whole: bool) -> None:
        if not record.same_code:
            self.say(f"The record was made by Jeoul {record.manifest['code_version']}.")
        results = record.results()
        if whole:
            self._print(results)
            return
        for line in summary(results):
            self.stdout.write(line)

"""Print a study's results."""

from typing import Any

from django.core.management.base import CommandParser
from jeoul.results.actions import current_results
from jeoul.results.progress import study_progress
from jeoul.results.words import summary

from tasks.management.base import JeoulCommand, study_from


class Command(JeoulCommand):
    help = "Print the results of what is stored now."
    example = "results my-study --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="print all of it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        results = current_results(study=study)
        if options["json"]:
            progress = study_progress(study)
            self.print_json(
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

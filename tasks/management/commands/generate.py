"""Make a study's candidate outputs."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from jeoul.comparisons.building import build_comparisons, mark_ready
from jeoul.results.progress import study_outputs
from jeoul.studies.actions import due_outputs
from jeoul.studies.generation.actions import generate_output, outputs_due, retry_failed
from jeoul.studies.models import OutputState

from tasks.generation import enqueue
from tasks.management.base import JeoulCommand, study_from

_OPEN = (OutputState.DUE, OutputState.RUNNING)


class Command(JeoulCommand):
    help = "Make the outputs that a study lacks: here and now, or by the Celery workers."
    example = "generate my-study --wait"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument(
            "--queue", action="store_true", help="leave the work to the Celery workers"
        )
        parser.add_argument("--retry-failed", action="store_true", help="try failed ones again")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        new = due_outputs(study=study)
        build_comparisons(study=study)
        again = retry_failed(study=study) if options["retry_failed"] else 0
        self.say(f"{new} outputs to make, {again} to try again.")
        if options["queue"]:
            enqueue(outputs_due(limit=100_000, study=study))
        else:
            self._here(study)
        outputs = study_outputs(study)
        counts = {s.value: outputs.filter(state=s).count() for s in OutputState}
        if options["json"]:
            self.print_json(counts)
        else:
            self.say(", ".join(f"{n} {state}" for state, n in counts.items() if n) or "no outputs")
        failed = outputs.filter(state=OutputState.FAILED).select_related("system_version__system")
        for output in failed[:5]:
            self.say(f"{output.system_version.label}: {output.error_code}: {output.error_message}")
        if failed.exists():
            raise CommandError(f"{failed.count()} outputs failed.")

    def _here(self, study: Any) -> None:
        """One after the other, waiting for those that are due later."""
        outputs = study_outputs(study)
        total = outputs.filter(state__in=_OPEN).count()
        while outputs.filter(state__in=_OPEN).exists():
            ids = outputs_due(limit=50, study=study)
            for pk in ids:
                if generate_output(output_id=pk):
                    mark_ready(output_id=pk)
                left = outputs.filter(state__in=_OPEN).count()
                self.stderr.write(f"\r{total - left} of {total} ", ending="")
                self.stderr.flush()
            if not ids:
                self._wait(study)
        self.stderr.write("")

    def _wait(self, study: Any) -> None:
        """Sleep until the next output is due; one that another process holds is its business."""
        next_due = (
            study_outputs(study)
            .filter(state=OutputState.DUE)
            .order_by("due_at")
            .values_list("due_at", flat=True)
            .first()
        )
        seconds = (next_due - timezone.now()).total_seconds() if next_due else 1.0
        time.sleep(min(max(seconds, 0.2), 5.0))

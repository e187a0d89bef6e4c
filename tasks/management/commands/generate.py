"""Make a study's candidate outputs."""

import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.comparisons.building import build_comparisons, mark_ready
from jeoul.studies.generation.actions import connections_due, outputs_due
from jeoul.studies.generation.control import (
    pause_generation,
    rerun_outputs,
    resume_generation,
    retry_failed,
    use_generation,
)
from jeoul.studies.generation.estimating import estimate_study
from jeoul.studies.generation.progress import (
    GenerationProgress,
    generation_outputs,
    generation_progress,
)
from jeoul.studies.models import OutputState, Study
from jeoul.studies.running import due_outputs

from tasks.generation import enqueue
from tasks.management.base import JeoulCommand, add_owner, owner_from, study_from

# A turn of one connection; then the next one's, and a fresh line of progress.
_TURN_SECONDS = 5.0
_SHOWN_FAILURES = 5


class Command(JeoulCommand):
    help = "Make the outputs that a study lacks: here and now, or by the Celery workers."
    example = "generate my-study --estimate"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("--estimate", action="store_true", help="only say what it will cost")
        parser.add_argument(
            "--queue", action="store_true", help="leave the work to the Celery workers"
        )
        parser.add_argument(
            "--follow", action="store_true", help="with --queue: show progress until the end"
        )
        parser.add_argument("--retry-failed", action="store_true", help="try failed ones again")
        parser.add_argument("--pause", action="store_true", help="take no new request")
        parser.add_argument("--resume", action="store_true", help="go on after a pause")
        parser.add_argument(
            "--rerun", metavar="REASON", help="make a new generation beside what is there"
        )
        parser.add_argument(
            "--use", type=int, metavar="N", help="let new comparisons take generation N"
        )
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        if options["estimate"]:
            return self._estimate(study, as_json=options["json"])
        generation = self._control(study, options)
        if options["pause"] or options["use"] is not None:
            return None
        new = due_outputs(study=study)
        build_comparisons(study=study)
        again = retry_failed(study=study) if options["retry_failed"] else 0
        self.say(f"{new} outputs to make, {again} to try again.")
        if options["queue"]:
            enqueue(outputs_due(limit=100_000, study=study))
            if options["follow"]:
                self._follow(study, generation)
        else:
            self._here(study, generation)
        return self._end(study, generation, options)

    def _control(self, study: Study, options: dict[str, Any]) -> int | None:
        """Pause, resume, rerun, use; the number of a new generation."""
        if not any(options[n] for n in ("pause", "resume", "rerun")) and options["use"] is None:
            return None
        actor = owner_from(options)
        if options["pause"]:
            pause_generation(study=study, actor=actor)
            self.say("Paused; what is under way is still stored.")
        if options["resume"]:
            resume_generation(study=study, actor=actor)
        if options["use"] is not None:
            n = use_generation(study=study, actor=actor, generation=options["use"])
            self.say(f"{n} outputs of generation {options['use']} are in use for new comparisons.")
        if options["rerun"]:
            n = rerun_outputs(study=study, actor=actor, reason=options["rerun"])
            newest = study.ordered_outputs.order_by("-generation").first()
            assert newest is not None  # rerun_outputs made some
            self.say(f"Generation {newest.generation} with {n} outputs lies beside the others.")
            return int(newest.generation)
        return None

    def _estimate(self, study: Study, *, as_json: bool) -> None:
        estimate = estimate_study(study)
        if as_json:
            rows = [
                asdict(s) | {"cost_left": str(s.cost_left), "spent": str(s.spent)}
                for s in estimate.systems
            ]
            cap = None if estimate.cap is None else str(estimate.cap)
            return self.print_json({"systems": rows, "cap": cap, "over_cap": estimate.over_cap})
        for s in estimate.systems:
            self.say(
                f"{s.system}: {s.left} of {s.outputs} to make, about {s.prompt_tokens:.0f} + "
                f"{s.answer_tokens:.0f} tokens each ({s.basis}), {s.cost_left:.4f} {s.currency} "
                f"more, {s.spent:.4f} spent"
            )
        if estimate.over_cap:
            self.say(f"That is over the study's cap of {estimate.cap}: it would stop there.")
        return None

    def _here(self, study: Study, generation: int | None) -> None:
        """In this process, each connection in turn, until nothing is left or nothing moves."""
        from jeoul.studies.generation.pump import Pump

        only = {"system_version__studies": study, "prompt__versions": study.prompt_set_version}
        while True:
            ids = connections_due(output_ids=outputs_due(limit=100_000, study=study))
            for pk in ids:
                Pump(pk, only=only, on_stored=_ready).run(_TURN_SECONDS)
                self._line(generation_progress(study, generation))
            progress = generation_progress(study, generation)
            if not progress.due + progress.running or progress.at_cap or progress.paused_at:
                break
            if not ids:
                self._line(progress)
                time.sleep(1.0)
        self.stderr.write("")

    def _follow(self, study: Study, generation: int | None) -> None:
        while True:
            study.refresh_from_db()
            progress = generation_progress(study, generation)
            self._line(progress)
            if not progress.due + progress.running or progress.at_cap or progress.paused_at:
                break
            time.sleep(1.0)
        self.stderr.write("")

    def _line(self, p: GenerationProgress) -> None:
        """One line, drawn again on a terminal; on a pipe one for each change."""
        parts = [f"{p.ended} of {p.total}", f"{p.running} running"]
        parts += [f"{n} failed: {code}" for code, n in p.failures]
        parts += [f"{n} tried again: {code}" for code, n in p.retrying]
        parts += [f"{p.prompt_tokens + p.completion_tokens} tokens", f"{p.cost:.4f} {p.currency}"]
        # On a pipe the rate alone, which falls while a connection is held, is no news.
        news = [*parts, *(h.connection for h in p.holds)]
        if p.per_minute:
            parts.append(f"{p.per_minute:.0f} a minute")
        if p.seconds_left is not None:
            parts.append(f"{p.seconds_left:.0f} s left")
        parts += [f"{h.connection} is held: {h.reason[:80]}" for h in p.holds]
        line = ", ".join(parts)
        if self.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{line}", ending="")
            self.stderr.flush()
        elif news != getattr(self, "_last", None):
            self._last = news
            self.say(line)

    def _end(self, study: Study, generation: int | None, options: dict[str, Any]) -> None:
        outputs = generation_outputs(study, generation)
        progress = generation_progress(study, generation)
        counts = {s.value: getattr(progress, s.value) for s in OutputState}
        if options["json"]:
            self.print_json(counts)
        else:
            self.say(", ".join(f"{n} {state}" for state, n in counts.items() if n) or "no outputs")
        if progress.at_cap:
            raise CommandError(
                f"The study's cap of {progress.cap} {progress.currency} is reached "
                f"({progress.spent:.4f} spent); raise generation_cap to go on."
            )
        failed = outputs.filter(state=OutputState.FAILED).select_related("system_version__system")
        for output in failed[:_SHOWN_FAILURES]:
            self.say(f"{output.system_version.label}: {output.error_code}: {output.error_message}")
        if progress.failed:
            raise CommandError(f"{progress.failed} outputs failed.")


def _ready(output_ids: list[int]) -> None:
    if output_ids:
        mark_ready(output_ids=output_ids)

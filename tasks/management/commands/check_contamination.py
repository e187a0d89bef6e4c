"""Look a training corpus through for the prompts of a set."""

import os
import time
from typing import Any

from django.core.management.base import CommandParser
from jeoul.comparisons.standing import reassess
from jeoul.risk.contamination.actions import check_contamination
from jeoul.studies.models import LeaveOut
from jeoul.studies.prompt_sets import may_read

from tasks.management.base import JeoulCommand, add_owner, owner_from, prompts_from


class Command(JeoulCommand):
    help = "Report how much of each prompt stands in a training corpus (JSONL, text, .gz, .zst)."
    example = "check_contamination 'Daily questions' --corpus part-*.jsonl.zst --processes 4"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prompt_set", metavar="PROMPTSET", help="name of the prompt set")
        parser.add_argument("--corpus", metavar="FILE", nargs="+", required=True)
        parser.add_argument("--field", default="", help="JSONL: the key that holds the text")
        parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        version = prompts_from(options["prompt_set"], owner)
        self._began = self._told = time.monotonic()
        check = check_contamination(
            version=version,
            corpus=options["corpus"],
            actor=owner,
            field=options["field"],
            processes=max(1, options["processes"]),
            progress=self._progress,
        )
        self.stderr.write("")
        for study in version.studies.exclude(contamination=LeaveOut.NOTHING):
            reassess(study=study)
        worst = check.overlaps.exclude(llama2=0, palm=0, gpt3=False).select_related("prompt")
        if options["json"]:
            read = may_read(prompt_set=version.prompt_set, actor=owner, what="contamination")
            self.print_json(
                {
                    "check": str(check.uuid), "fingerprint": check.fingerprint,
                    "bytes": check.bytes_read, "seconds": round(check.seconds, 3),
                    "bad_lines": check.bad_lines, "rules": check.rules, "counts": check.counts,
                    "prompts": [
                        {"id": o.prompt.key, "state": o.state, "tokens": o.tokens, "gpt3": o.gpt3,
                         "palm": o.palm, "llama3": o.llama3, "llama2": o.llama2,
                         "passages": o.passages if read else []}
                        for o in worst.iterator()
                    ],
                }
            )  # fmt: skip
            return
        rate = check.bytes_read / 1e6 / max(check.seconds, 1e-9)
        self.say(
            f"{check.bytes_read / 1e6:,.1f} MB read, {rate:,.0f} MB/s; {check.fingerprint[:16]}"
        )
        if check.bad_lines:
            self.say(f"{check.bad_lines} lines were not JSON and were left out.")
        self.stdout.write(", ".join(f"{n} {state}" for state, n in sorted(check.counts.items())))
        for overlap in worst[:20]:
            self.stdout.write(
                f"{overlap.prompt.key}: {overlap.state}, {overlap.llama2:.0%} of {overlap.tokens} "
                f"tokens (8-grams {overlap.palm:.0%}, 13-gram {'yes' if overlap.gpt3 else 'no'})"
            )

    def _progress(self, done: int, whole: int, name: str) -> None:
        """A line twice a second; of a packed file the whole is not known before its end."""
        now = time.monotonic()
        if now - self._told < 0.5:
            return
        self._told = now
        share = f" of {whole / 1e6:,.0f}" if done <= whole else ""
        rate = done / 1e6 / max(now - self._began, 1e-9)
        line = f"\r{done / 1e6:,.0f}{share} MB, {rate:,.0f} MB/s, {name}   "
        self.stderr.write(line, ending="")
        self.stderr.flush()

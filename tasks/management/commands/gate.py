"""Ask a study's gate, for a release pipeline: the exit code is the answer."""

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from jeoul.results.gate import FAIL, NOT_YET, PASS
from jeoul.results.gate_state import gate_of
from jeoul.studies.gate_actions import set_gate

from tasks.management.base import JeoulCommand, study_from

CODES: Final = {PASS: 0, FAIL: 1, NOT_YET: 2}
ERROR: Final = 3
_EVERY_SECONDS: Final = 10


class Command(JeoulCommand):
    help = (
        "Say whether the study's rule is met. Exit code 0: pass, 1: fail, 2: not yet, 3: an error."
    )
    example = "gate may-it-ship --wait 3600"

    def add_arguments(self, parser: CommandParser) -> None:
        # argparse would end with 2, which here means "not yet".
        parser.error = _usage(parser)  # type: ignore[method-assign]  # on purpose
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="print the whole answer")
        parser.add_argument(
            "--wait", type=float, default=0, metavar="SECONDS", help="wait for a pass or a fail"
        )
        parser.add_argument(
            "--set", metavar="FILE", help="take the rule from a JSON file first; - for input"
        )
        parser.add_argument("--reason", default="", help="why, where the plan is frozen")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            raise CommandError(str(error), returncode=ERROR) from error
        except Exception:
            traceback.print_exc()
            sys.exit(ERROR)

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        if options["set"]:
            set_gate(
                study=study, actor=study.memberships.filter(role="owner")[0].user,
                rule=_read(options["set"]), reason=options["reason"],
            )  # fmt: skip
        ends = time.monotonic() + options["wait"]
        found = gate_of(study)
        while found["state"] == NOT_YET and time.monotonic() < ends:
            time.sleep(min(_EVERY_SECONDS, max(0.1, ends - time.monotonic())))
            study.refresh_from_db()
            found = gate_of(study)
        if options["json"]:
            self.print_json(found)
        else:
            self._tell(found)
        sys.exit(CODES[found["state"]])

    def _tell(self, found: dict[str, Any]) -> None:
        self.stdout.write(found["state"].replace("_", " ").upper())
        if found["study"]["simulated"]:
            self.stdout.write("SIMULATED: these judgements were made by a simulated crowd.")
        for c in found["conditions"]:
            where = "".join(f", {k} {v}" for k, v in c["where"].items())
            claim = c["claim"].replace("_", " ")
            self.stdout.write(
                f"  {c['state'].replace('_', ' ')}: {c['system']} {claim} than {c['baseline']} "
                f"({c['criterion']}{where}, margin {100 * c['margin']:g} points, n {c['n']}). "
                f"{c['reason']}"
            )
        self.stdout.write(f"Intervals: {found['intervals']}.")
        if found["missing"]:
            self.stdout.write(f"Probably missing: {found['missing']} judgements.")


def _usage(parser: CommandParser) -> Any:
    def error(message: str) -> None:
        parser.print_usage(sys.stderr)
        parser.exit(ERROR, f"manage.py gate: {message}\n")

    return error


def _read(path: str) -> Any:
    try:
        return json.loads(sys.stdin.read() if path == "-" else Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} holds no rule: {error}") from None

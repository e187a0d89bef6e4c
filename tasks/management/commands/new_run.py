"""Bring a new version into a study that ran."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.comparisons.building import build_comparisons
from jeoul.results.actions import current_results
from jeoul.results.side_by_side import Beside, side_by_side
from jeoul.studies.generation.actions import outputs_due
from jeoul.studies.models import Study, System, SystemVersion
from jeoul.studies.running import due_outputs
from jeoul.studies.runs import new_run

from tasks.generation import enqueue
from tasks.management.base import JeoulCommand, add_owner, owner_from, study_from


class Command(JeoulCommand):
    help = "Add a system's newest version to a study that ran, or show old and new side by side."
    example = "new_run my-study 'version 2' --reason 'model update'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("system", nargs="?", help="its newest version is added")
        parser.add_argument("--version-number", type=int, metavar="N", help="another version")
        parser.add_argument("--reason", default="")
        parser.add_argument("--show", action="store_true", help="only show the latest run")
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        if options["show"]:
            return self._show(study, as_json=options["json"])
        if not options["system"]:
            raise CommandError("Name the system whose newest version is to be added.")
        owner = owner_from(options)
        system = System.objects.filter(owner=owner, name=options["system"]).first()
        if system is None:
            raise CommandError(f"There is no system {options['system']!r}.")
        run = new_run(
            study=study,
            version=_version(system, options["version_number"]),
            actor=owner,
            reason=options["reason"],
        )
        new, comparisons = due_outputs(study=study), build_comparisons(study=study)
        enqueue(outputs_due(limit=10_000, study=study))
        if options["json"]:
            return self.print_json({"run": run.number, "outputs": new, "comparisons": comparisons})
        return self.say(
            f"Run {run.number}: {run.system_version.label} beside {run.previous.label}, "
            f"{new} outputs to make, {comparisons} comparisons to judge."
        )

    def _show(self, study: Study, *, as_json: bool) -> None:
        run = study.runs.select_related("system_version__system", "previous__system").last()
        if run is None:
            raise CommandError("This study has no run beside its first.")
        old, new = run.previous.label, run.system_version.label
        rows = side_by_side(current_results(study=study), old=old, new=new)
        if as_json:
            return self.print_json(
                [asdict(r) | {"change": r.change, "verdict": r.verdict} for r in rows]
            )
        for row in rows:
            self.say(_line(row, old, new))
        return None


def _version(system: System, number: int | None) -> SystemVersion:
    versions = system.versions.order_by("-number")
    found = versions.filter(number=number).first() if number else versions.first()
    if found is None:
        raise CommandError(f"{system.name} has no such version.")
    return found


def _line(row: Beside, old: str, new: str) -> str:
    def say(rate: Any) -> str:
        if rate is None or rate.rate is None:
            return "–"
        return f"{rate.rate:.0%} ({rate.low:.0%} to {rate.high:.0%}, n = {rate.n})"

    where = f"{row.slice} {row.value}: " if row.slice else "all: "
    if not row.opponent:
        return f"{where}{new} against {old} {say(row.new)}: {row.verdict}"
    pair = f"{old} {say(row.old)}, {new} {say(row.new)}"
    return f"{where}against {row.opponent}: {pair}: {row.verdict}"

"""Scan a study's texts, list what a person has to look at, and decide."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.comparisons.building import mark_ready
from jeoul.comparisons.standing import apply_decision, standings
from jeoul.risk.access import review_items
from jeoul.risk.actions import decide_item, note_look
from jeoul.risk.detectors.names import missing
from jeoul.risk.models import Verdict, Violating
from jeoul.risk.scanning import scan_outputs, scan_prompts, unscanned_outputs, unscanned_prompts
from jeoul.studies.models import Study

from tasks.management.base import JeoulCommand, add_owner, owner_from, study_from

_TOGETHER = 100


class Command(JeoulCommand):
    help = "Scan a study's prompts and outputs for risks; list and decide what is held."
    example = "review my-study allow 5f0c… --reason 'A quotation.'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("what", choices=["scan", "list", "allow", "remove"])
        parser.add_argument("item", nargs="?", default="", help="the id that list shows")
        parser.add_argument("--reason", default="", help="why; a decision needs one")
        parser.add_argument(
            "--violating", choices=Violating.values, default="",
            help="which answer of a pair does the harm, to remove it",
        )  # fmt: skip
        parser.add_argument("--all", action="store_true", help="list decided items too")
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        if options["what"] == "scan":
            self._scan(study, options["json"])
        elif options["what"] == "list":
            self._list(study, options)
        else:
            self._decide(study, options)

    def _scan(self, study: Study, as_json: bool) -> None:
        prompts = list(unscanned_prompts(study.prompt_set_version).values_list("pk", flat=True))
        outputs = list(unscanned_outputs(study).values_list("pk", flat=True))
        for at in range(0, len(prompts), _TOGETHER):
            scan_prompts(ids=prompts[at : at + _TOGETHER])
            self._tell(min(at + _TOGETHER, len(prompts)), len(prompts), "prompts")
        for at in range(0, len(outputs), _TOGETHER):
            scan_outputs(ids=outputs[at : at + _TOGETHER])
            self._tell(min(at + _TOGETHER, len(outputs)), len(outputs), "outputs")
        mark_ready(study=study)
        if lacking := missing():
            self.say(f"Names of people are not looked for: {lacking}")
        held = standings(study) | {"open": study.review_items.filter(verdict="open").count()}
        if as_json:
            self.print_json({"prompts": len(prompts), "outputs": len(outputs)} | held)
        else:
            self.say(f"{len(prompts)} prompts and {len(outputs)} outputs scanned.")
            self.stdout.write(", ".join(f"{n} {name}" for name, n in held.items()))

    def _tell(self, at: int, of: int, what: str) -> None:
        self.stderr.write(f"\r{at} of {of} {what} ", ending="\n" if at == of else "")
        self.stderr.flush()

    def _list(self, study: Study, options: dict[str, Any]) -> None:
        rows = review_items(study)
        if not options["all"]:
            rows = rows.filter(verdict=Verdict.OPEN)
        found = [
            {
                "id": str(i.uuid), "source": i.source, "kinds": i.kinds, "verdict": i.verdict,
                "prompt_id": i.prompt.key, "reason": i.reason,
                "systems": [o.system_version.label for o in (i.output, i.other) if o],
            }
            for i in rows
        ]  # fmt: skip
        if options["json"]:
            self.print_json(found)
            return
        for row in found:
            where = " – ".join(row["systems"]) or "prompt"
            kinds = ", ".join(row["kinds"])
            self.stdout.write(
                f"{row['id']}  {row['verdict']}  {row['prompt_id']}  {where}: {kinds}"
            )
        self.say(f"{len(found)} items.")

    def _decide(self, study: Study, options: dict[str, Any]) -> None:
        item = next((i for i in review_items(study) if str(i.uuid) == options["item"]), None)
        if item is None:
            raise CommandError("There is no such item in this study; see the list.")
        actor = owner_from(options)
        note_look(item=item, actor=actor)
        verdict = Verdict.ALLOWED if options["what"] == "allow" else Verdict.REMOVED
        item = decide_item(
            item=item, verdict=verdict, actor=actor, reason=options["reason"],
            violating=options["violating"],
        )  # fmt: skip
        self.say(f"Decided; {apply_decision(item=item)} comparisons are open by it.")

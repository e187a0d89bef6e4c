"""Change a frozen plan, numbered and with a reason."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.comparisons.building import retarget
from jeoul.comparisons.standing import reassess
from jeoul.studies.actions import AMENDABLE, amend_study

from tasks.management.base import JeoulCommand, add_owner, owner_from, study_from


class Command(JeoulCommand):
    help = f"Amend a study that ran: {', '.join(AMENDABLE)}."
    example = "amend_study my-study '{\"generation_cap\": 20}' --reason 'More prompts.'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("change", metavar="JSON", help="an object of settings and values")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        try:
            change = json.loads(options["change"])
        except ValueError as error:
            raise CommandError(f"The change is not JSON ({error}).") from None
        if not isinstance(change, dict) or not change:
            raise CommandError('The change is an object such as {"overlap": 5}.')
        made = amend_study(
            study=study, actor=owner_from(options), reason=options["reason"], change=change
        )
        retarget(study=study, overlap=study.overlap)
        if {"risk_policy", "contamination"} & set(change):
            reassess(study=study)
        if options["json"]:
            self.print_json({"number": made.number, "change": made.change})
        else:
            self.say(f"Amendment {made.number} of {study.slug} is in force.")

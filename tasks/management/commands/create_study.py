"""Make a study's draft."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.studies.actions import CriterionSpec, create_study
from jeoul.studies.models import System, SystemVersion

from tasks.management.base import JeoulCommand, add_owner, owner_from, prompts_from


class Command(JeoulCommand):
    help = "Make a draft of a study; start it with move_study."
    example = "create_study 'May it ship?' --prompts 'Daily questions' --systems v1 v2 --overlap 3"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("title")
        parser.add_argument("--slug", default="")
        parser.add_argument("--prompts", required=True, metavar="NAME", help="the prompt set")
        parser.add_argument("--systems", nargs="+", required=True, metavar="NAME")
        parser.add_argument("--baseline", metavar="NAME", help="compare each system with this one")
        parser.add_argument("--overlap", type=int, default=3)
        parser.add_argument("--samples", type=int, default=1)
        parser.add_argument("--seed", type=int)
        parser.add_argument("--scale", type=int, choices=[2, 3, 4, 5, 7], default=4)
        parser.add_argument("--question", default="Which answer is better overall?")
        parser.add_argument("--instructions", default="", help="Markdown")
        parser.add_argument("--further", metavar="JSON", help="any further settings of the plan")
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        systems = {name: self._newest(owner, name) for name in options["systems"]}
        baseline = options["baseline"]
        if baseline and baseline not in systems:
            raise CommandError("The baseline must be one of the systems.")
        settings = {
            "overlap": options["overlap"],
            "samples": options["samples"],
            "instructions": options["instructions"],
            "design": "baseline" if baseline else "all_pairs",
        }
        settings |= self._further(options["further"])
        if options["seed"] is not None:
            settings["seed"] = options["seed"]
        criterion = CriterionSpec(
            key="overall", name="Overall", question=options["question"], scale=options["scale"]
        )
        study = create_study(
            owner=owner,
            title=options["title"],
            slug=options["slug"],
            prompts=prompts_from(options["prompts"], owner),
            systems=list(systems.values()),
            baseline=systems[baseline] if baseline else None,
            criteria=[criterion],
            settings=settings,
        )
        if options["json"]:
            self.print_json({"id": str(study.uuid), "slug": study.slug})
        else:
            self.say(f"The draft {study.slug} is made; start it with: move_study {study.slug} run")

    def _further(self, text: str | None) -> dict[str, Any]:
        """Such as qualification_items, gold_share or contact; the action knows the names."""
        try:
            value = json.loads(text or "{}")
        except ValueError as error:
            raise CommandError(f"--further is not JSON ({error}).") from None
        if not isinstance(value, dict):
            raise CommandError('--further must be a JSON object such as \'{"contact": "…"}\'.')
        return value

    def _newest(self, owner: Any, name: str) -> SystemVersion:
        system = System.objects.filter(owner=owner, name=name).first()
        version = system.newest() if system else None
        if version is None:
            raise CommandError(f"{owner.username} has no system {name!r}.")
        return version

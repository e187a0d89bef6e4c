"""How many judgements a study needs."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.analysis.errors import AnalysisError
from jeoul.analysis.power import Components, Design, half_width, power, votes_needed

from tasks.management.base import JeoulCommand


class Command(JeoulCommand):
    help = (
        "Expected interval and power of a design, under stated variances of a score in 0 to 1 "
        "(defaults: prompts 0.04, workers 0.01, rest 0.18)."
    )
    example = "plan_power --prompts 200 --per-prompt 3 --workers 25 --win-rate 0.55"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--prompts", type=int, required=True)
        parser.add_argument("--per-prompt", type=int, default=3)
        parser.add_argument("--workers", type=int, required=True)
        parser.add_argument("--win-rate", type=float, default=0.55, help="worth finding out")
        parser.add_argument("--tie-share", type=float, default=0.2)
        parser.add_argument("--var-prompt", type=float, default=0.04)
        parser.add_argument("--var-worker", type=float, default=0.01)
        parser.add_argument("--var-rest", type=float, default=0.18)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = self._plan(options)
        except AnalysisError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.print_json(found)
            return
        self.stdout.write(
            f"{found['judgements']} judgements: expected 95 % interval ± "
            f"{100 * found['half_width']:.1f} points,\npower {found['power']:.0%} to find a win "
            f"rate of {options['win_rate']:.0%}. With independent judgements and power 80 %: "
            f"{found['independent_judgements_for_80']} judgements."
        )

    def _plan(self, options: dict[str, Any]) -> dict[str, Any]:
        variances = Components(options["var_prompt"], options["var_worker"], options["var_rest"])
        design = Design(options["prompts"], options["per_prompt"], options["workers"])
        return {
            "design": asdict(design),
            "variances": asdict(variances),
            "judgements": design.prompts * design.per_prompt,
            "half_width": round(half_width(variances, design), 6),
            "win_rate": options["win_rate"],
            "power": round(power(variances, design, options["win_rate"]), 6),
            "independent_judgements_for_80": votes_needed(
                options["win_rate"], tie_share=options["tie_share"]
            ),
        }

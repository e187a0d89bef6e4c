"""Let simulated annotators work a study."""

import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from jeoul.demo.crowd import Crowd
from jeoul.results.progress import study_progress

from tasks.management.base import JeoulCommand, study_from

_PAUSE_SECONDS = 3


class Command(JeoulCommand):
    help = "Let N simulated annotators of known reliability judge a study; all is marked simulated."
    example = "simulate_crowd demo --workers 40"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("--workers", type=int, default=20, metavar="N")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--max-judgements", type=int, metavar="N", help="stop after so many")
        parser.add_argument(
            "--follow", action="store_true", help="wait for outputs until the study is judged"
        )
        parser.add_argument("--json", action="store_true", help="print the truth as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        crowd = Crowd(study=study, size=options["workers"], seed=options["seed"])
        truth = Path(settings.VAR) / f"crowd-{study.uuid}.json"
        truth.parent.mkdir(parents=True, exist_ok=True)
        truth.write_text(json.dumps(crowd.truth(), ensure_ascii=False, indent=2))
        done = 0
        while True:
            left = options["max_judgements"] and options["max_judgements"] - done
            for _done in crowd.work(limit=left):
                done += 1
                if done % 50 == 0:
                    self.say(f"{done} judgements")
            progress = study_progress(study)
            if not options["follow"] or progress.judged >= progress.planned:
                break
            time.sleep(_PAUSE_SECONDS)
        if options["json"]:
            self.print_json(crowd.truth())
        self.say(f"{done} simulated judgements; who they were stands in {truth}.")

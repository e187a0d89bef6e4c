"""Watch whether a model changes under its name."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.studies.models import System, Watch
from jeoul.studies.watching import begin_round, start_watch, stop_watch

from tasks.management.base import JeoulCommand, add_owner, owner_from, prompts_from


class Command(JeoulCommand):
    help = "Ask a golden set of a system again on a schedule, or show what the rounds say."
    example = "watch_model 'version 2' --prompts 'Golden' --every-hours 24"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("system", help="its newest version is watched")
        parser.add_argument("--prompts", required=True, metavar="NAME")
        parser.add_argument("--every-hours", type=int, default=24)
        parser.add_argument("--now", action="store_true", help="begin a round at once")
        parser.add_argument("--stop", action="store_true")
        parser.add_argument("--show", action="store_true", help="only show the rounds")
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        prompts = prompts_from(options["prompts"], owner)
        system = System.objects.filter(owner=owner, name=options["system"]).first()
        version = system.newest() if system else None
        if version is None:
            raise CommandError(f"There is no system {options['system']!r}.")
        if options["show"] or options["stop"]:
            watch = Watch.objects.filter(system_version=version, prompts=prompts).first()
            if watch is None:
                raise CommandError(f"{version.label} is not watched on {prompts}.")
            if options["stop"]:
                stop_watch(watch=watch, actor=owner)
                return self.say("Stopped; the rounds stay.")
            return self._show(watch, as_json=options["json"])
        watch = start_watch(
            owner=owner, version=version, prompts=prompts, every_hours=options["every_hours"]
        )
        if options["now"] and not begin_round(watch_id=watch.pk):
            raise CommandError("The last round is still being made.")
        return self.say(f"{version.label} is asked {prompts} every {watch.every_hours} h.")

    def _show(self, watch: Watch, *, as_json: bool) -> None:
        rounds = list(watch.rounds.all())
        if as_json:
            rows = [{"round": r.number, "at": r.created_at.isoformat()} | r.facts for r in rounds]
            return self.print_json(rows)
        for r in rounds:
            if r.finished_at is None:
                self.say(f"{r.number}: under way")
                continue
            f = r.facts
            share = "–" if f["changed_share"] is None else f"{f['changed_share']:.0%}"
            self.say(
                f"{r.number}: {f['answered']} answered, {share} changed since the first, "
                f"{f['refused']} refused, {f['mean_characters'] or 0:.0f} characters"
                + (f"; {f['alarm']}" if f["alarm"] else "")
            )
        return None

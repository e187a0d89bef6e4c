"""Start, pause or close a study."""

from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse
from jeoul.comparisons.building import build_comparisons
from jeoul.studies.models import Study, StudyState
from jeoul.studies.running import due_outputs, move_study
from jeoul.workers.actions import get_vendor, make_invite

from tasks.management.base import JeoulCommand, study_from

_TO: Final = {
    "run": StudyState.RUNNING,
    "pause": StudyState.PAUSED,
    "close": StudyState.CLOSED,
    "archive": StudyState.ARCHIVED,
}


class Command(JeoulCommand):
    help = "Start (or go on with), pause, close or archive a study; starting freezes its plan."
    example = "move_study may-it-ship run --invite 'Agency'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("to", choices=sorted(_TO))
        parser.add_argument("--invite", metavar="VENDOR", help="print a link for its workers")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_from(options["study"])
        owner = study.memberships.filter(role="owner").select_related("user")[0].user
        to = _TO[options["to"]]
        moved = move_study(study=study, to=to, actor=owner)
        if to == StudyState.RUNNING:
            outputs, comparisons = due_outputs(study=study), build_comparisons(study=study)
            self.say(f"{outputs} outputs due, {comparisons} comparisons planned.")
        self.say(f"{study.slug} is {study.state}{'' if moved else ' already'}.")
        if options["invite"]:
            self._invite(study, owner, options["invite"])

    def _invite(self, study: Study, owner: Any, vendor: str) -> None:
        invite = make_invite(study=study, vendor=get_vendor(owner=owner, name=vendor))
        self.stdout.write(f"{settings.SITE_URL}{reverse('worker-join', args=[invite.token])}")

"""Bring judgements made elsewhere in."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.comparisons.import_actions import import_judgements
from jeoul.studies.models import Study

from tasks.management.base import JeoulCommand, add_owner, owner_from, read_file, report, study_from


class Command(JeoulCommand):
    help = "Import judgements (JSONL or CSV) into a study, or with --create into a new one."
    example = "import_judgements votes.csv --study arena-2026 --create"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help=".jsonl or .csv, or - for JSONL on standard input")
        parser.add_argument("--study", required=True, metavar="SLUG")
        parser.add_argument("--create", action="store_true", help="make the study if it is new")
        parser.add_argument("--title", default="", help="title of the new study")
        parser.add_argument(
            "--scale", type=int, choices=[2, 3, 4, 5, 7], help="steps; inferred when left out"
        )
        parser.add_argument("--baseline", default="", metavar="SYSTEM")
        parser.add_argument("--take-good", action="store_true", help="leave bad rows out")
        parser.add_argument(
            "--machine", action="store_true", help="the workers are machine judges, read apart"
        )
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["study"]
        study = Study.objects.filter(slug=slug).first()
        if study is None and not options["create"]:
            study_from(slug)
        if (
            study is not None
            and options["owner"]
            and not study.memberships.filter(user__username=options["owner"])
        ):
            raise CommandError(f"{options['owner']!r} has no role on the study {slug!r}.")
        owner = (
            study.memberships.filter(role="owner").select_related("user")[0].user
            if study is not None and not options["owner"]
            else owner_from(options)
        )
        text, kind = read_file(options["file"])
        study, done = import_judgements(
            owner=owner,
            study=study,
            text=text,
            kind=kind,
            slug=slug,
            title=options["title"],
            scale=options["scale"],
            baseline=options["baseline"],
            take_good=options["take_good"],
            machine=options["machine"],
        )
        report(
            self, done, "judgements", as_json=options["json"],
            study=study.slug, id=str(study.uuid),
        )  # fmt: skip

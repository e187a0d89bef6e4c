"""Check the hash chain over judgements."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.comparisons.chain import seal_study, verify_study
from jeoul.results.record import Record
from jeoul.results.record_check import unlike_inputs
from jeoul.studies.models import Study

from tasks.management.base import JeoulCommand, study_from


class Command(JeoulCommand):
    help = "Check that no stored judgement was changed or removed: compute the hash chain again."
    example = "verify_log my-study"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="SLUG", nargs="?", help="all studies when left out")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--record", metavar="FILE", help="check an evaluation record instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["record"]:
            self._check_record(Record(Path(options["record"])), as_json=options["json"])
            return
        studies = [study_from(options["study"])] if options["study"] else Study.objects.all()
        found = {}
        for study in studies:
            while seal_study(study=study):
                pass
            found[study.slug] = verify_study(study=study)
        broken = {slug: v.broken_at for slug, v in found.items() if v.broken_at is not None}
        if options["json"]:
            self.print_json({slug: verdict.__dict__ for slug, verdict in found.items()})
        else:
            for slug, verdict in found.items():
                state = f"BROKEN at link {verdict.broken_at}" if slug in broken else "whole"
                self.say(f"{slug}: {verdict.links} judgements, {state}")
        if broken:
            raise CommandError(f"{len(broken)} chain(s) broken.")

    def _check_record(self, record: Record, *, as_json: bool) -> None:
        changed = record.changed()
        chain = None if changed else record.chain()
        unlike = [] if changed else unlike_inputs(record)
        found = {
            "changed": changed,
            "links": chain.links if chain else 0,
            "broken_at": chain.broken_at if chain else None,
            "unlike": chain.unlike if chain else 0,
            "inputs_unlike": unlike,
        }
        if as_json:
            self.print_json(found)
        if changed:
            raise CommandError(f"The record was changed: {', '.join(changed)}.")
        if chain is None or not chain.whole:
            raise CommandError(f"The record's chain is broken: {found}.")
        if unlike:
            raise CommandError(f"The record's inputs are not its judgements: {'; '.join(unlike)}.")
        self.say(f"{record.manifest['study']['slug']}: {chain.links} judgements, whole")

"""Look at prompt sets, compare their versions, tag and seal them."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.accounts.models import User
from jeoul.studies.models import PromptSet, PromptSetVersion
from jeoul.studies.prompt_sets import difference, picture, seal, tag_version, untag

from tasks.management.base import JeoulCommand, add_owner, owner_from


class Command(JeoulCommand):
    help = "List prompt sets; show one, compare two versions, tag or seal."
    example = "prompt_sets diff 'Daily questions' 1 2"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["list", "show", "diff", "tag", "untag", "seal"])
        parser.add_argument("name", nargs="?", default="", help="the prompt set")
        parser.add_argument("rest", nargs="*", help="diff: two versions; tag: NAME [VERSION]")
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        if options["what"] == "list":
            self._list(owner, options["json"])
            return
        found = PromptSet.objects.filter(owner=owner, name=options["name"]).first()
        if found is None:
            raise CommandError(f"{owner.username} has no prompt set {options['name']!r}.")
        getattr(self, f"_{options['what']}")(found, options["rest"], owner, options["json"])

    def _list(self, owner: User, as_json: bool) -> None:
        rows = [
            {
                "name": s.name, "version": v.number, "prompts": v.entries.count(),
                "sealed": s.sealed, "tags": {t.name: t.version.number for t in s.tags.all()},
                "content_hash": v.content_hash,
            }
            for s in PromptSet.objects.filter(owner=owner) if (v := s.latest())
        ]  # fmt: skip
        if as_json:
            self.print_json(rows)
            return
        for row in rows:
            sealed = ", sealed" if row["sealed"] else ""
            self.stdout.write(f"{row['name']}: v{row['version']}, {row['prompts']} prompts{sealed}")

    def _show(self, found: PromptSet, rest: list[str], owner: User, as_json: bool) -> None:
        seen = picture(_version(found, rest[0] if rest else ""))
        if as_json:
            slices = {n: {s.value: s.n for s in rows} for n, rows in seen.slices.items()}
            self.print_json(
                {"total": seen.total, "high_risk": seen.high, "multi_turn": seen.turns,
                 "language_detected": seen.detected, "slices": slices}
            )  # fmt: skip
            return
        self.stdout.write(f"{seen.total} prompts, {seen.high} high-risk, {seen.turns} multi-turn")
        for name, rows in seen.slices.items():
            counts = ", ".join(f"{s.value} {s.n}{' (thin)' * s.thin}" for s in rows)
            self.stdout.write(f"{name}: {counts or 'none'}")

    def _diff(self, found: PromptSet, rest: list[str], owner: User, as_json: bool) -> None:
        if len(rest) != 2:
            raise CommandError("Give two versions, for example: diff NAME 1 2.")
        made = difference(_version(found, rest[0]), _version(found, rest[1]))
        if as_json:
            self.print_json(
                {"added": made.added, "removed": made.removed, "changed": made.changed,
                 "same": made.same, "moved": made.moved}
            )  # fmt: skip
            return
        for sign, keys in (("+", made.added), ("-", made.removed), ("~", made.changed)):
            for key in keys[:100]:
                self.stdout.write(f"{sign} {key}")
        self.say(
            f"{len(made.added)} added, {len(made.removed)} removed, {len(made.changed)} changed, "
            f"{made.same} the same."
        )

    def _tag(self, found: PromptSet, rest: list[str], owner: User, as_json: bool) -> None:
        if not rest:
            raise CommandError("Give the tag, for example: tag NAME golden 2.")
        version = _version(found, rest[1] if len(rest) > 1 else "")
        tag_version(version=version, name=rest[0], actor=owner)
        self.say(f"{rest[0]} is version {version.number} now.")

    def _untag(self, found: PromptSet, rest: list[str], owner: User, as_json: bool) -> None:
        if not rest or not untag(prompt_set=found, name=rest[0], actor=owner):
            raise CommandError("There is no such tag.")

    def _seal(self, found: PromptSet, rest: list[str], owner: User, as_json: bool) -> None:
        seal(prompt_set=found, actor=owner)
        self.say("Only annotators see the texts until its studies have ended.")


def _version(found: PromptSet, name: str) -> PromptSetVersion:
    """A version by its number or its tag; the latest without one."""
    rows = found.versions.all()
    if name:
        number = name.removeprefix("v")
        rows = rows.filter(number=int(number)) if number.isdigit() else rows.filter(tags__name=name)
    version = rows.order_by("-number").first()
    if version is None:
        raise CommandError(f"{found.name} has no version {name!r}.")
    return version

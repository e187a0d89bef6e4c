"""What all commands share: who acts, how a file is read, how a mistake is told in one line."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from jeoul.accounts.models import User
from jeoul.base import DomainError
from jeoul.studies.models import PromptSet, PromptSetVersion, Study
from jeoul.studies.prompt_actions import Imported


class JeoulCommand(BaseCommand):
    """A command whose refusals are one clear line and a non-zero exit."""

    example = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        if self.example:
            kwargs["epilog"] = f"Example: python manage.py {self.example}"
        return super().create_parser(prog_name, subcommand, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DomainError as error:
            raise CommandError(error.message) from error

    def print_json(self, value: object) -> None:
        """JSON on standard output, the same bytes for the same value."""
        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=2))

    def say(self, text: str) -> None:
        """For people; standard output belongs to programs."""
        self.stderr.write(text, ending="\n")


def add_owner(parser: CommandParser) -> None:
    parser.add_argument(
        "--owner",
        metavar="USERNAME",
        help="the researcher who acts; may be left out when there is only one",
    )


def owner_from(options: dict[str, Any]) -> User:
    """The researcher named, the only one there is, or a new one named local on an empty site."""
    name = options.get("owner")
    if name:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no researcher named {name!r}.")
        return user
    users = list(User.objects.filter(is_active=True).order_by("pk")[:2])
    if len(users) > 1:
        raise CommandError("There are several researchers; say which one acts with --owner.")
    if users:
        return users[0]
    user = User(username="local")
    user.set_unusable_password()
    user.save()
    return user


def read_file(path: str) -> tuple[str, str]:
    """A file's text and its kind, csv or jsonl, by its name; - reads JSONL from standard input."""
    if path == "-":
        return sys.stdin.read(), "jsonl"
    file = Path(path)
    kind = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}.get(
        file.suffix.lower()
    )
    if kind is None:
        raise CommandError(f"{path}: the name must end with .jsonl or .csv.")
    try:
        return file.read_text(encoding="utf-8"), kind
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None


def study_from(slug: str) -> Study:
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        known = ", ".join(Study.objects.values_list("slug", flat=True)[:10]) or "none yet"
        raise CommandError(f"There is no study {slug!r}. Studies: {known}.")
    return study


def prompts_from(name: str, owner: User) -> PromptSetVersion:
    """The latest version of the owner's prompt set of this name."""
    found = PromptSet.objects.filter(owner=owner, name=name).first()
    version = found.latest() if found else None
    if version is None:
        raise CommandError(f"{owner.username} has no prompt set {name!r}.")
    return version


def report(command: JeoulCommand, done: Imported, what: str, *, as_json: bool, **more: Any) -> None:
    """What an import did, for a person or a program."""
    if as_json:
        bad = [row.__dict__ for row in done.bad]
        command.print_json(more | {"added": done.added, "unchanged": done.unchanged, "bad": bad})
        return
    for row in done.bad:
        command.say(f"left out: {row}")
    command.say(f"{done.added} {what} added, {done.unchanged} there already.")

"""Define a connection, change it, or see how it is set."""

import argparse
import json
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.studies.connection_actions import SETTINGS, create_connection, update_connection
from jeoul.studies.models import Connection, Protocol

from tasks.management.base import JeoulCommand, add_owner, owner_from


def _limit(text: str) -> int | None:
    """A number; none takes the limit away."""
    return None if text == "none" else int(text)


class Command(JeoulCommand):
    help = "Make a connection where its name is new, else change what is given; then show it."
    example = "set_connection 'Our vLLM' --requests-per-minute 600 --tokens-per-minute none"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the connection")
        settings: tuple[tuple[str, dict[str, Any]], ...] = (
            ("--base-url", {"metavar": "URL"}),
            ("--protocol", {"choices": Protocol.values}),
            ("--key-env", {"metavar": "VARIABLE", "help": "that holds the key"}),
            ("--concurrency", {"type": int, "metavar": "N", "help": "requests at once"}),
            ("--requests-per-minute", {"type": _limit, "metavar": "N|none"}),
            ("--tokens-per-minute", {"type": _limit, "metavar": "N|none"}),
            ("--timeout-seconds", {"type": int, "metavar": "N"}),
            ("--price-in", {"type": Decimal, "help": "per million tokens"}),
            ("--price-out", {"type": Decimal, "help": "per million tokens"}),
            ("--currency", {}),
            ("--prices", {"type": json.loads, "metavar": "JSON", "help": "by model: [in, out]"}),
        )
        for option, how in settings:
            # What isn't given isn't there: none is a value too.
            parser.add_argument(option, default=argparse.SUPPRESS, **how)
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        given = {n: options[n] for n in SETTINGS if n != "name" and n in options}
        found = Connection.objects.filter(owner=owner, name=options["name"]).first()
        if found is None and "base_url" not in given:
            raise CommandError(
                f"{owner.username} has no connection {options['name']!r}; "
                "with --base-url it is made."
            )
        if found is None:
            found = create_connection(owner=owner, name=options["name"], **given)
        elif given:
            update_connection(connection=found, actor=owner, **given)
        self.print_json(
            {name: _plain(getattr(found, name)) for name in SETTINGS}
            | {"key": "stored" if found.key_encrypted else found.key_env or None}
        )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value

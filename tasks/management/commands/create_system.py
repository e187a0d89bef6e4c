"""Define a system and the connection it answers through."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from jeoul.studies.models import Connection, Protocol
from jeoul.studies.systems_actions import create_connection, create_system_version
from jeoul.studies.version_reading import previous_of, warnings_of

from tasks.management.base import JeoulCommand, add_owner, owner_from


class Command(JeoulCommand):
    help = "Add a version to a system; a base URL makes the connection when it is new."
    example = (
        "create_system 'version 2' --base-url https://llm.example/v1 --key-env LLM_KEY "
        "--model m-2026-01-01 --temperature 0.2"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--connection", metavar="NAME", help="an existing connection")
        parser.add_argument("--base-url", metavar="URL", help="of a new connection")
        parser.add_argument(
            "--protocol", choices=Protocol.values, default="openai", help="of a new connection"
        )
        parser.add_argument(
            "--request-template", metavar="JSON",
            help='protocol http: \'{"text": "{prompt}"}\', or @FILE that holds it',
        )  # fmt: skip
        parser.add_argument(
            "--answer-paths", metavar="JSON", help='protocol http: \'{"text": "choices.0.text"}\''
        )
        parser.add_argument("--key-header", default="", help='protocol http: "X-Key: {key}"')
        parser.add_argument("--concurrency", type=int, default=4, help="requests at once")
        parser.add_argument("--key-env", default="", metavar="VARIABLE", help="that holds the key")
        parser.add_argument("--model", default="")
        parser.add_argument("--system-prompt", default="")
        parser.add_argument("--prompt-template", default="", help="with {prompt} in it")
        parser.add_argument(
            "--examples", metavar="FILE",
            help='few-shot: a JSON list or JSON lines of {"user": "…", "assistant": "…"}',
        )  # fmt: skip
        parser.add_argument("--temperature", type=float)
        parser.add_argument("--max-tokens", type=int)
        parser.add_argument("--seed", type=int)
        parser.add_argument("--price-in", type=Decimal, default=Decimal(0))
        parser.add_argument("--price-out", type=Decimal, default=Decimal(0))
        parser.add_argument("--json", action="store_true")
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = owner_from(options)
        names = ("temperature", "max_tokens", "seed")
        version = create_system_version(
            owner=owner,
            name=options["name"],
            connection=self._connection(owner, options),
            model=options["model"],
            system_prompt=options["system_prompt"],
            prompt_template=options["prompt_template"],
            sampling={n: options[n] for n in names if options[n] is not None},
            examples=self._examples(options["examples"]),
        )
        warnings = warnings_of(version, previous_of(version))
        if options["json"]:
            self.print_json({"id": str(version.uuid), "label": version.label, "warnings": warnings})
            return
        self.say(f"{version.label} is defined.")
        for warning in warnings:
            self.say(f"Mind: {warning}")

    def _examples(self, path: str | None) -> list[dict[str, str]]:
        if not path:
            return []
        text = self._text(path)
        try:
            if text.lstrip().startswith("["):
                return list(json.loads(text))
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise CommandError(f"{path} is neither a JSON list nor JSON lines ({error}).") from None

    def _object(self, option: str, text: str | None) -> dict[str, Any]:
        """JSON as typed, or from a file named after an @."""
        if text and text.startswith("@"):
            text = self._text(text[1:])
        try:
            value = json.loads(text or "{}")
        except ValueError as error:
            raise CommandError(f"{option} is not JSON ({error}).") from None
        if not isinstance(value, dict):
            raise CommandError(f"{option} must be a JSON object.")
        return value

    def _text(self, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} can't be read: {error}") from None

    def _connection(self, owner: Any, options: dict[str, Any]) -> Connection | None:
        url, name = options["base_url"], options["connection"]
        mine = Connection.objects.filter(owner=owner)
        if name and not url:
            found = mine.filter(name=name).first()
            if found is None:
                raise CommandError(f"{owner.username} has no connection {name!r}.")
            return found
        if not url:
            return None
        return mine.filter(base_url=url.rstrip("/")).first() or create_connection(
            owner=owner,
            name=name or url,
            base_url=url,
            protocol=options["protocol"],
            key_env=options["key_env"],
            key_header=options["key_header"],
            request_template=self._object("--request-template", options["request_template"]),
            answer_paths=self._object("--answer-paths", options["answer_paths"]),
            concurrency=options["concurrency"],
            price_in=options["price_in"],
            price_out=options["price_out"],
        )

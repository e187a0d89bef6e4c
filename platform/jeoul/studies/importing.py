"""Reading prompts and outputs from files: row by row, nothing coerced, every bad row named."""

import json
from dataclasses import dataclass, field
from typing import Final

from jeoul.base import DomainError
from jeoul.studies.hashing import content_hash

# MLCommons AILuminate v1.0's twelve hazards.
HAZARDS: Final = (
    "violent crimes",
    "non-violent crimes",
    "sex-related crimes",
    "child sexual exploitation",
    "indiscriminate weapons",
    "suicide & self-harm",
    "hate",
    "privacy",
    "intellectual property",
    "defamation",
    "sexual content",
    "specialised advice",
)
ROLES: Final = frozenset({"system", "user", "assistant"})
_TEXTS: Final = ("category", "language", "difficulty", "hazard", "source", "reference")
_LIMITS: Final = {"category": 100, "language": 35, "difficulty": 50, "hazard": 100, "source": 500}


@dataclass(frozen=True)
class BadRow:
    """One row that was refused: its number in the file (from 1), the field and why."""

    number: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.number}: {self.field}: {self.reason}"


class BadRows(DomainError):
    """A file had rows that break the format; nothing of it was stored."""

    code = "bad_rows"
    status = 422

    def __init__(self, rows: list[BadRow]) -> None:
        shown = "; ".join(str(row) for row in rows[:5])
        more = f"; and {len(rows) - 5} more" if len(rows) > 5 else ""
        super().__init__(
            f"{len(rows)} bad row(s), nothing was imported: {shown}{more}. "
            "Mend them, or take only the good rows.",
            rows=[row.__dict__ for row in rows],
        )
        self.rows = rows


class RowError(ValueError):
    """A row's field breaks the format."""

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(f"{field_name}: {reason}")
        self.field = field_name
        self.reason = reason


def text_field(row: dict[str, object], name: str, *, required: bool = False, limit: int = 0) -> str:
    """A text of the row; anything but text is an error, never turned into one."""
    value = row.get(name)
    if value is None:
        if required:
            raise RowError(name, "is missing")
        return ""
    if not isinstance(value, str):
        raise RowError(name, f"must be text, not {json.dumps(value)[:60]}")
    if "\x00" in value:
        raise RowError(name, "contains a null character, which PostgreSQL can't store")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RowError(name, "contains half of a surrogate pair, which is not text") from None
    if required and not value.strip():
        raise RowError(name, "is empty")
    if limit and len(value) > limit:
        raise RowError(name, f"is longer than {limit} characters")
    return value


@dataclass(frozen=True)
class PromptRow:
    """A prompt as it came in, checked."""

    key: str
    messages: list[dict[str, str]]
    fields: dict[str, str]
    risk: str
    metadata: dict[str, object] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        return content_hash(
            {
                "messages": self.messages,
                "fields": self.fields,
                "risk": self.risk,
                "metadata": self.metadata,
            }
        )


def _messages(row: dict[str, object]) -> list[dict[str, str]]:
    if ("prompt" in row) == ("messages" in row):
        raise RowError("prompt", "give either prompt or messages, exactly one of them")
    if "prompt" in row:
        return [{"role": "user", "content": text_field(row, "prompt", required=True)}]
    value = row["messages"]
    if isinstance(value, str):
        # A CSV cell holds the list as JSON.
        try:
            value = json.loads(value)
        except ValueError:
            raise RowError("messages", "is not a JSON list") from None
    if not isinstance(value, list) or not value:
        raise RowError("messages", "must be a list of at least one message")
    messages = []
    for at, message in enumerate(value):
        place = f"messages[{at}]"
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise RowError(place, "must have exactly role and content")
        if message["role"] not in ROLES:
            raise RowError(f"{place}.role", "must be system, user or assistant")
        if not isinstance(message["content"], str):
            raise RowError(f"{place}.content", "must be text")
        content = text_field({place: message["content"]}, place, required=True)
        messages.append({"role": message["role"], "content": content})
    if messages[-1]["role"] != "user":
        raise RowError("messages", "must end with a user message, which the systems answer")
    return messages


def is_hazard(text: str) -> bool:
    """One of the twelve, or another one that is given a name: ``other: gambling``."""
    kind, _, name = text.partition(":")
    return text in HAZARDS or (kind == "other" and bool(name.strip()))


def parse_prompt(row: dict[str, object]) -> PromptRow:
    """Check one row of a prompt file; raises RowError naming the field."""
    known = {"id", "prompt", "messages", "risk", "metadata", *_TEXTS}
    fields = {name: text_field(row, name, limit=_LIMITS.get(name, 0)) for name in _TEXTS}
    risk = text_field(row, "risk") or "realistic"
    if risk not in {"realistic", "high"}:
        raise RowError("risk", f"must be realistic or high, not {risk!r}")
    if fields["hazard"] and not is_hazard(fields["hazard"]):
        known_names = ", ".join(HAZARDS)
        raise RowError(
            "hazard", f"must be one of {known_names}, or other: NAME; not {fields['hazard']!r}"
        )
    metadata = row.get("metadata", {})
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except ValueError:
            metadata = None
    if not isinstance(metadata, dict):
        raise RowError("metadata", "must be a JSON object")
    extra = {k: v for k, v in row.items() if k not in known}
    if "\\u0000" in json.dumps([metadata, extra]):
        raise RowError("metadata", "contains a null character, which PostgreSQL can't store")
    return PromptRow(
        key=text_field(row, "id", required=True, limit=200),
        messages=_messages(row),
        fields=fields,
        risk=risk,
        metadata={**metadata, **extra},
    )

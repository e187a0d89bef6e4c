"""How right the detectors are on texts that we wrote; bench/risk.py measures, this file tells."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jeoul.risk.words import rule_name

_FILE = Path(__file__).with_name("measured.json")


@cache
def _told() -> dict[str, Any]:
    return dict(json.loads(_FILE.read_text())) if _FILE.exists() else {}


def measured() -> dict[str, Any]:
    """By kind: precision, recall and the number of texts; empty before the first measurement."""
    return dict(_told().get("kinds", {}))


def measured_rules() -> list[dict[str, Any]]:
    """The same of each rule of personal data by language, the names of people by model.

    What is not looked for has no precision, and the recall of zero that it was found to have.
    """
    names = [{"rule": "name"} | row for row in _told().get("names", [])]
    return [
        row | {"name": rule_name(row["rule"])} for row in [*_told().get("personal", []), *names]
    ]

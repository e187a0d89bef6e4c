"""Examples in the schema: real requests and answers, kept as data beside the code.

`examples.json` holds one of each operation by method and path; a test validates every one against
the schema itself, so that none is left behind when a shape changes.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).with_name("examples.json")
_V1: Final = "/api/v1"


@cache
def recorded() -> dict[str, dict[str, Any]]:
    """By ``GET /studies/{study}/``: ``request``, ``answer``, either or both."""
    found: dict[str, dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))
    return found


def with_examples(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: examples where a view names none of its own."""
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            known = recorded().get(f"{method.upper()} {path.removeprefix(_V1)}", {})
            _put(operation.get("requestBody", {}), known.get("request"), "Request")
            for status, answer in operation["responses"].items():
                if status.startswith("2"):
                    _put(answer, known.get("answer"), "Answer")
    return result


def _put(place: dict[str, Any], example: Any, name: str) -> None:
    content = place.get("content", {}).get("application/json")
    if content is not None and example is not None and "examples" not in content:
        content["examples"] = {name: {"value": example}}

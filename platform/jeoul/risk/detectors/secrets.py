"""Keys and passwords by their published forms; a detail names the form, never the value."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from jeoul.risk.detectors.base import Found
from jeoul.studies.models import RiskKind

_FORMS: Final = tuple(
    (name, re.compile(text))
    for name, text in (
        ("private_key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
        ("aws_key", r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
        ("github_token", r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})"),
        ("openai_key", r"(?<!\w)sk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}"),
        ("anthropic_key", r"(?<!\w)sk-ant-[A-Za-z0-9_-]{24,}"),
        ("slack_token", r"(?<!\w)xox[abprs]-[A-Za-z0-9-]{10,}"),
        ("google_key", r"(?<!\w)AIza[A-Za-z0-9_-]{35}(?![\w-])"),
        ("stripe_key", r"(?<!\w)[sr]k_live_[A-Za-z0-9]{20,}"),
        ("huggingface_token", r"(?<!\w)hf_[A-Za-z0-9]{30,}"),
        ("jwt", r"(?<!\w)eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
        ("url_password", r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@]{1,64}:(?!\$|<|\{|password|pass\b|xxx|\*)"
                         r"[^\s/:@]{6,}@[\w.-]+"),
    )
)  # fmt: skip
_ASSIGNED: Final = re.compile(
    r"(?i)\b(?:api[_-]?key|secret(?:[_-]?key)?|access[_-]?token|auth[_-]?token|password|passwd|pwd|"
    r"비밀번호|암호)\s*(?:=|:|은|는|is)\s*[\"'`]?([^\s\"'`,;<>{}]{8,})"
)
_PLACEHOLDER: Final = re.compile(
    r"(?i)^(?:your|my|the|some|example|change|insert|replace|x{3,}|\*{3,}|\.{3,}|<|\$|%|os\.|env|"
    r"process\.|getenv|config|settings|string|hash|none|null|required|optional|input|request|secure)"
)
# Random letters and digits carry over 3 bits each; words of a sentence seldom do.
_LEAST_BITS: Final = 3.0


def _bits(text: str) -> float:
    n = len(text)
    return -sum(c / n * math.log2(c / n) for c in Counter(text).values())


def secrets(text: str) -> Iterator[Found]:
    """Places that look like a key that opens something."""
    taken: list[tuple[int, int]] = []
    for rule, pattern in _FORMS:
        for match in pattern.finditer(text):
            if not any(s < match.end() and match.start() < e for s, e in taken):
                taken.append(match.span())
                yield Found(RiskKind.SECRET, rule, *match.span())
    for match in _ASSIGNED.finditer(text):
        value, span = match.group(1), match.span(1)
        mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        if any(s < span[1] and span[0] < e for s, e in taken) or _PLACEHOLDER.match(value):
            continue
        if mixed and _bits(value) >= _LEAST_BITS and "(" not in value:
            yield Found(RiskKind.SECRET, "assigned", *span)

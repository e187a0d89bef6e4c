"""What is known of a plan's prompts and systems before it starts: lengths, prices, dates."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Avg, Count, QuerySet, TextField
from django.db.models.functions import Cast, Length

from jeoul.quality.reading import reading_seconds
from jeoul.results.costs import by_currency
from jeoul.studies.models import Output, OutputState, PromptSetVersion, Risk, SystemVersion

_SAMPLE: Final = 200
# Where no answer is there to be read: two answers of medium length.
_UNKNOWN_SECONDS: Final = 60.0
# Looking at the question, deciding and pressing a key, beyond the reading.
_DECIDING_SECONDS: Final = 15.0
_TOKEN_CHARS: Final = 4
_ANSWER_TOKENS: Final = 500
# 2026-01, 20260115, 260115 or 0115; a size ("70b") or a bare year is none.
_DATED = re.compile(
    r"(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])|\d{6}|(?<!\d)(?:0[1-9]|1[0-2])[0-3]\d(?!\d)"
)


@dataclass(frozen=True)
class Facts:
    """Of the chosen prompts and system versions together."""

    prompts: int
    high_risk: int
    seconds: float
    seconds_known: bool
    # By currency: two connections need not charge in the same.
    generation_costs: dict[str, Decimal]
    undated: list[str]


def is_dated(model: str) -> bool:
    """Whether the id of a model holds a date, so that it means the same next month."""
    return bool(_DATED.search(model))


def facts_of(prompts: PromptSetVersion, versions: list[SystemVersion], samples: int) -> Facts:
    """A bounded number of queries; texts are read from a sample."""
    rows = prompts.prompts.order_by()
    n = rows.count()
    outputs = Output.objects.filter(
        system_version__in=versions, prompt__in=prompts.entries.values("prompt_id")
    )
    texts = outputs.filter(state=OutputState.DONE, text_missing=False).exclude(text="")
    times = [reading_seconds(t) for t in texts.values_list("text", flat=True)[:_SAMPLE]]
    seconds = 2 * sum(times) / len(times) + _DECIDING_SECONDS if times else _UNKNOWN_SECONDS
    return Facts(
        prompts=n,
        high_risk=rows.filter(risk=Risk.HIGH).count(),
        seconds=seconds,
        seconds_known=bool(times),
        generation_costs=_generation_costs(outputs, rows, versions, n * samples),
        undated=[v.label for v in versions if v.connection_id and not is_dated(v.model)],
    )


def _generation_costs(
    outputs: QuerySet[Output], prompts: QuerySet[Any], versions: list[SystemVersion], wanted: int
) -> dict[str, Decimal]:
    """Of the outputs that are missing: at their system's mean so far, else by length and price."""
    made = {
        row["system_version"]: row
        for row in outputs.filter(state__in=[OutputState.DONE, OutputState.REFUSED])
        .values("system_version")
        .annotate(n=Count("pk"), mean=Avg("cost"))
    }
    # The messages as they are stored: a little more than is sent, since all turns are.
    chars = prompts.aggregate(mean=Avg(Length(Cast("messages", TextField()))))["mean"] or 0
    found: list[tuple[str, Decimal]] = []
    for version in versions:
        if version.connection is None:
            continue
        row = made.get(version.pk, {"n": 0, "mean": None})
        each = row["mean"]
        if each is None:
            into, out = version.connection.price_of(version.model)
            tokens = int(version.sampling.get("max_tokens") or _ANSWER_TOKENS)
            each = (into * int(chars / _TOKEN_CHARS) + out * tokens) / 1_000_000
        left = max(0, wanted - int(row["n"] or 0))
        found.append((version.connection.currency, Decimal(left * each)))
    return by_currency(found)

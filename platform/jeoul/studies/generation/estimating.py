"""What answers will cost: counted prompts, and the length of the answers that are there."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Avg, Count, Sum

from jeoul.studies.generation.base import messages_for
from jeoul.studies.models import Attempt, Output, OutputState, Prompt, Study, SystemVersion

MILLION: Final = Decimal(1_000_000)
# Where neither a limit nor an answer tells how long answers are.
UNKNOWN_TOKENS: Final = 1000
_TURN_TOKENS: Final = 4
# Han, kana and Hangul: about one token a character; other scripts about four characters a token.
_DENSE: Final = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_SAMPLE: Final = 200


def count_tokens(messages: list[dict[str, str]]) -> int:
    """Tokens of a chat, counted without the provider's own tokeniser: within a third as a rule."""
    total = 0
    for message in messages:
        dense = len(_DENSE.findall(message["content"]))
        total += _TURN_TOKENS + dense + (len(message["content"]) - dense + 3) // 4
    return total


def variables_for(prompt: Prompt) -> dict[str, Any]:
    """What a prompt template may ask for: the prompt's slices and its own metadata."""
    names = ("category", "language", "difficulty", "risk", "hazard", "source")
    own: dict[str, Any] = {name: getattr(prompt, name) for name in names}
    return own | {"id": prompt.key} | dict(prompt.metadata)


def chat_for(version: SystemVersion, prompt: Prompt) -> list[dict[str, str]]:
    """The chat that a version sends for a prompt. Raises ProviderError."""
    return messages_for(
        prompt.messages,
        system_prompt=version.system_prompt,
        template=version.prompt_template,
        examples=version.examples,
        values=variables_for(prompt),
    )


@dataclass(frozen=True)
class Reservation:
    """What one request may use at most, as far as it can be known before."""

    tokens: int
    cost: Decimal


def reserve(version: SystemVersion, messages: list[dict[str, str]]) -> Reservation:
    """Prompt as counted and answer up to its limit, at the connection's prices."""
    assert version.connection is not None  # only such versions are asked
    prompt = count_tokens(messages)
    answer = int(version.sampling.get("max_tokens", UNKNOWN_TOKENS))
    price_in, price_out = version.connection.price_of(version.model)
    cost = (price_in * prompt + price_out * answer) / MILLION
    return Reservation(prompt + answer, cost)


@dataclass(frozen=True)
class SystemEstimate:
    """One version's part of a study: what is to be made and what it will cost."""

    system: str
    outputs: int
    left: int
    prompt_tokens: float
    answer_tokens: float
    # "measured" from this version's own answers, "limit" from max_tokens, "guess" without both.
    basis: str
    cost_left: Decimal
    spent: Decimal
    currency: str


@dataclass(frozen=True)
class Estimate:
    """A study's outputs in money; sums only where there is one currency."""

    systems: list[SystemEstimate]
    cap: Decimal | None

    @property
    def cost_left(self) -> Decimal:
        return sum((s.cost_left for s in self.systems), Decimal(0))

    @property
    def spent(self) -> Decimal:
        return sum((s.spent for s in self.systems), Decimal(0))

    @property
    def outputs_left(self) -> int:
        return sum(s.left for s in self.systems)

    @property
    def over_cap(self) -> bool:
        return self.cap is not None and self.spent + self.cost_left > self.cap


def estimate_study(study: Study) -> Estimate:
    """What the study's missing outputs will cost, and what the present ones did."""
    versions = study.systems.exclude(connection=None).select_related("connection", "system")
    return Estimate([_estimate(study, version) for version in versions], study.generation_cap)


def _estimate(study: Study, version: SystemVersion) -> SystemEstimate:
    assert version.connection is not None  # excluded by the query
    prompts = Prompt.objects.filter(versions=study.prompt_set_version)
    wanted = prompts.count() * study.samples
    mine = Output.objects.current().filter(
        system_version=version, prompt__in=prompts, sample__lt=study.samples
    )
    ended = mine.filter(
        state__in=[OutputState.DONE, OutputState.REFUSED, OutputState.FAILED]
    ).count()
    said = Output.objects.filter(system_version=version, completion_tokens__isnull=False).aggregate(
        n=Count("pk"), prompt=Avg("prompt_tokens"), answer=Avg("completion_tokens")
    )
    if said["n"]:
        prompt_tokens, answer, basis = said["prompt"] or 0.0, said["answer"], "measured"
    else:
        prompt_tokens = _counted(version, list(prompts[:_SAMPLE]))
        limit = version.sampling.get("max_tokens")
        answer, basis = (limit, "limit") if limit else (UNKNOWN_TOKENS, "guess")
    price_in, price_out = version.connection.price_of(version.model)
    each = price_in * Decimal(prompt_tokens) + price_out * Decimal(answer)
    spent = Attempt.objects.filter(study=study, output__system_version=version).aggregate(
        n=Sum("cost")
    )
    return SystemEstimate(
        system=version.label,
        outputs=wanted,
        left=max(wanted - ended, 0),
        prompt_tokens=float(prompt_tokens),
        answer_tokens=float(answer),
        basis=basis,
        cost_left=max(wanted - ended, 0) * each / MILLION,
        spent=spent["n"] or Decimal(0),
        currency=version.connection.currency,
    )


def _counted(version: SystemVersion, prompts: list[Prompt]) -> float:
    """Mean tokens of the chats that the version would send for these prompts."""
    from jeoul.studies.generation.base import ProviderError

    counts = []
    for prompt in prompts:
        try:
            counts.append(count_tokens(chat_for(version, prompt)))
        except ProviderError:
            continue  # its output will fail by name; it costs nothing
    return sum(counts) / len(counts) if counts else 0.0

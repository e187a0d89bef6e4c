"""Taking a due output, asking its provider, storing what came: each step idempotent."""

import hashlib
import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jeoul.studies.generation.asking import Asking, Reply
from jeoul.studies.generation.base import Answer, ProviderError
from jeoul.studies.generation.estimating import MILLION
from jeoul.studies.generation.taking import Lease, turn
from jeoul.studies.generation.writing import write_answers, write_attempts
from jeoul.studies.models import Attempt, Output, OutputState, Study, SystemVersion
from jeoul.studies.rendering import RENDERER_VERSION, render_markdown

log = structlog.get_logger()

_TAKEN_OVER: Final = "The answer came after another job had taken over."

MAX_ATTEMPTS: Final = 8
BACKOFF_SECONDS: Final = 2.0
BACKOFF_LIMIT: Final = 300.0


def backoff(attempt: int, wait: float | None, rng: random.Random) -> float:
    """Seconds until the next try: full jitter over 2, 4, 8 … 300 s, never under the wish.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015), full jitter.
    """
    span = min(BACKOFF_LIMIT, BACKOFF_SECONDS * 2 ** (attempt - 1))
    return max(rng.uniform(0, span), wait or 0.0)


def outputs_due(*, limit: int, study: Study | None = None) -> list[int]:
    """Ids of outputs that a job should take now."""
    due = Output.objects.due(timezone.now()).exclude(study__generation_paused_at__isnull=False)
    if study is not None:
        due = due.filter(system_version__studies=study, prompt__versions=study.prompt_set_version)
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def connections_due(*, output_ids: list[int] | None = None) -> list[int]:
    """Ids of connections that have something to do and are not held by their circuit breaker."""
    now = timezone.now()
    due = Output.objects.due(now).exclude(study__generation_paused_at__isnull=False)
    if output_ids is not None:
        due = due.filter(pk__in=output_ids)
    free = Q(system_version__connection__hold_until=None) | Q(
        system_version__connection__hold_until__lte=now
    )
    due = due.filter(free, system_version__connection__isnull=False)
    ids = due.order_by().values_list("system_version__connection", flat=True).distinct()
    return [pk for pk in ids if pk is not None]


def take_output(*, output_id: int) -> Lease | None:
    """Lease a due output to this job; None if there is nothing to do for it now.

    Takes the locks of ``turn``. The lease outlasts the request, since nobody renews it.
    """
    version = SystemVersion.objects.filter(outputs=output_id).select_related("connection").first()
    if version is None or version.connection is None:
        return None
    lease = timedelta(seconds=version.connection.timeout_seconds + 60)
    taken = turn(connection_id=version.connection.pk, slots=1, lease=lease, only={"pk": output_id})
    return taken.leases[0] if taken.leases else None


def ask_provider(*, lease: Lease) -> Reply:
    """Ask for a leased output's text and wait."""
    if lease.request is None:
        assert lease.error is not None  # one of both
        return lease.error
    with Asking() as asking:
        asking.ask(None, lease.connection, lease.request)
        while True:
            replies = asking.replies(1.0)
            if replies:
                return replies[0].reply


def store_replies(replies: list[tuple[Lease, Reply]]) -> list[int]:
    """Store what came, answers and failures; ids of the outputs that have their text now."""
    answers = [(lease, reply) for lease, reply in replies if not isinstance(reply, ProviderError)]
    with transaction.atomic():
        for lease, reply in replies:
            if isinstance(reply, ProviderError):
                store_failure(lease=lease, error=reply)
        return store_answers(answers) if answers else []


def store_answers(answers: list[tuple[Lease, Answer]]) -> list[int]:
    """Store the texts whose leases this job still holds, in two statements for all of them.

    Where another job took over, its text stays: the ids are of the outputs that were stored.
    """
    now = timezone.now()
    costs = [_cost(answer, lease.output.system_version) for lease, answer in answers]
    rows = [_row(*pair, cost, now) for pair, cost in zip(answers, costs, strict=True)]
    stored = set(write_answers(rows))
    # The provider was asked and is paid, whether or not this job still held the lease.
    write_attempts(
        (
            lease.key, now,
            (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
            or lease.reservation.tokens,
            lease.reservation.cost if cost is None else cost,
            *(("", "") if lease.output.pk in stored else ("lost", _TAKEN_OVER)),
        )
        for (lease, answer), cost in zip(answers, costs, strict=True)
    )  # fmt: skip
    for lease, answer in answers:
        _note_model(lease.output.system_version, answer.model)
    return [lease.output.pk for lease, _ in answers if lease.output.pk in stored]


def _row(lease: Lease, answer: Answer, cost: Decimal | None, now: datetime) -> tuple[Any, ...]:
    """An answer as ``write_answers`` takes it."""
    model = lease.output.system_version.model
    return (
        lease.output.pk, lease.key,
        (OutputState.REFUSED if answer.refused else OutputState.DONE).value,
        answer.text, render_markdown(answer.text), RENDERER_VERSION,
        hashlib.sha256(answer.text.encode()).hexdigest(), answer.finish_reason, answer.model,
        bool(answer.model) and answer.model != model, answer.request_id,
        answer.prompt_tokens, answer.completion_tokens, answer.latency_ms, cost, now,
    )  # fmt: skip


def _note_model(version: SystemVersion, model: str) -> None:
    if model and not version.reported_model:
        version.reported_model = model
        SystemVersion.objects.filter(pk=version.pk, reported_model="").update(reported_model=model)


def _cost(answer: Answer, version: SystemVersion) -> Decimal | None:
    connection = version.connection
    if connection is None or answer.prompt_tokens is None or answer.completion_tokens is None:
        return None
    price_in, price_out = connection.price_of(version.model)
    return (price_in * answer.prompt_tokens + price_out * answer.completion_tokens) / MILLION


def store_failure(*, lease: Lease, error: ProviderError, rng: random.Random | None = None) -> bool:
    """Note a failed try: due again later, or failed for good; True if it will be tried again."""
    output = lease.output
    again = not error.permanent and output.attempts < MAX_ATTEMPTS
    pause = backoff(output.attempts, error.wait, rng or random.Random())  # noqa: S311 - jitter
    now = timezone.now()
    Output.objects.filter(pk=output.pk, state=OutputState.RUNNING, lease_key=lease.key).update(
        state=OutputState.DUE if again else OutputState.FAILED,
        error_code=error.code,
        error_message=error.message,
        due_at=now + timedelta(seconds=pause) if again else None,
        lease_until=None,
        lease_key=None,
        finished_at=None if again else now,
    )
    # After a time-out the provider may well have worked, and send a bill.
    free = {} if error.code == "timeout" else {"cost": Decimal(0), "tokens": 0}
    Attempt.objects.filter(lease_key=lease.key).update(
        finished_at=now, error_code=error.code, error_message=error.message, **free
    )
    log.warning(
        "output.failed",
        output=str(output.uuid),
        code=error.code,
        again=again,
        attempt=output.attempts,
    )
    return again


def generate_output(*, output_id: int) -> bool:
    """Take, ask, store; True if the output has its text afterwards because of this call."""
    lease = take_output(output_id=output_id)
    if lease is None:
        return False
    reply = ask_provider(lease=lease)
    stored = store_replies([(lease, reply)])
    turn(connection_id=lease.connection.pk, slots=0, replies=[reply])
    return bool(stored)

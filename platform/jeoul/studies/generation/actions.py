"""Taking a due output, asking its provider, storing what came: each step idempotent."""

import hashlib
import random
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jeoul.studies.generation.base import Answer, ProviderError, messages_for
from jeoul.studies.models import Connection, Output, OutputState, Study, SystemVersion
from jeoul.studies.rendering import RENDERER_VERSION, render_markdown
from jeoul.studies.secrets import KeyUnavailable, key_of

log = structlog.get_logger()

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
    due = Output.objects.due(timezone.now())
    if study is not None:
        due = due.filter(system_version__studies=study, prompt__versions=study.prompt_set_version)
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def take_output(*, output_id: int) -> Output | None:
    """Lease a due output to this job; None if there is nothing to do for it now.

    Locks the connection, so that its concurrency and rate hold over all workers, then the
    output. A lease that ended belongs to a job that died.
    """
    now = timezone.now()
    version = SystemVersion.objects.filter(outputs=output_id).first()
    if version is None or version.connection_id is None:
        return None
    connection = Connection.objects.select_for_update().get(pk=version.connection_id)
    output = (
        Output.objects.due(now)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("system_version", "prompt")
        .filter(pk=output_id)
        .first()
    )
    if output is None:
        return None
    room_at = _room_at(connection, now)
    if room_at is not None:
        # Put it at the queue's end instead of letting a worker wait.
        Output.objects.filter(pk=output.pk).update(state=OutputState.DUE, due_at=room_at)
        return None
    output.state = OutputState.RUNNING
    output.attempts += 1
    output.lease_key = uuid.uuid4()
    output.lease_until = now + timedelta(seconds=connection.timeout_seconds + 60)
    output.save(update_fields=["state", "attempts", "lease_key", "lease_until"])
    output.system_version.connection = connection
    return output


def _room_at(connection: Connection, now: datetime) -> datetime | None:
    """When the connection has room for one more request; None for now."""
    mine = Output.objects.filter(system_version__connection=connection)
    running = mine.filter(state=OutputState.RUNNING, lease_until__gt=now).count()
    if running >= connection.concurrency:
        return now + timedelta(seconds=1)
    if connection.requests_per_minute:
        minute = now - timedelta(minutes=1)
        lease = timedelta(seconds=connection.timeout_seconds + 60)
        recent = mine.filter(Q(finished_at__gt=minute) | Q(lease_until__gt=minute + lease)).count()
        if recent >= connection.requests_per_minute:
            return now + timedelta(seconds=60 / connection.requests_per_minute)
    return None


def ask_provider(*, output: Output) -> Answer:
    """Ask for a leased output's text; raises ProviderError."""
    version = output.system_version
    assert version.connection is not None  # take_output leases none without
    sampling = dict(version.sampling)
    if output.sample and "seed" in sampling:
        # The k-th sample would else repeat the first.
        sampling["seed"] = int(sampling["seed"]) + output.sample
    try:
        key = key_of(version.connection)
    except KeyUnavailable as error:
        raise ProviderError("key_unavailable", error.message, permanent=True) from None
    # Loading the client takes a second that no web process needs to spend.
    from jeoul.studies.generation import openai_chat

    return openai_chat.ask(
        connection=version.connection,
        key=key,
        model=version.model,
        messages=messages_for(
            output.prompt.messages,
            system_prompt=version.system_prompt,
            template=version.prompt_template,
        ),
        sampling=sampling,
    )


def store_answer(*, output: Output, answer: Answer) -> bool:
    """Store the text if this job still holds the lease; False if another one took over."""
    version = output.system_version
    stored = Output.objects.filter(
        pk=output.pk, state=OutputState.RUNNING, lease_key=output.lease_key
    ).update(
        state=OutputState.REFUSED if answer.refused else OutputState.DONE,
        text=answer.text,
        html=render_markdown(answer.text),
        renderer=RENDERER_VERSION,
        content_hash=hashlib.sha256(answer.text.encode("utf-8", "replace")).hexdigest(),
        finish_reason=answer.finish_reason,
        reported_model=answer.model,
        request_id=answer.request_id,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        latency_ms=answer.latency_ms,
        cost=_cost(answer, version.connection),
        error_code="",
        error_message="",
        lease_until=None,
        lease_key=None,
        due_at=None,
        finished_at=timezone.now(),
    )
    SystemVersion.objects.filter(pk=version.pk, reported_model="").update(
        reported_model=answer.model
    )
    return bool(stored)


def _cost(answer: Answer, connection: Connection | None) -> Decimal | None:
    if connection is None or answer.prompt_tokens is None or answer.completion_tokens is None:
        return None
    million = Decimal(1_000_000)
    return (
        connection.price_in * answer.prompt_tokens + connection.price_out * answer.completion_tokens
    ) / million


def store_failure(
    *, output: Output, error: ProviderError, rng: random.Random | None = None
) -> bool:
    """Note a failed try: due again later, or failed for good; True if it will be tried again."""
    again = not error.permanent and output.attempts < MAX_ATTEMPTS
    pause = backoff(output.attempts, error.wait, rng or random.Random())  # noqa: S311 - jitter
    Output.objects.filter(
        pk=output.pk, state=OutputState.RUNNING, lease_key=output.lease_key
    ).update(
        state=OutputState.DUE if again else OutputState.FAILED,
        error_code=error.code,
        error_message=error.message,
        due_at=timezone.now() + timedelta(seconds=pause) if again else None,
        lease_until=None,
        lease_key=None,
        finished_at=None if again else timezone.now(),
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
    output = take_output(output_id=output_id)
    if output is None:
        return False
    try:
        answer = ask_provider(output=output)
    except ProviderError as error:
        store_failure(output=output, error=error)
        return False
    return store_answer(output=output, answer=answer)


def retry_failed(*, study: Study) -> int:
    """Make a study's failed outputs due again; returns how many."""
    return Output.objects.filter(
        system_version__studies=study,
        prompt__versions=study.prompt_set_version,
        state=OutputState.FAILED,
    ).update(state=OutputState.DUE, due_at=timezone.now(), attempts=0, finished_at=None)

"""Many answers in one statement: the ORM's one each was half of what an answer cost."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg2.extras import execute_values

_ANSWERS: Final = """
UPDATE studies_output o SET
    state = v.state, text = v.text, html = v.html, renderer = v.renderer,
    content_hash = v.content_hash, finish_reason = v.finish_reason,
    reported_model = v.reported_model, model_differs = v.model_differs,
    request_id = v.request_id, prompt_tokens = v.prompt_tokens,
    completion_tokens = v.completion_tokens, latency_ms = v.latency_ms, cost = v.cost,
    finished_at = v.finished_at, error_code = '', error_message = '',
    lease_until = NULL, lease_key = NULL, due_at = NULL
FROM (VALUES %s) AS v (id, key, state, text, html, renderer, content_hash, finish_reason,
    reported_model, model_differs, request_id, prompt_tokens, completion_tokens, latency_ms, cost,
    finished_at)
WHERE o.id = v.id AND o.state = 'running' AND o.lease_key = v.key
RETURNING o.id
"""
_ANSWER: Final = (
    "(%s::bigint, %s::uuid, %s::text, %s::text, %s::text, %s::text, %s::text, %s::text, "
    "%s::text, %s::boolean, %s::text, %s::integer, %s::integer, %s::integer, %s::numeric, "
    "%s::timestamptz)"
)
_ATTEMPTS: Final = """
UPDATE studies_attempt a SET
    finished_at = v.finished_at, tokens = v.tokens, cost = v.cost, error_code = v.error_code,
    error_message = v.error_message
FROM (VALUES %s) AS v (key, finished_at, tokens, cost, error_code, error_message)
WHERE a.lease_key = v.key
"""
_ATTEMPT: Final = "(%s::uuid, %s::timestamptz, %s::integer, %s::numeric, %s::text, %s::text)"
_LEASES: Final = """
UPDATE studies_output o SET
    state = 'running', attempts = attempts + 1, lease_key = v.key, lease_until = v.until
FROM (VALUES %s) AS v (id, key, until)
WHERE o.id = v.id
"""
_LEASE: Final = "(%s::bigint, %s::uuid, %s::timestamptz)"
_TRIES: Final = """
INSERT INTO studies_attempt (output_id, connection_id, study_id, lease_key, started_at, tokens,
    cost, asked, error_code, error_message)
VALUES %s
"""
_TRY: Final = "(%s, %s, %s, %s::uuid, %s, %s, %s, %s, '', '')"
_ROWS: Final = 500


def write_answers(rows: Iterable[tuple[Any, ...]]) -> list[int]:
    """Rows of output, lease and what is stored; ids of those whose lease still held."""
    with connection.cursor() as cursor:
        found = execute_values(
            cursor.cursor, _ANSWERS, list(rows), _ANSWER, page_size=_ROWS, fetch=True
        )
    return [int(pk) for (pk,) in found]


def write_attempts(rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows of lease and what came of the try."""
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _ATTEMPTS, list(rows), _ATTEMPT, page_size=_ROWS)


def write_leases(rows: Iterable[tuple[int, UUID]], until: datetime) -> None:
    """Outputs and the keys of their leases; the caller holds the rows' locks."""
    with connection.cursor() as cursor:
        values = [(pk, key, until) for pk, key in rows]
        execute_values(cursor.cursor, _LEASES, values, _LEASE, page_size=_ROWS)


def write_tries(rows: Iterable[tuple[Any, ...]]) -> None:
    """New tries with what is reserved for them."""
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _TRIES, list(rows), _TRY, page_size=_ROWS)

"""The prepared statements of claim and submit: a handful per judgement, whatever the study's size.

Each touches rows by an index that ends where it stops; tests/comparisons/test_plans.py counts
what they read in small and large studies.
"""

from typing import Any, Final

from django.db import connection
from django.db.models import Model

from jeoul.comparisons.models import Assignment, Comparison, Judgement, Telemetry
from jeoul.prepared import Statement, columns
from jeoul.studies.models import Output, Prompt
from jeoul.workers.models import Enrolment
from jeoul.workers.reading import COLUMNS, JOINED

# So many open comparisons are looked at before the walk jumps to where the worker was last.
FRONT: Final = 32
_C: Final = columns(Comparison, "c")
_A: Final = columns(Assignment, "a")
_OPEN: Final = "c.ready AND c.kind = 'real' AND c.taken < c.target"
# A subquery with LIMIT stays a probe of one row's key; NOT EXISTS may be planned as a join that
# reads all that the worker has ever seen.
_UNSEEN: Final = """(
    SELECT s.id FROM comparisons_assignment s
    WHERE s.enrolment_id = $2 AND s.comparison_id = c.id
      AND s.state IN ('reserved', 'submitted', 'skipped') LIMIT 1
) IS NULL"""
# Whether a worker who leaves out what is announced may still get it.
_MILD: Final = """(NOT {slot}::boolean OR (c.warnings = '[]'::jsonb AND (
    SELECT p.risk FROM studies_prompt p WHERE p.id = c.prompt_id
) <> 'high'))"""
_LOCK: Final = "FOR NO KEY UPDATE OF c SKIP LOCKED"

# $1 study, $2 enrolment, $3 prompts that are too near, $4 languages (or null), $5 and $6 the place
# behind which the walk begins, $7 only what is not announced.
_ROWS: Final = """
SELECT c.id, c.taken, c.position FROM comparisons_comparison c
WHERE c.study_id = $1 AND {language} {opened} AND (c.taken, c.position) > ($5::int, $6::int)
ORDER BY c.taken, c.position {limit}"""


def _walk(name: str, *, limit: str, by_language: bool) -> Statement:
    """Open comparisons in the order of the work, the first one that fits, locked."""
    rows = _ROWS.format(
        language="c.language = l.language AND" if by_language else "", opened=_OPEN, limit=limit
    )
    source = f"({rows}) f"
    if by_language:
        source = f"unnest($4::text[]) l (language) CROSS JOIN LATERAL {source}"
    return Statement(
        name,
        f"""
        SELECT {_C} FROM {source} JOIN comparisons_comparison c ON c.id = f.id
        WHERE {_OPEN} AND c.prompt_id <> ALL ($3::bigint[]) AND {_UNSEEN}
          AND ($4::text[] IS NULL OR c.language = ANY ($4::text[])) AND {_MILD.format(slot="$7")}
        ORDER BY f.taken, f.position LIMIT 1 {_LOCK}
        """,
    )


NEAR: Final = _walk("jeoul_choose_near", limit=f"LIMIT {FRONT}", by_language=False)
FAR: Final = _walk("jeoul_choose_far", limit="", by_language=False)
NEAR_IN: Final = _walk("jeoul_choose_near_in", limit=f"LIMIT {FRONT // 2}", by_language=True)
FAR_IN: Final = _walk("jeoul_choose_far_in", limit="", by_language=True)

# The worker's latest real comparison, as far as it was filled when they got it.
LAST_PLACE: Final = Statement(
    "jeoul_last_place",
    """
    SELECT c.taken - 1, c.position FROM comparisons_assignment a
    JOIN comparisons_comparison c ON c.id = a.comparison_id
    WHERE a.enrolment_id = $1 AND c.kind = 'real' AND a.repeat = 0
    ORDER BY a.id DESC LIMIT 1
    """,
)
RECENT_PROMPTS: Final = Statement(
    "jeoul_recent_prompts",
    """
    SELECT c.prompt_id FROM comparisons_assignment a
    JOIN comparisons_comparison c ON c.id = a.comparison_id
    WHERE a.enrolment_id = $1 ORDER BY a.id DESC LIMIT $2::int
    """,
)
# Checks are few; a seeded shuffle of them, so that no two workers get them in one order.
GOLD: Final = Statement(
    "jeoul_choose_gold",
    f"""
    SELECT {_C} FROM comparisons_comparison c
    WHERE c.study_id = $1 AND c.kind = 'gold' AND c.taken < c.target AND {_UNSEEN}
      AND ($4::text[] IS NULL OR c.language = ANY ($4::text[])) AND {_MILD.format(slot="$5")}
    ORDER BY md5(c.id::text || $3::text) LIMIT 1 {_LOCK}
    """,
)
# One of the worker's own judgements, not among the latest, not repeated yet.
REPEAT: Final = Statement(
    "jeoul_choose_repeat",
    f"""
    SELECT {_C}, o.a_on_left FROM (
        SELECT a.comparison_id, a.a_on_left, a.state, a.repeat FROM comparisons_assignment a
        WHERE a.enrolment_id = $1 ORDER BY a.id DESC OFFSET $2::int LIMIT 200
    ) o JOIN comparisons_comparison c ON c.id = o.comparison_id
    WHERE o.state = 'submitted' AND o.repeat = 0 AND c.kind = 'real' AND c.ready
      AND NOT EXISTS (
        SELECT 1 FROM comparisons_assignment s
        WHERE s.enrolment_id = $1 AND s.comparison_id = c.id AND s.repeat > 0
          AND s.state IN ('reserved', 'submitted', 'skipped'))
    ORDER BY md5(c.id::text || $3::text) LIMIT 1
    """,
)

ENROLMENT: Final = Statement(
    "jeoul_lock_enrolment",
    f"""
    SELECT {COLUMNS} FROM {JOINED}
    WHERE e.id = $1 FOR NO KEY UPDATE OF e
    """,
)
HELD: Final = Statement(
    "jeoul_held",
    f"""
    SELECT {_A}, {_C} FROM comparisons_assignment a
    JOIN comparisons_comparison c ON c.id = a.comparison_id
    WHERE a.enrolment_id = $1 AND a.state = 'reserved'
    """,
)
ASSIGNMENT: Final = Statement(
    "jeoul_assignment",
    f"""
    SELECT {_A}, {_C} FROM comparisons_assignment a
    JOIN comparisons_comparison c ON c.id = a.comparison_id
    WHERE a.uuid = $1::uuid AND a.enrolment_id = $2
    """,
)
TEXTS: Final = Statement(
    "jeoul_texts",
    f"""
    SELECT {columns(Prompt, "p")}, {columns(Output, "oa")}, {columns(Output, "ob")}
    FROM comparisons_comparison c
    JOIN studies_prompt p ON p.id = c.prompt_id
    JOIN studies_output oa ON oa.id = c.output_a_id
    JOIN studies_output ob ON ob.id = c.output_b_id
    WHERE c.id = $1
    """,
)
# Time in view of the worker's latest answers, with the outputs that they were about.
LAST_TIMES: Final = Statement(
    "jeoul_last_times",
    """
    SELECT t.visible_ms, c.output_a_id, c.output_b_id FROM (
        SELECT id, comparison_id FROM comparisons_assignment
        WHERE enrolment_id = $1 AND state = 'submitted' ORDER BY id DESC LIMIT $2::int
    ) a
    JOIN comparisons_comparison c ON c.id = a.comparison_id
    JOIN comparisons_judgement j ON j.assignment_id = a.id AND j.supersedes_id IS NULL
    LEFT JOIN comparisons_telemetry t ON t.judgement_id = j.id
    """,
)
LOCK_ASSIGNMENT: Final = Statement(
    "jeoul_lock_assignment",
    """
    SELECT a.state, a.expires_at, (
        SELECT j.id FROM comparisons_judgement j
        WHERE j.assignment_id = a.id AND j.client_key = $2::uuid
    ) FROM comparisons_assignment a WHERE a.id = $1 FOR UPDATE NOWAIT
    """,
)


# --- Writing: the model's own fields, so that a new one is not forgotten ----------------------


def _fields(model: type[Model], *left_out: str) -> list[Any]:
    return [f for f in model._meta.concrete_fields if not f.primary_key and f.name not in left_out]


def _insert(model: type[Model], first: int) -> str:
    """INSERT of one row with ``$first`` … as its values."""
    fields = _fields(model)
    names = ", ".join(f'"{f.column}"' for f in fields)
    slots = ", ".join(f"${at}" for at in range(first, first + len(fields)))
    return f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({slots}) RETURNING id"


def values_of(row: Model) -> list[Any]:
    """The row's values in the order of its INSERT."""
    return [f.get_db_prep_save(f.pre_save(row, True), connection) for f in _fields(type(row))]


MEASURED: Final = [f.name for f in _fields(Telemetry, "judgement")]
_JUDGEMENT_AT: Final = 11 + len(MEASURED)
# $1 assignment, $2 comparison, $3 enrolment, $4 now, $5 counts towards the overlap, $6-$9 answers,
# $10 measured at all, then what was measured, then the judgement.
STORE: Final = Statement(
    "jeoul_store",
    f"""
    WITH j AS ({_insert(Judgement, _JUDGEMENT_AT)}),
    said AS (
        INSERT INTO comparisons_answer (judgement_id, criterion_id, outcome, grade, chips)
        SELECT j.id, x.criterion, x.outcome, x.grade, x.chips::jsonb FROM j, unnest(
            $6::bigint[], $7::smallint[], $8::smallint[], $9::text[]
        ) AS x (criterion, outcome, grade, chips)
    ),
    measured AS (
        INSERT INTO comparisons_telemetry (judgement_id, {", ".join(MEASURED)})
        SELECT j.id, {", ".join(f"${at}::integer" for at in range(11, _JUDGEMENT_AT))}
        FROM j WHERE $10::boolean
    ),
    held AS (
        UPDATE comparisons_assignment SET state = 'submitted', closed_at = $4, draft = '{{}}'
        WHERE id = $1
    ),
    place AS (
        UPDATE comparisons_comparison SET judged = judged + 1 WHERE id = $2 AND $5::boolean
    ),
    me AS (
        -- An end stays the end, also where a late answer comes after it.
        UPDATE workers_enrolment e SET
            submitted = submitted + k.work, practised = practised + 1 - k.work,
            stage = CASE WHEN stage = 'consented' THEN 'working' ELSE stage END
        FROM (
            SELECT (kind NOT IN ('training', 'qualification'))::int AS work
            FROM comparisons_comparison WHERE id = $2
        ) k WHERE e.id = $3 RETURNING e.*
    )
    SELECT j.id, {columns(Enrolment, "me")} FROM j, me
    """,
)
# $1 enrolment, $2 comparison, $3 counts towards the overlap, $4-$6 how many of each kind, $7 the
# sides so far, then the assignment.
RESERVE: Final = Statement(
    "jeoul_reserve",
    f"""
    WITH place AS (
        UPDATE comparisons_comparison SET taken = taken + 1 WHERE id = $2 AND $3::boolean
    ),
    me AS (
        UPDATE workers_enrolment SET given_real = given_real + $4, given_gold = given_gold + $5,
            given_repeat = given_repeat + $6, sides = $7::jsonb
        WHERE id = $1
    )
    {_insert(Assignment, 8)}
    """,
)

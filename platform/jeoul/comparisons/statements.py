"""The prepared statements of claim and submit: a handful per judgement, whatever the study's size.

Each touches rows by an index that ends where it stops; tests/comparisons/test_plans.py counts
what they read in small and large studies.
"""

from typing import Any, Final

from django.db import connection
from django.db.models import Model

from jeoul.comparisons.models import Assignment, Comparison, Judgement, Telemetry
from jeoul.prepared import Columns, Statement
from jeoul.studies.models import Output, Prompt
from jeoul.workers.reading import COLUMNS, ENROLMENTS, JOINED, NAMED

# So many open comparisons are looked at before the walk jumps to where the worker was last.
FRONT: Final = 32
COMPARISONS: Final = Columns(
    Comparison, "uuid", "created_at", "explanation", "judged", "ready", "standing", "kinds",
    "language",
)  # fmt: skip
ASSIGNMENTS: Final = Columns(Assignment, "created_at", "closed_at", "skip_reason")
PROMPTS: Final = Columns(Prompt, only=("id", "messages", "language", "risk"))
OUTPUTS: Final = Columns(Output, only=("id", "text", "html", "renderer"))
_C: Final = COMPARISONS.of("c")
_A: Final = ASSIGNMENTS.of("a")
# A comparison's prompt and outputs, as ``read_texts`` takes them.
_TEXTS: Final = f"{PROMPTS.of('p')}, {OUTPUTS.of('oa')}, {OUTPUTS.of('ob')}"
_WITH_TEXTS: Final = """
    JOIN studies_prompt p ON p.id = c.prompt_id
    JOIN studies_output oa ON oa.id = c.output_a_id
    JOIN studies_output ob ON ob.id = c.output_b_id"""
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
    """Open comparisons in the order of the work: the first one that fits, locked, and its texts."""
    rows = _ROWS.format(
        language="c.language = l.language AND" if by_language else "", opened=_OPEN, limit=limit
    )
    source = f"({rows}) f"
    if by_language:
        source = f"unnest($4::text[]) l (language) CROSS JOIN LATERAL {source}"
    return Statement(
        name,
        f"""
        SELECT {_C}, {_TEXTS} FROM (
            SELECT c.* FROM {source} JOIN comparisons_comparison c ON c.id = f.id
            WHERE {_OPEN} AND c.prompt_id <> ALL ($3::bigint[]) AND {_UNSEEN}
              AND ($4::text[] IS NULL OR c.language = ANY ($4::text[]))
              AND {_MILD.format(slot="$7")}
            ORDER BY f.taken, f.position LIMIT 1 {_LOCK}
        ) c {_WITH_TEXTS}
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
    first=True,
)
HELD: Final = Statement(
    "jeoul_held",
    f"""
    SELECT {_A}, {_C} FROM comparisons_assignment a
    JOIN comparisons_comparison c ON c.id = a.comparison_id
    WHERE a.enrolment_id = $1 AND a.state = 'reserved'
    """,
)
# $1 and $2 name the enrolment, $3 is the assignment's uuid.
ITEM: Final = Statement(
    "jeoul_item",
    f"""
    SELECT {COLUMNS}, {_A}, {_C} FROM {JOINED}
    LEFT JOIN comparisons_assignment a ON a.uuid = $3::uuid AND a.enrolment_id = e.id
    LEFT JOIN comparisons_comparison c ON c.id = a.comparison_id
    WHERE {NAMED}
    """,
    first=True,
)
TEXTS: Final = Statement(
    "jeoul_texts", f"SELECT {_TEXTS} FROM comparisons_comparison c {_WITH_TEXTS} WHERE c.id = $1"
)
LOCK_ASSIGNMENT: Final = Statement(
    "jeoul_lock_assignment",
    """
    SELECT a.state, a.expires_at, (
        SELECT j.id FROM comparisons_judgement j
        WHERE j.assignment_id = a.id AND j.client_key = $2::uuid
    ) FROM comparisons_assignment a WHERE a.id = $1 FOR UPDATE NOWAIT
    """,
    first=True,
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


def _made_on_saving(field: Any) -> bool:
    """Whether the field has a say in its value; all others psycopg2 knows by their Python type."""
    return getattr(field, "auto_now_add", False) or field.get_internal_type() == "JSONField"


_WRITTEN: Final = {
    model: [(field, _made_on_saving(field)) for field in _fields(model)]
    for model in (Assignment, Judgement)
}


def values_of(row: Assignment | Judgement) -> list[Any]:
    """The row's values in the order of its INSERT."""
    return [
        field.get_db_prep_save(field.pre_save(row, True), connection)
        if made
        else getattr(row, field.attname)
        for field, made in _WRITTEN[type(row)]
    ]


MEASURED: Final = [f.name for f in _fields(Telemetry, "judgement")]
_JUDGEMENT_AT: Final = 12 + len(MEASURED)
# $1 assignment, $2 comparison, $3 enrolment, $4 now, $5 counts towards the overlap, $6-$9 answers,
# $10 measured at all, $11 faster than it can be read, then what was measured, then the judgement.
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
        SELECT j.id, {", ".join(f"${at}::integer" for at in range(12, _JUDGEMENT_AT))}
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
            hurried = CASE WHEN $11::boolean THEN LEAST(hurried + 1, 1000) ELSE 0 END,
            stage = CASE WHEN stage = 'consented' THEN 'working' ELSE stage END
        FROM (
            SELECT (kind NOT IN ('training', 'qualification'))::int AS work
            FROM comparisons_comparison WHERE id = $2
        ) k WHERE e.id = $3 RETURNING e.*
    )
    SELECT j.id, {ENROLMENTS.of("me")} FROM j, me
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

"""Fills PostgreSQL with a made-up study of any size by COPY, for benchmarks that need rows.

The rows are what the product's own actions would have stored; only the votes are drawn.
"""

import io
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from django.db import connection, models
from django.utils import timezone
from jeoul.accounts.models import User
from jeoul.comparisons.models import Answer, Assignment, Comparison, Judgement
from jeoul.studies.actions import create_study
from jeoul.studies.models import Output, Prompt, Study
from jeoul.studies.prompt_actions import import_prompts, system_for_outputs
from jeoul.workers.actions import get_vendor, make_invite
from jeoul.workers.models import Enrolment, Worker

WORDS = [
    "the", "of", "and", "to", "answer", "is", "that", "for", "it", "as", "with", "be", "by", "on",
    "not", "this", "have", "from", "or", "one", "which", "there", "would", "because", "when",
]  # fmt: skip


def copy_rows(model: type[models.Model], n: int, **columns: Any) -> np.ndarray:
    """Store n rows of a model, fields by attname; what is not given takes the model's default.

    A column is an array or one value for all rows. Arrow writes the CSV: row by row in Python a
    million of them would take minutes.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))")
        first = cursor.fetchone()[0]
        made = {"id": pa.array(np.arange(first, first + n))}
        for field in model._meta.local_concrete_fields:
            if field.attname != "id":
                made[field.attname] = _column(field, n, columns)
        buffer = io.BytesIO()
        options = pacsv.WriteOptions(include_header=False, quoting_style="all_valid")
        pacsv.write_csv(pa.table(made), buffer, options)
        buffer.seek(0)
        cursor.copy_expert(f"COPY {table} ({', '.join(made)}) FROM STDIN WITH (FORMAT csv)", buffer)
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {first + n})")
    return np.arange(first, first + n)


def _column(field: Any, n: int, columns: dict[str, Any]) -> pa.Array:
    name = field.attname
    if name in columns:
        values = columns[name]
        if isinstance(values, np.ndarray | list | pa.Array | pa.ChunkedArray):
            return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    elif field.name == "uuid":
        return uuids(n)
    elif getattr(field, "auto_now_add", False):
        values = timezone.now()
    else:
        values = field.get_default()
    if values is None:
        return pa.nulls(n, pa.string())
    text = json.dumps(values) if isinstance(values, dict | list) else str(values)
    return pa.repeat(pa.scalar(text), n)


def uuids(n: int) -> pa.Array:
    return pa.array(np.frombuffer(secrets.token_bytes(16 * n).hex().encode(), "S32")).cast("string")


def load_study(
    *,
    judgements: int,
    systems: int = 6,
    workers: int = 2000,
    overlap: int = 3,
    words: int = 150,
    owner: User | None = None,
    seed: int = 0,
) -> Study:
    """A study with about this many judgements by ``workers`` people, all pairs of ``systems``."""
    rng = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(systems) for b in range(a + 1, systems)]
    n_prompts = max(1, round(judgements / overlap / len(pairs)))
    owner = owner or User.objects.create_user(f"bench-{secrets.token_hex(4)}", password="bench")
    kinds = ("chat", "code", "mathematics", "summary", "translation")
    text = "\n".join(
        json.dumps(
            {
                "id": f"p{i}", "prompt": f"Question {i}?", "category": kinds[i % 5],
                "language": ("en", "ko")[i % 3 == 0], "difficulty": ("easy", "hard")[i % 2],
                "risk": "high" if i % 10 == 0 else "realistic",
            }
        )
        for i in range(n_prompts)
    )  # fmt: skip
    version, _ = import_prompts(owner=owner, name=f"bench {judgements}", text=text, kind="jsonl")
    versions = [system_for_outputs(owner=owner, name=f"system-{s}") for s in range(systems)]
    study = create_study(
        owner=owner, title=f"{judgements} judgements", prompts=version, systems=versions,
        settings={"seed": seed, "overlap": overlap},
    )  # fmt: skip
    prompts = np.array(Prompt.objects.filter(versions=version).order_by("pk").values_list("pk"))
    prompts = prompts.ravel()
    outputs = _outputs(prompts, [v.pk for v in versions], words, rng)
    Study.objects.filter(pk=study.pk).update(state="running", frozen_at=timezone.now())
    _votes(study, prompts, outputs, [v.pk for v in versions], pairs, workers, overlap, rng)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    study.refresh_from_db()
    return study


def _outputs(prompts: np.ndarray, systems: list[int], words: int, rng: Any) -> np.ndarray:
    """Ids of outputs (prompts, systems); later systems write longer and with more markdown."""
    n = len(prompts) * len(systems)
    # A few hundred texts stand for all: the reader measures each output's own text anyway.
    stock = [" ".join(rng.choice(WORDS, int(rng.integers(words // 2, words * 3 // 2))))
             for _ in range(200)]  # fmt: skip
    texts = [
        ("**Answer.** " if mark else "") + stock[at] + " more" * (4 * (i % len(systems)))
        for i, (at, mark) in enumerate(
            zip(rng.integers(0, 200, n).tolist(), (rng.random(n) < 0.3).tolist(), strict=True)
        )
    ]
    return copy_rows(
        Output,
        n,
        system_version_id=np.tile(systems, len(prompts)),
        prompt_id=np.repeat(prompts, len(systems)),
        state="done",
        text=texts,
        html="",
        cost="0.0004",
    ).reshape(len(prompts), len(systems))


def _votes(
    study: Study,
    prompts: np.ndarray,
    outputs: np.ndarray,
    systems: list[int],
    pairs: list[tuple[int, int]],
    workers: int,
    overlap: int,
    rng: np.random.Generator,
) -> None:
    vendor = get_vendor(owner=study.memberships.get(role="owner").user, name="Bench")
    invite = make_invite(study=study, vendor=vendor)
    people = copy_rows(
        Worker, workers, vendor_id=vendor.pk,
        pseudonym=[f"w-{study.pk:x}-{i:05x}" for i in range(workers)],
    )  # fmt: skip
    count = len(prompts) * len(pairs)
    which = np.tile(np.arange(len(pairs)), len(prompts))
    prompt = np.repeat(np.arange(len(prompts)), len(pairs))
    first, second = np.array(pairs).T
    a, b = first[which], second[which]
    comparisons = copy_rows(
        Comparison, count, study_id=study.pk, prompt_id=prompts[prompt],
        system_a_id=np.array(systems)[a], system_b_id=np.array(systems)[b],
        output_a_id=outputs[prompt, a], output_b_id=outputs[prompt, b],
        target=overlap, taken=overlap,
        judged=overlap, position=np.arange(count), ready=True,
    )  # fmt: skip
    n = count * overlap
    each = np.tile(np.arange(count), overlap)
    order = rng.permutation(n)
    # Different workers for the judgements of one comparison: a stride through the people.
    worker = rng.integers(0, workers, count)[each] + np.repeat(np.arange(overlap), count) * 7
    each, worker = each[order], (worker % workers)[order]
    left = rng.random(n) < 0.5
    truth = np.linspace(-0.6, 0.6, len(systems))
    taste = rng.normal(0, 0.4, (workers, len(systems)))
    hard = rng.normal(0, 1.0, count)
    d = (truth[a] - truth[b] + hard)[each] + taste[worker, a[each]] - taste[worker, b[each]]
    d = d + np.where(left, 0.1, -0.1)
    drawn = rng.random(n)
    win = 0.8 / (1 + np.exp(-d))
    outcome = np.select([drawn < win, drawn < 0.8, drawn < 0.95], [0, 1, 2], 3)
    enrolments = copy_rows(
        Enrolment, workers, study_id=study.pk, worker_id=people,
        invite_id=invite.pk, stage="working",
        submitted=np.bincount(worker, minlength=workers),
    )  # fmt: skip
    seconds = np.round(np.exp(rng.normal(4.0, 0.5, n)), 3)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    times = pa.array(np.datetime64(start.replace(tzinfo=None), "ms") + 250 * np.arange(n))
    keys = uuids(n)
    assignments = copy_rows(
        Assignment, n, comparison_id=comparisons[each], enrolment_id=enrolments[worker],
        state="submitted", a_on_left=left, reserved_at=times, expires_at=times,
        closed_at=times, client_key=keys,
    )  # fmt: skip
    told = copy_rows(
        Judgement, n, study_id=study.pk, comparison_id=comparisons[each],
        assignment_id=assignments, worker_id=people[worker], client_key=keys,
        payload_hash="0" * 64, judged_at=times, seconds=seconds, a_on_left=left,
    )  # fmt: skip
    grade = pa.array([1, -1, 0, None]).take(pa.array(outcome))
    overall = study.criteria.get(is_overall=True)
    copy_rows(
        Answer, n, judgement_id=told, criterion_id=overall.pk, outcome=outcome,
        grade=grade,
    )  # fmt: skip

"""Scanning outputs and prompts by the present rules; what an older version found is kept."""

from collections.abc import Iterable
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from psycopg2.extras import execute_values

from jeoul.risk.detectors.base import Found
from jeoul.risk.detectors.harmful import harmful_in
from jeoul.risk.detectors.names import mark, names
from jeoul.risk.detectors.naming import self_naming
from jeoul.risk.detectors.personal import personal_data
from jeoul.risk.detectors.secrets import secrets
from jeoul.risk.detectors.shape import shape
from jeoul.risk.models import Finding, Scan
from jeoul.studies.models import Output, Prompt, PromptSetVersion, Study

# Raised whenever a rule changes: everything is then scanned again, and both results stand.
RULES: Final = "2" + mark()
# A text this long is no answer; its rest is not looked at, which a finding says.
MOST_CHARACTERS: Final = 200_000
_MOST_FINDINGS: Final = 100


def findings_in_outputs(outputs: list[Output]) -> list[list[Found]]:
    """All findings in each output, beside its prompt."""
    texts = [output.text[:MOST_CHARACTERS] for output in outputs]
    harm = harmful_in(texts)
    return [
        _in_output(output, text, found)[:_MOST_FINDINGS]
        for output, text, found in zip(outputs, texts, harm, strict=True)
    ]


def _in_output(output: Output, text: str, harm: list[Found]) -> list[Found]:
    prompt = output.prompt
    asked = "\n".join(m["content"] for m in prompt.messages)
    version = output.system_version
    own = {version.system.name, version.model, version.reported_model, output.reported_model}
    return [
        *shape(
            text,
            finish_reason=output.finish_reason,
            asked=prompt.last_user_text(),
            language=prompt.language,
        ),
        *self_naming(text, asked=asked, own_names=own - {""}),
        *_in_any_text(text, prompt.language, harm),
        *names(text, language=prompt.language, asked=asked),
    ]


def findings_in_prompts(prompts: list[Prompt]) -> list[list[Found]]:
    """What prompts may show an annotator; positions count through their messages, joined."""
    texts = [prompt_text(prompt) for prompt in prompts]
    return [
        [*_in_any_text(text, p.language, harm), *names(text, language=p.language)][:_MOST_FINDINGS]
        for p, text, harm in zip(prompts, texts, harmful_in(texts), strict=True)
    ]


def prompt_text(prompt: Prompt) -> str:
    """The messages as one text, as positions of findings count."""
    return "\n\n".join(m["content"] for m in prompt.messages)[:MOST_CHARACTERS]


def _in_any_text(text: str, language: str, harm: list[Found]) -> Iterable[Found]:
    yield from personal_data(text, language=language)
    yield from secrets(text)
    yield from harm


@transaction.atomic
def scan_outputs(*, ids: Iterable[int]) -> int:
    """Scan finished outputs by the present rules; returns how many were new."""
    rows = Output.objects.shown().filter(pk__in=list(ids), text_missing=False)
    outputs = {
        output.pk: output
        for output in rows.exclude(scans__rules=RULES)
        .select_related("prompt", "system_version__system")
        .order_by("pk")
    }
    scans = _begin("output_id", list(outputs))
    _store(scans, findings_in_outputs([outputs[pk] for pk, _ in scans]))
    return len(scans)


@transaction.atomic
def scan_prompts(*, ids: Iterable[int]) -> int:
    """Scan prompts by the present rules; returns how many were new."""
    rows = Prompt.objects.filter(pk__in=list(ids)).exclude(scans__rules=RULES)
    prompts = {prompt.pk: prompt for prompt in rows.order_by("pk")}
    scans = _begin("prompt_id", list(prompts))
    _store(scans, findings_in_prompts([prompts[pk] for pk, _ in scans]))
    return len(scans)


def scan_output(*, output_id: int) -> bool:
    """Scan one finished output; False if that was done or there is no text."""
    return bool(scan_outputs(ids=[output_id]))


def scan_prompt(*, prompt_id: int) -> bool:
    """Scan one prompt; False if that was done."""
    return bool(scan_prompts(ids=[prompt_id]))


def _begin(column: str, ids: list[int]) -> list[tuple[int, int]]:
    """The texts that nobody else has scanned, each with its new scan, in the order of the ids.

    Of two jobs on one text the second waits here until the first is through, and leaves it out.
    """
    if not ids:
        return []
    insert = f"""
        INSERT INTO risk_scan ({column}, rules, scanned_at) VALUES %s
        ON CONFLICT DO NOTHING RETURNING {column}, id
    """  # noqa: S608 - one of two names of ours
    with connection.cursor() as cursor:
        rows = [(pk, RULES) for pk in ids]
        found = execute_values(
            cursor.cursor, insert, rows, "(%s, %s, now())", page_size=len(rows), fetch=True
        )
    return [(int(pk), int(scan)) for pk, scan in found]


def _store(scans: list[tuple[int, int]], found: list[list[Found]]) -> None:
    Finding.objects.bulk_create(
        Finding(scan_id=scan, **f.__dict__)
        for (_, scan), findings in zip(scans, found, strict=True)
        for f in findings
    )


def unscanned_outputs(study: Study | None = None) -> QuerySet[Output]:
    """Outputs with a text that the present rules have not seen; of one study, or of all."""
    seen = Scan.objects.filter(output=OuterRef("pk"), rules=RULES)
    rows = Output.objects.shown().filter(~Exists(seen), text_missing=False)
    if study is None:
        return rows
    return rows.filter(
        system_version__in=study.systems.all(), prompt__versions=study.prompt_set_version
    )


def unscanned_prompts(version: PromptSetVersion | None = None) -> QuerySet[Prompt]:
    """Prompts that the present rules have not seen; of one version, or of all."""
    seen = Scan.objects.filter(prompt=OuterRef("pk"), rules=RULES)
    rows = Prompt.objects.filter(~Exists(seen))
    return rows if version is None else rows.filter(versions=version)


def kinds_of(*, outputs: Iterable[int] = (), prompts: Iterable[int] = ()) -> dict[int, set[str]]:
    """By output id (or by prompt id) the kinds found under the present rules.

    A text that was not scanned is not in it.
    """
    ids, name = (list(outputs), "output") if outputs else (list(prompts), "prompt")
    rows = Scan.objects.filter(rules=RULES, **{f"{name}__in": ids})
    found: dict[int, set[str]] = {}
    for pk, kind in rows.values_list(f"{name}_id", "findings__kind"):
        found.setdefault(pk, set()).update({kind} if kind else ())
    return found

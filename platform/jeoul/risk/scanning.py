"""Scanning outputs and prompts by the present rules; what an older version found is kept."""

from collections.abc import Callable, Iterable
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from jeoul.risk.detectors.base import Found
from jeoul.risk.detectors.harmful import harmful
from jeoul.risk.detectors.naming import self_naming
from jeoul.risk.detectors.personal import personal_data
from jeoul.risk.detectors.secrets import secrets
from jeoul.risk.detectors.shape import shape
from jeoul.risk.models import Finding, Scan
from jeoul.studies.models import Output, Prompt, PromptSetVersion, Study

# Raised whenever a rule changes: everything is then scanned again, and both results stand.
RULES: Final = "1"
# A text this long is no answer; its rest is not looked at, which a finding says.
MOST_CHARACTERS: Final = 200_000
_MOST_FINDINGS: Final = 100


def findings_in_output(output: Output) -> list[Found]:
    """All findings in one output, beside its prompt."""
    text = output.text[:MOST_CHARACTERS]
    prompt = output.prompt
    asked = "\n".join(m["content"] for m in prompt.messages)
    version = output.system_version
    names = {version.system.name, version.model, version.reported_model, output.reported_model}
    found = [
        *shape(
            text,
            finish_reason=output.finish_reason,
            asked=prompt.last_user_text(),
            language=prompt.language,
        ),
        *self_naming(text, asked=asked, own_names=names - {""}),
        *_in_any_text(text, prompt.language),
    ]
    return found[:_MOST_FINDINGS]


def findings_in_prompt(prompt: Prompt) -> list[Found]:
    """What a prompt may show an annotator; positions count through its messages, joined."""
    return list(_in_any_text(prompt_text(prompt), prompt.language))[:_MOST_FINDINGS]


def prompt_text(prompt: Prompt) -> str:
    """The messages as one text, as positions of findings count."""
    return "\n\n".join(m["content"] for m in prompt.messages)[:MOST_CHARACTERS]


def _in_any_text(text: str, language: str) -> Iterable[Found]:
    yield from personal_data(text, language=language)
    yield from secrets(text)
    yield from harmful(text)


@transaction.atomic
def scan_output(*, output_id: int) -> bool:
    """Scan a finished output by the present rules; False if that was done or there is no text."""
    output = (
        Output.objects.shown()
        .filter(pk=output_id, text_missing=False)
        .select_related("prompt", "system_version__system")
        .first()
    )
    if output is None:
        return False
    return _store(Scan(output=output, rules=RULES), lambda: findings_in_output(output))


@transaction.atomic
def scan_prompt(*, prompt_id: int) -> bool:
    """Scan a prompt by the present rules; False if that was done."""
    prompt = Prompt.objects.filter(pk=prompt_id).first()
    if prompt is None:
        return False
    return _store(Scan(prompt=prompt, rules=RULES), lambda: findings_in_prompt(prompt))


def _store(scan: Scan, look: Callable[[], list[Found]]) -> bool:
    try:
        # The row first: of two jobs on one text the second waits here, and then does nothing.
        with transaction.atomic():
            scan.save()
    except IntegrityError:
        return False
    Finding.objects.bulk_create(Finding(scan=scan, **f.__dict__) for f in look())
    return True


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

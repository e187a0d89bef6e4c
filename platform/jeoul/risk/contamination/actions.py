"""Checking a prompt set against training data, storing what was found, and what a study does."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from django.db import transaction

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.risk.contamination.corpus import CorpusError, CorpusFile, corpus_file
from jeoul.risk.contamination.engine import Answer, Question, Report, examine
from jeoul.risk.contamination.index import CJK_FACTOR, EXACT, GPT3, PALM, SEED, SKIPS
from jeoul.risk.models import CleanState, ContaminationCheck, PromptOverlap
from jeoul.studies.likeness import is_cjk
from jeoul.studies.models import LeaveOut, Prompt, PromptSetVersion, Study

# Llama 2 (2307.09288 A.6): shares of contaminated tokens.
NOT_CLEAN: Final = 0.2
DIRTY: Final = 0.8
RULES: Final[dict[str, Any]] = {
    "gpt3_ngram": GPT3, "palm_ngram": PALM, "llama2_longer_than": SEED, "llama2_skips": SKIPS,
    "characters_factor": CJK_FACTOR, "not_clean": NOT_CLEAN, "dirty": DIRTY, "version": "1",
}  # fmt: skip


def state_of(answer: Answer, *, characters: bool) -> CleanState:
    """Clean, not clean or dirty; a prompt too short for the rule's n-gram can't be told."""
    if answer.overlap.tokens < EXACT * (CJK_FACTOR if characters else 1):
        return CleanState.SHORT
    if answer.overlap.llama2 >= DIRTY:
        return CleanState.DIRTY
    return CleanState.NOT_CLEAN if answer.overlap.llama2 >= NOT_CLEAN else CleanState.CLEAN


def check_contamination(
    *,
    version: PromptSetVersion,
    corpus: list[str],
    actor: User,
    field: str = "",
    processes: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> ContaminationCheck:
    """Read the files through and store what they share with the prompts.

    The same corpus again replaces what was found before. Raises InvalidInput naming the file.
    """
    if not corpus:
        raise InvalidInput("Name at least one file of the corpus.", field="corpus")
    try:
        files = [corpus_file(path) for path in corpus]
        whole = sum(f.size for f in files)
        prompts = list(version.prompts.order_by("entries__position").only("pk", "messages"))
        questions = [_question(p) for p in prompts]
        began = time.monotonic()
        report = examine(
            questions, files, name=field, processes=processes,
            progress=progress and (lambda done, name: progress(done, whole, name)),
        )  # fmt: skip
    except CorpusError as error:
        raise InvalidInput(str(error), field="corpus") from None
    return _store(version, actor, files, prompts, questions, report, time.monotonic() - began)


def _question(prompt: Prompt) -> Question:
    texts = [m["content"] for m in prompt.messages]
    return Question(texts, is_cjk(" ".join(texts)))


@transaction.atomic
def _store(
    version: PromptSetVersion,
    actor: User,
    files: list[CorpusFile],
    prompts: list[Prompt],
    questions: list[Question],
    report: Report,
    seconds: float,
) -> ContaminationCheck:
    states = [
        state_of(a, characters=q.characters) for a, q in zip(report.answers, questions, strict=True)
    ]
    version.contamination_checks.filter(fingerprint=report.fingerprint).delete()
    check = ContaminationCheck.objects.create(
        version=version,
        by=actor,
        files=[{"name": f.path.name, "bytes": f.size} for f in files],
        fingerprint=report.fingerprint,
        rules=RULES,
        bytes_read=report.bytes_read,
        bad_lines=report.bad_lines,
        seconds=seconds,
        counts=dict(Counter(s.value for s in states)),
    )
    PromptOverlap.objects.bulk_create(
        (
            PromptOverlap(
                check_row=check,
                prompt=prompt,
                state=state,
                passages=[asdict(p) for p in answer.passages],
                **asdict(answer.overlap),
            )
            for prompt, answer, state in zip(prompts, report.answers, states, strict=True)
        ),
        batch_size=1000,
    )
    record(
        actor=actor, verb="prompts.contamination", target=version.prompt_set,
        data={"fingerprint": report.fingerprint, "counts": check.counts},
    )  # fmt: skip
    return check


def left_out_prompts(study: Study) -> set[int]:
    """Prompts that the study does without, by every check of its prompt set's version."""
    states = {
        LeaveOut.DIRTY: [CleanState.DIRTY],
        LeaveOut.NOT_CLEAN: [CleanState.DIRTY, CleanState.NOT_CLEAN],
    }.get(LeaveOut(study.contamination), [])
    if not states or study.prompt_set_version_id is None:
        return set()
    return set(
        PromptOverlap.objects.filter(
            check_row__version=study.prompt_set_version_id, state__in=states
        ).values_list("prompt_id", flat=True)
    )


def contamination_note(study: Study) -> dict[str, Any] | None:
    """What a study's results must say: which prompts were left out, by which corpora."""
    if study.contamination == LeaveOut.NOTHING or study.prompt_set_version_id is None:
        return None
    checks = ContaminationCheck.objects.filter(version=study.prompt_set_version_id)
    return {
        "left_out": study.contamination,
        "prompts": len(left_out_prompts(study)),
        "of": study.prompt_set_version.entries.count() if study.prompt_set_version else 0,
        "corpora": [
            {"files": c.files, "fingerprint": c.fingerprint, "counts": c.counts} for c in checks
        ],
    }

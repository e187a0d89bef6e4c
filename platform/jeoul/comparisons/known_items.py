"""Items whose right answer is known: practice with a lesson, trials and checks, from a file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Max

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.comparisons.models import UNPLANNED, Comparison, Kind
from jeoul.studies.hashing import content_hash
from jeoul.studies.importing import (
    BadRow,
    BadRows,
    RowError,
    parse_prompt,
    text_field,
)
from jeoul.studies.models import Output, OutputState, Study, SystemVersion
from jeoul.studies.prompt_actions import (
    Imported,
    freeze_versions,
    import_prompts,
    store_imported_output,
    system_for_outputs,
)
from jeoul.studies.reading_files import read_rows

KINDS: Final = (Kind.TRAINING, Kind.QUALIFICATION, Kind.GOLD)
SIGNS: Final = {"a": 1, "b": -1, "tie": 0}
_OWN: Final = {"kind", "right", "explanation", "output_a", "output_b", "system_a", "system_b"}


@dataclass(frozen=True)
class KnownRow:
    """One item as it came in, checked; ``prompt`` is empty where it speaks of the study's own."""

    number: int
    kind: str
    sign: int
    explanation: str
    prompt: dict[str, object]
    texts: tuple[str, str]
    prompt_id: str = ""
    systems: tuple[str, str] = ("", "")


@transaction.atomic
def import_known_items(
    *,
    owner: User,
    study: Study,
    text: str,
    file_kind: str,
    kind: str = "",
    take_good: bool = False,
) -> Imported:
    """Add practice, trial and check items to a study, running or not; the same rows add nothing.

    A row brings its own ``prompt`` (or ``messages``), ``output_a`` and ``output_b``, or names a
    ``prompt_id``, ``system_a`` and ``system_b`` of the study. ``right`` says which one is better.
    ``kind`` stands for rows that say none. Raises BadRows unless ``take_good``. Locks the study.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    good, bad = _parse(read_rows(text, file_kind), kind)
    found, unknown = _outputs(good, owner, study, strict=not take_good, bad=bad)
    bad = sorted([*bad, *unknown], key=lambda row: row.number)
    if bad and not take_good:
        raise BadRows(bad)
    if not found:
        raise InvalidInput("The file holds no item.", field="file")
    added = _store(found, study)
    record(
        actor=owner,
        verb="known_items.import",
        target=study,
        study_uuid=study.uuid,
        data={"added": added, "bad": len(bad)},
    )
    return Imported(added, len(found) - added, bad)


def _parse(
    rows: Iterable[tuple[int, dict[str, object] | RowError]], kind: str
) -> tuple[list[KnownRow], list[BadRow]]:
    good: list[KnownRow] = []
    bad: list[BadRow] = []
    for number, row in rows:
        try:
            if isinstance(row, RowError):
                raise row
            good.append(_parse_row(number, row, kind))
        except RowError as error:
            bad.append(BadRow(number, error.field, error.reason))
    return good, bad


def _parse_row(number: int, row: dict[str, object], kind: str) -> KnownRow:
    """Check one row; raises RowError naming the field."""
    said = text_field(row, "kind") or kind
    if said not in KINDS:
        raise RowError("kind", f"must be one of {', '.join(KINDS)}; not {said!r}")
    right = text_field(row, "right", required=True)
    if right not in SIGNS:
        raise RowError("right", f"must be a, b or tie, not {right!r}")
    explanation = text_field(row, "explanation", limit=20_000)
    if "prompt_id" in row:
        return KnownRow(
            number, said, SIGNS[right], explanation, {}, ("", ""),
            prompt_id=text_field(row, "prompt_id", required=True),
            systems=(text_field(row, "system_a", required=True),
                     text_field(row, "system_b", required=True)),
        )  # fmt: skip
    texts = (
        text_field(row, "output_a", required=True),
        text_field(row, "output_b", required=True),
    )
    prompt = {name: value for name, value in row.items() if name not in _OWN}
    prompt["id"] = content_hash([row.get("prompt"), row.get("messages"), *texts])[:16]
    parse_prompt(prompt)
    return KnownRow(number, said, SIGNS[right], explanation, prompt, texts)


_Pair = tuple[Output, Output]


def _outputs(
    rows: list[KnownRow], owner: User, study: Study, *, strict: bool, bad: list[BadRow]
) -> tuple[list[tuple[KnownRow, _Pair]], list[BadRow]]:
    """The two outputs of each row: stored from its texts, or found among the study's."""
    found: list[tuple[KnownRow, _Pair]] = []
    unknown: list[BadRow] = []
    own = [row for row in rows if row.prompt]
    if own and not (bad and strict):
        pairs = _from_texts(own, owner, study)
        found = [(row, pairs[str(row.prompt["id"])]) for row in own]
    for row in rows:
        if row.prompt:
            continue
        try:
            found.append((row, _from_study(row, study)))
        except RowError as error:
            unknown.append(BadRow(row.number, error.field, error.reason))
    return sorted(found, key=lambda pair: pair[0].number), unknown


def _from_texts(rows: list[KnownRow], owner: User, study: Study) -> dict[str, _Pair]:
    prompts = {str(row.prompt["id"]): row.prompt for row in rows}
    version, _ = import_prompts(
        owner=owner,
        name=f"{study.title[:150]}: known items",
        text="\n".join(json.dumps(prompt) for prompt in prompts.values()),
        kind="jsonl",
    )
    by_key = {prompt.key: prompt for prompt in version.prompts.all()}
    sides = [system_for_outputs(owner=owner, name=f"Known items, {side}") for side in ("a", "b")]
    pairs = {}
    for row in rows:
        prompt = by_key[str(row.prompt["id"])]
        for side, text in zip(sides, row.texts, strict=True):
            store_imported_output(version=side, prompt=prompt, sample=0, text=text)
        a, b = (Output.objects.get(system_version=s, prompt=prompt, sample=0) for s in sides)
        pairs[prompt.key] = (a, b)
    freeze_versions(sides)
    return pairs


def _from_study(row: KnownRow, study: Study) -> _Pair:
    """Outputs that the study has already; raises RowError naming what is not there."""
    version = study.prompt_set_version
    prompt = version.prompts.filter(key=row.prompt_id).first() if version else None
    if prompt is None:
        raise RowError("prompt_id", f"{row.prompt_id!r} is no prompt of this study")
    pair = []
    for field, name in zip(("system_a", "system_b"), row.systems, strict=True):
        system: SystemVersion | None = study.systems.filter(system__name=name).first()
        if system is None:
            raise RowError(field, f"{name!r} is no system of this study")
        output = Output.objects.filter(
            system_version=system,
            prompt=prompt,
            sample=0,
            state__in=(OutputState.DONE, OutputState.REFUSED),
        ).first()
        if output is None:
            raise RowError(field, f"{name!r} has no finished answer to {row.prompt_id!r}")
        pair.append(output)
    if pair[0].pk == pair[1].pk:
        raise RowError("system_b", "is the same as system_a")
    return pair[0], pair[1]


def _store(found: list[tuple[KnownRow, _Pair]], study: Study) -> int:
    known = Comparison.objects.filter(study=study, kind__in=KINDS)
    before = known.count()
    last = known.aggregate(last=Max("position"))["last"]
    start = 0 if last is None else last + 1
    Comparison.objects.bulk_create(
        (
            Comparison(
                study=study,
                prompt_id=a.prompt_id,
                system_a_id=a.system_version_id,
                system_b_id=b.system_version_id,
                output_a=a,
                output_b=b,
                kind=row.kind,
                gold_sign=row.sign,
                explanation=row.explanation,
                target=UNPLANNED,
                position=start + at,
                ready=True,
                a_first=at % 2 == 0,
            )
            for at, (row, (a, b)) in enumerate(found)
        ),
        ignore_conflicts=True,
    )
    return known.count() - before

"""Tags, differences and the picture of a prompt set."""

import difflib
import math
from dataclasses import dataclass, field
from typing import Final

from django.db import connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext_noop as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.lately import lately
from jeoul.studies.access import prompt_texts_hidden
from jeoul.studies.models import Prompt, PromptSet, PromptSetVersion, Study, VersionTag

SLICES: Final = ("category", "language", "difficulty", "risk", "hazard")
# Under this many prompts a win rate's interval is wider than plus or minus 18 points.
THIN: Final = 30
_KEPT_SECONDS: Final = 3600
# Values of one slice that a page shows.
_MOST: Final = 40
# Which columns a row is about stands in the first: a bit is set for each one that it sums over.
_PICTURE: Final = """
SELECT grouping(category, language, difficulty, risk, hazard),
    category, language, difficulty, risk, hazard, count(*),
    count(*) FILTER (WHERE jsonb_array_length(messages) > 1),
    count(*) FILTER (WHERE language_detected)
FROM studies_versionentry e JOIN studies_prompt p ON p.id = e.prompt_id
WHERE e.version_id = %s
GROUP BY GROUPING SETS
    ((category), (language), (difficulty), (risk), (hazard), (category, risk), ())
"""


@transaction.atomic
def tag_version(*, version: PromptSetVersion, name: str, actor: User) -> VersionTag:
    """Name a version; a tag that points at another version of the set moves, and is audited."""
    if not name or slugify(name) != name or len(name) > 60:
        raise InvalidInput(_("A tag is lower-case letters, digits, - or _."), field="tag")
    before = VersionTag.objects.filter(prompt_set=version.prompt_set, name=name).first()
    tag, _new = VersionTag.objects.update_or_create(
        prompt_set=version.prompt_set, name=name, defaults={"version": version}
    )
    record(
        actor=actor, verb="prompts.tag", target=version.prompt_set,
        data={"tag": name, "version": version.number,
              "from": before.version.number if before else None},
    )  # fmt: skip
    return tag


@transaction.atomic
def untag(*, prompt_set: PromptSet, name: str, actor: User) -> bool:
    """Take a tag away; False if there is none of this name."""
    gone, _rows = VersionTag.objects.filter(prompt_set=prompt_set, name=name).delete()
    if gone:
        record(actor=actor, verb="prompts.untag", target=prompt_set, data={"tag": name})
    return bool(gone)


@transaction.atomic
def seal(*, prompt_set: PromptSet, actor: User) -> None:
    """Hide the texts from researchers; there is no way back before its studies have ended."""
    PromptSet.objects.filter(pk=prompt_set.pk).update(sealed=True)
    record(actor=actor, verb="prompts.seal", target=prompt_set)


def note_look(*, prompt_set: PromptSet, actor: User | None, what: str) -> None:
    """Record that somebody read texts of a sealed set."""
    if prompt_set.sealed:
        record(actor=actor, verb="prompts.read", target=prompt_set, data={"what": what})


def may_read(*, prompt_set: PromptSet, actor: User | None, what: str) -> bool:
    """Whether the texts of its prompts, and answers to them, may be shown now.

    The one door to them for researchers: a look at a sealed set's texts is recorded.
    """
    if prompt_texts_hidden(prompt_set):
        return False
    note_look(prompt_set=prompt_set, actor=actor, what=what)
    return True


def study_may_read(*, study: Study, actor: User | None, what: str) -> bool:
    """The same for the prompts of a study; one without prompts hides nothing."""
    version = study.prompt_set_version
    return version is None or may_read(prompt_set=version.prompt_set, actor=actor, what=what)


@dataclass(frozen=True)
class Change:
    """One prompt in two versions: which fields differ, and the text piece by piece."""

    key: str
    fields: list[tuple[str, str, str]]
    # ("same" | "gone" | "new", words)
    text: list[tuple[str, str]]


@dataclass(frozen=True)
class Difference:
    """What happened from one version to another, by the prompts' ids."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    same: int
    moved: bool
    _ids: dict[str, tuple[int, int]] = field(repr=False, default_factory=dict)

    def changes(self, keys: list[str]) -> list[Change]:
        """Some of the changed prompts in detail."""
        ids = [pk for key in keys for pk in self._ids[key]]
        rows = Prompt.objects.in_bulk(ids)
        return [_change(key, *(rows[pk] for pk in self._ids[key])) for key in keys]


def difference(old: PromptSetVersion, new: PromptSetVersion) -> Difference:
    """Which prompts came, went and changed; ids in the order of the versions."""
    was, now = _prompts_of(old), _prompts_of(new)
    # Most prompts are in both; only of the others the keys are asked for.
    keys = dict(Prompt.objects.filter(pk__in={*was} ^ {*now}).values_list("pk", "key"))
    before = {keys[pk]: pk for pk in was if pk in keys}
    after = {keys[pk]: pk for pk in now if pk in keys}
    changed = {k: (before[k], pk) for k, pk in after.items() if k in before}
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    follower = dict(changed.values())
    kept = [follower.get(pk, pk) for pk in was if keys.get(pk) not in removed]
    return Difference(
        added=[k for k in after if k in added],
        removed=[k for k in before if k in removed],
        changed=list(changed),
        same=len(was) - len(before),
        moved=kept != [pk for pk in now if keys.get(pk) not in added],
        _ids=changed,
    )


def _prompts_of(version: PromptSetVersion) -> list[int]:
    return list(version.entries.order_by("position").values_list("prompt_id", flat=True))


def _change(key: str, old: Prompt, new: Prompt) -> Change:
    names = (*SLICES, "source", "reference", "metadata")
    fields = [
        (name, str(getattr(old, name) or ""), str(getattr(new, name) or ""))
        for name in names
        if getattr(old, name) != getattr(new, name)
    ]
    return Change(key, fields, _pieces(_as_text(old), _as_text(new)))


def _as_text(prompt: Prompt) -> str:
    if len(prompt.messages) == 1:
        return str(prompt.messages[0]["content"])
    return "\n".join(f"{m['role']}: {m['content']}" for m in prompt.messages)


def _pieces(old: str, new: str) -> list[tuple[str, str]]:
    """Words that stayed, went and came; the text of a long prompt by its lines."""
    by_line = len(old) + len(new) > 20_000
    a, b = (t.splitlines(keepends=True) if by_line else _words(t) for t in (old, new))
    found: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(a[a1:a2])))
            continue
        if a2 > a1:
            found.append(("gone", "".join(a[a1:a2])))
        if b2 > b1:
            found.append(("new", "".join(b[b1:b2])))
    return found


def _words(text: str) -> list[str]:
    words, word = [], ""
    for char in text:
        word += char
        if char.isspace():
            words.append(word)
            word = ""
    return [*words, word] if word else words


@dataclass(frozen=True)
class Slice:
    """One value of a slice: how many prompts, and how wide an interval they allow."""

    value: str
    n: int

    @property
    def half_width(self) -> float:
        """Half the 95 % interval of a win rate near one half with one judgement a prompt."""
        return min(0.5, 1.96 * 0.5 / math.sqrt(self.n))

    @property
    def thin(self) -> bool:
        return self.n < THIN


@dataclass(frozen=True)
class Picture:
    """A version in numbers."""

    total: int
    turns: int
    high: int
    slices: dict[str, list[Slice]]
    # category by risk: rows of (category, realistic, high).
    cross: list[tuple[str, int, int]]
    detected: int

    @property
    def thin(self) -> list[tuple[str, Slice]]:
        return [(name, s) for name, rows in self.slices.items() for s in rows if s.thin]


def picture(version: PromptSetVersion) -> Picture:
    """Counts by category, language, difficulty, risk and hazard; a version never changes."""
    key = f"picture:{version.uuid}:{version.content_hash}"
    return lately(key, lambda: _pictured(version), seconds=_KEPT_SECONDS)


def _pictured(version: PromptSetVersion) -> Picture:
    """In one pass over the prompts."""
    with connection.cursor() as cursor:
        cursor.execute(_PICTURE, [version.pk])
        rows = cursor.fetchall()
    slices: dict[str, list[Slice]] = {name: [] for name in SLICES}
    cross: dict[str, list[int]] = {}
    total = turns = detected = 0
    for kind, *values, n, more, found in rows:
        names = [name for at, name in enumerate(SLICES) if not kind & (16 >> at)]
        if not names:
            total, turns, detected = n, more, found
        elif len(names) == 1 and (value := values[SLICES.index(names[0])]):
            slices[names[0]].append(Slice(value, n))
        elif len(names) == 2:
            cross.setdefault(values[0], [0, 0])[values[3] == "high"] += n
    shown = {name: sorted(s, key=lambda s: (-s.n, s.value))[:_MOST] for name, s in slices.items()}
    both = sorted(((c, r, h) for c, (r, h) in cross.items()), key=lambda x: -x[1] - x[2])
    return Picture(
        total=total,
        turns=turns,
        high=next((s.n for s in slices["risk"] if s.value == "high"), 0),
        slices=shown,
        cross=both[:_MOST],
        detected=detected,
    )

"""What differs between two versions of a system, and what a researcher should be warned of."""

import difflib
import json
import re
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from jeoul.studies.models import Study, SystemVersion

_FIELDS: Final = ("model", "system_prompt", "prompt_template", "examples", "sampling")
# 2026-11-24, 20261124, 2611, 1106: what vendors write into a pinned name.
_DATED: Final = re.compile(r"(19|20)\d{2}-?(0[1-9]|1[0-2])|(?<!\d)(0[1-9]|1[0-2])[0-3]\d(?!\d)|"
                           r"(?<!\d)2[3-9](0[1-9]|1[0-2])(?!\d)")  # fmt: skip
_ALIAS: Final = re.compile(r"(^|[-_:/.@])(latest|current|newest|preview|stable|default)$", re.I)


@dataclass(frozen=True)
class Difference:
    """One field that differs; ``lines`` are a text's lines with their mark: space, - or +."""

    field: str
    before: str
    after: str
    lines: list[tuple[str, str]]


def labels_of(study: Study) -> dict[int, str]:
    """What the study's system versions are called, by their primary key, in the study's order."""
    entries = study.entries.select_related("system_version__system")
    return {entry.system_version_id: entry.system_version.label for entry in entries}


def differences(before: SystemVersion, after: SystemVersion) -> list[Difference]:
    """The fields in which two versions differ, in a fixed order."""
    pairs = [("connection", _connection(before), _connection(after))]
    for name in _FIELDS:
        one, two = getattr(before, name), getattr(after, name)
        if name == "sampling":
            pairs += [
                (key, _text(one.get(key)), _text(two.get(key))) for key in sorted({*one, *two})
            ]
        else:
            pairs.append((name, _text(one), _text(two)))
    return [Difference(name, a, b, _lines(a, b)) for name, a, b in pairs if a != b]


def _connection(version: SystemVersion) -> str:
    return version.connection.name if version.connection else ""


def _text(value: object) -> str:
    if value in (None, "", []):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _lines(before: str, after: str) -> list[tuple[str, str]]:
    rows = difflib.ndiff(before.splitlines(), after.splitlines())
    return [(row[0], row[2:]) for row in rows if row[0] in " -+"]


def warnings_of(version: SystemVersion, previous: SystemVersion | None = None) -> list[str]:
    """What may make this version mean something else than it seems, beside the one before."""
    if version.connection_id is None:
        return []
    found = []
    if _ALIAS.search(version.model):
        found.append(
            _("%(model)s is an alias: the provider may point it to another model at any time.")
            % {"model": version.model}
        )
    elif not _DATED.search(version.model):
        found.append(
            _("%(model)s carries no date: it may not mean the same model next month.")
            % {"model": version.model}
        )
    if version.reported_model and version.reported_model != version.model:
        found.append(
            _("The provider reports another model: %(model)s.") % {"model": version.reported_model}
        )
    if previous is not None and _both_changed(previous, version):
        found.append(
            _("Model and temperature changed together: a difference may come from either.")
        )
    if "seed" not in version.sampling and version.sampling.get("temperature") != 0:
        found.append(_("No seed is set: the answers can't be drawn again."))
    return found


def _both_changed(before: SystemVersion, after: SystemVersion) -> bool:
    return before.model != after.model and before.sampling.get("temperature") != after.sampling.get(
        "temperature"
    )


def previous_of(version: SystemVersion) -> SystemVersion | None:
    """The version before this one of its system."""
    earlier = version.system.versions.filter(number__lt=version.number)
    return earlier.select_related("connection").order_by("-number").first()

"""Bring the translation files up to the words in the code, and compile them; for developers.

In pure Python, since gettext's own tools are not on every machine.
"""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation.template import templatize
from jeoul.base import DomainError
from jeoul.crowd.base import CrowdError
from jeoul.risk.contamination.corpus import CorpusError
from jeoul.studies.generation.base import ProviderError
from jeoul.studies.importing import RowError

ROOT: Final = Path(__file__).resolve().parents[3]
LOCALE: Final = ROOT / "platform" / "jeoul" / "locale"
_CALLS: Final = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
_STRING: Final = r"""u?('''(?:[^\\]|\\.)*?'''|\"(?:[^"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"""


@cache
def refusals() -> frozenset[str]:
    """The errors whose words come before a reader."""
    import_module(settings.ROOT_URLCONF)
    known: set[str] = set()
    new: list[type[Exception]] = [DomainError, RowError, CrowdError, CorpusError, ProviderError]
    while new:
        known |= {error.__name__ for error in new}
        new = [sub for error in new for sub in error.__subclasses__()]
    return frozenset(known)


def in_python(path: Path) -> set[str]:
    """The texts that a module marks for translation, and those in which it refuses something."""
    found: set[str] = set()
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        name = getattr(call.func, "id", "")
        if name in _CALLS:
            found |= _texts(call.args[:1])
        elif name in refusals():
            # Beside its words a refusal is given a field or a code, in one word.
            found |= {text for text in _texts(call.args) if " " in text}
    return found


def _texts(given: list[ast.expr]) -> set[str]:
    values = [g.value for g in given if isinstance(g, ast.Constant)]
    return {value for value in values if isinstance(value, str)}


def in_template(path: Path) -> set[str]:
    """The texts that a template marks for translation."""
    source = templatize(path.read_text())
    calls = re.findall(rf"(?:_|n?gettext)\({_STRING}", source, re.DOTALL)
    return {ast.literal_eval(text) for text in calls}


def all_plurals() -> dict[str, str]:
    """For each counted text of a template what it is called for many: a .po file needs both."""
    pairs: dict[str, str] = {}
    for path in (ROOT / "templates").rglob("*.html"):
        source = templatize(path.read_text())
        found = re.findall(rf"ngettext\({_STRING},\s*{_STRING}", source, re.DOTALL)
        pairs |= {ast.literal_eval(one): ast.literal_eval(many) for one, many in found}
    return pairs


def all_strings() -> set[str]:
    """Every text that a person may read on a page."""
    modules = [p for top in ("annotation", "platform/jeoul") for p in (ROOT / top).rglob("*.py")]
    python = [p for p in modules if "migrations" not in p.parts]
    templates = [*(ROOT / "templates").rglob("*.html")]
    found = set().union(*map(in_python, python), *map(in_template, templates))
    return {text for text in found if text.strip()}


class Command(BaseCommand):
    help = "Add missing texts to the .po files, drop those no longer used, sort and compile."

    def handle(self, *args: Any, **options: Any) -> None:
        import polib  # a developer's tool, not installed where the site runs

        wanted, plurals = all_strings(), all_plurals()
        for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
            file = polib.pofile(str(path), wrapwidth=10**6)
            kept = {entry.msgid: entry for entry in file if entry.msgid in wanted}
            for entry in kept.values():
                entry.occurrences = []
            added = sorted(wanted - kept.keys())
            kept |= {text: polib.POEntry(msgid=text) for text in added}
            for text, many in plurals.items():
                if not kept[text].msgid_plural:
                    said = kept[text].msgstr
                    kept[text] = polib.POEntry(
                        msgid=text, msgid_plural=many, msgstr_plural={0: said}
                    )
            # Sorted, so that two branches rarely write to the same place.
            file[:] = [kept[text] for text in sorted(kept)]
            file.save(str(path))
            file.save_as_mofile(str(path.with_suffix(".mo")))
            for text in added:
                self.stderr.write(f"{path.parent.parent.name} needs: {text}", ending="\n")

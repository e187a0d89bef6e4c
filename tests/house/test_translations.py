"""Every word on a page is there in Korean, and the compiled file is the written one.

In pure Python, since gettext's own tools are not on every machine.
"""

import ast
import gettext
import re
from pathlib import Path

import pytest
from jeoul.env import languages

from tasks.management.commands.messages import LOCALE, ROOT, all_plurals, all_strings

LANGUAGES = sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir())
_HOLES = re.compile(r"%\(\w+\)[sd]|%[sd]")


def read_po(path: Path) -> dict[str, tuple[str, bool]]:
    """What each msgid becomes, and whether a translator still doubts it."""
    entries = {}
    for block in path.read_text().split("\n\n"):
        parts = {"msgid": "", "msgstr": ""}
        at = None
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            word, _, rest = line.partition(" ")
            if not line.startswith('"'):
                at = word.replace("[0]", "")
                line = rest
            if at in parts:
                parts[at] += ast.literal_eval(line)
        if parts["msgid"]:
            entries[parts["msgid"]] = (parts["msgstr"], "#, fuzzy" in block)
    return entries


def test_the_strings_are_found():
    found = all_strings()
    assert len(found) > 150
    assert {"Saving…", "Save and go on", "Answer 1 is better", "Skip to the content"} <= found
    assert "You judged one comparison." in found


def test_english_and_korean_are_offered(settings):
    assert "ko" in LANGUAGES
    assert {code for code, _ in settings.LANGUAGES} == {"en", *LANGUAGES}


def test_a_language_is_offered_as_soon_as_its_compiled_file_is_there(tmp_path):
    for name in ("de", "pt_BR"):
        folder = tmp_path / name / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "django.mo").touch()
    (tmp_path / "fr" / "LC_MESSAGES").mkdir(parents=True)
    assert languages(tmp_path) == [("de", "Deutsch"), ("pt-br", "Português Brasileiro")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_string_is_missing_or_doubted(language):
    entries = read_po(LOCALE / language / "LC_MESSAGES" / "django.po")
    assert sorted(all_strings() - entries.keys()) == []
    assert [msgid for msgid, (text, fuzzy) in entries.items() if fuzzy or not text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_counted_texts_are_counted_in_the_files_too(language):
    """Without its plural an entry is there and yet never found."""
    text = (LOCALE / language / "LC_MESSAGES" / "django.po").read_text()
    plurals = {
        ast.literal_eval(found)
        for found in re.findall(r'^msgid_plural (".*")$', text, flags=re.MULTILINE)
    }
    assert len(all_plurals()) > 5
    assert set(all_plurals().values()) <= plurals


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_hole_is_filled(language):
    for msgid, (text, _) in read_po(LOCALE / language / "LC_MESSAGES" / "django.po").items():
        # "%(n)s comparisons" may be said of one as well.
        holes = set(_HOLES.findall(text)) - {"%(n)s"}
        assert holes == set(_HOLES.findall(msgid)) - {"%(n)s"}, msgid


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_file_is_the_written_one(language):
    folder = LOCALE / language / "LC_MESSAGES"
    with (folder / "django.mo").open("rb") as compiled:
        catalog = gettext.GNUTranslations(compiled)._catalog
    said = {(k if isinstance(k, str) else k[0]): text for k, text in catalog.items() if k}
    assert said == {k: text for k, (text, _) in read_po(folder / "django.po").items()}


def test_the_scripts_hold_no_words_of_their_own():
    scripts = "".join(p.read_text() for p in (ROOT / "static" / "js").glob("a*.js"))
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", scripts, flags=re.DOTALL)
    assert not re.findall(r"textContent = [\"'`]", code)


# What an annotator's request can raise; the rest of the refusals is for researchers.
SEEN_BY_ANNOTATORS = ("comparisons/actions.py", "workers/actions.py", "risk/actions.py")


def refusals(path: Path) -> list[tuple[int, ast.expr]]:
    """The message of every refusal that a module raises, with its line."""
    raised = [n.exc for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Raise)]
    return [
        (call.lineno, call.args[0]) for call in raised if isinstance(call, ast.Call) and call.args
    ]


@pytest.mark.parametrize("module", SEEN_BY_ANNOTATORS)
def test_every_refusal_that_an_annotator_can_read_is_marked_for_translators(module):
    found = refusals(ROOT / "platform" / "jeoul" / module)
    assert found
    plain = [line for line, message in found if isinstance(message, ast.Constant | ast.JoinedStr)]
    assert plain == []

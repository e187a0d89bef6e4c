"""What refuses something with a value in it can be said in the reader's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import override
from jeoul.analysis import errors as analysis_errors
from jeoul.refusals import REFUSALS, in_words
from jeoul.results.dressing import said_in_parts
from jeoul.results.reasons import REASONS
from jeoul.saying import percent
from jeoul.studies.importing import BadRow, BadRows

from tasks.management.commands.messages import refusals

ROOT = Path(__file__).resolve().parents[2]
ANALYSIS = ROOT / "platform" / "jeoul" / "analysis"
HANGUL = re.compile("[가-힣]")
# A helper that makes a refusal of a text, and a class that gives its own.
MAKERS = {"_bad", "__init__"}
# Arrays that contradict themselves are a mistake of ours, which no page shows.
ANALYSIS_ERRORS = {
    name
    for name, kind in vars(analysis_errors).items()
    if isinstance(kind, type)
    and issubclass(kind, analysis_errors.AnalysisError)
    and kind is not analysis_errors.BrokenVotes
}


def with_holes(text: ast.expr) -> str:
    """A text put together of values, as {} for each of them."""
    if isinstance(text, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in text.values
        )
    return str(text.value) if isinstance(text, ast.Constant) else ""


def told_by(paths: list[Path], names: set[str]) -> Iterator[tuple[str, int, str]]:
    """Every sentence that is given to one of these errors, with its place."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for text in map(with_holes, node.args if name in names else []):
                if " " in text:
                    yield path.name, node.lineno, text


def open_texts(texts: tuple[str, ...]) -> set[str]:
    return {re.sub(r"\{\w+\}", "{}", text) for text in texts}


def test_every_refusal_with_a_value_is_known():
    doors = [
        path
        for top in ("annotation", "platform/jeoul")
        for path in (ROOT / top).rglob("*.py")
        if not {"migrations", "analysis", "postgres"} & set(path.parts)
        and path.name not in {"local.py", "supervisor.py", "local_llm.py"}
    ]
    told = [t for t in told_by(doors, set(refusals()) | MAKERS) if "{}" in t[2]]
    assert len(told) > 60
    known = open_texts(REFUSALS) | {"{}: {}", "{}{}"}
    # The rows and what is left of them are known apart, and a template writes its own braces.
    plain = [text.replace("{}{}.", "{}.").replace("{{}}", "{}") for _file, _line, text in told]
    assert [t for t, text in zip(told, plain, strict=True) if text not in known] == []


def test_every_refusal_of_the_analysis_is_known():
    told = list(told_by(sorted(ANALYSIS.glob("*.py")), ANALYSIS_ERRORS | {"__init__"}))
    assert len(told) > 50
    # A method that had not converged is named without a full stop.
    sentences = [t for t in told if t[2].endswith(".")]
    assert [t for t in sentences if t[2] not in open_texts(REASONS)] == []


@pytest.mark.parametrize(("texts", "say"), [(REFUSALS, in_words), (REASONS, said_in_parts)])
def test_each_is_said_in_the_readers_language_with_its_values(texts, say):
    with override("ko"):
        for text in texts:
            filled = re.sub(r"\{(\w+)\}", r"'\1 7'", text)
            words = say(filled)
            assert HANGUL.search(words), text
            assert set(re.findall(r"'\w+ 7'", words)) == set(re.findall(r"'\w+ 7'", filled))
    with override("en"):
        assert [say(text) for text in texts] == list(texts)


def test_a_stored_refusal_names_its_rows_and_leaves_a_providers_words():
    rows = [BadRow(at, "prompt", "is missing") for at in range(2, 9)]
    rows[1] = BadRow(3, "system_b", "is the same as system_a; a comparison needs two systems")
    stored = BadRows(rows).message
    with override("ko"):
        words = in_words(stored)
        assert words.startswith(
            "잘못된 행 7개가 있어 아무것도 가져오지 않았습니다: 행 2: prompt: 없습니다; 행 3"
        )
        assert "system_a와 같습니다. 비교에는 시스템이 둘 필요합니다; 행 4" in words
        assert "그 밖에 2개. 고치거나" in words
        assert in_words("http_429: Slow down.") == "http_429: Slow down."
        assert in_words("bad_answer: The provider's answer holds no text at 'x'.").endswith(
            "제공자의 답에는 'x'에 텍스트가 없습니다."
        )
        assert in_words("") == ""


def test_a_share_is_written_as_the_reader_writes_it():
    with override("en"):
        assert percent(0.573) == "57 %"
    with override("ko"):
        assert percent(0.573, 1) == "57.3%"
        assert percent(None) == "–"


def test_korean_writes_no_space_before_a_percent_sign():
    po = (ROOT / "platform/jeoul/locale/ko/LC_MESSAGES/django.po").read_text()
    assert re.findall(r"^msgstr .*[0-9sd}] %(?:%|[^(a-z])", po, re.MULTILINE) == []

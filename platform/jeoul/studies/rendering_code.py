"""Highlighted code: Pygments with classes, for a fixed list of languages and a bounded length."""

import re
from functools import cache
from html import escape
from typing import Final

from pygments import lex
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, Comment, Token, _TokenType

#: Some lexers are slow on hostile text; past this length code is shown without colours.
MAX_CODE: Final = 12_000
#: All highlighted code of one answer together: a thousand short blocks cost as much as one long.
MAX_CODE_TOTAL: Final = 60_000

# What people write after ``` → the Pygments lexer. Never looked up by the answer's own words: a
# lexer is code with regular expressions, and only these have been run against the hostile corpus.
_LANGUAGES: Final[dict[str, str]] = {
    "bash": "bash",
    "c": "c",
    "c#": "csharp",
    "c++": "cpp",
    "cpp": "cpp",
    "cs": "csharp",
    "csharp": "csharp",
    "css": "css",
    "dart": "dart",
    "diff": "diff",
    "docker": "docker",
    "dockerfile": "docker",
    "go": "go",
    "golang": "go",
    "haskell": "haskell",
    "html": "html",
    "ini": "ini",
    "java": "java",
    "javascript": "javascript",
    "js": "javascript",
    "json": "json",
    "jsx": "javascript",
    "kotlin": "kotlin",
    "latex": "tex",
    "lua": "lua",
    "make": "make",
    "makefile": "make",
    "php": "php",
    "powershell": "powershell",
    "py": "python",
    "python": "python",
    "python3": "python",
    "r": "r",
    "rb": "ruby",
    "ruby": "ruby",
    "rs": "rust",
    "rust": "rust",
    "scala": "scala",
    "sh": "bash",
    "shell": "bash",
    "sql": "sql",
    "swift": "swift",
    "tex": "tex",
    "toml": "toml",
    "ts": "typescript",
    "tsx": "typescript",
    "typescript": "typescript",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
    "zsh": "bash",
}
#: What `data-lang` may say.
LANGUAGE_NAMES: Final = frozenset(_LANGUAGES.values())

#: The classes a highlighted span may carry; the sanitiser removes every other one.
CODE_CLASSES: Final = frozenset(name for name in STANDARD_TYPES.values() if name)

_PLAIN: Final = (Token.Text, Token.Text.Whitespace, Token.Name, Token.Punctuation)
_WORD: Final = re.compile(r"[A-Za-z0-9#+]{1,12}")


def language_of(info: str) -> str:
    """The known language that an info string names, or an empty string."""
    match = _WORD.match(info.strip().lower())
    return _LANGUAGES.get(match.group(), "") if match else ""


def code_html(code: str, language: str) -> str:
    """Return the escaped code, with `<span class>` around tokens where the language is known."""
    if not language or len(code) > MAX_CODE or max(map(len, code.split("\n"))) > 2_000:
        return escape(code)
    pieces: list[str] = []
    for kind, value in lex(code, _lexer(language)):
        name = _class_of(kind)
        pieces.append(f'<span class="{name}">{escape(value)}</span>' if name else escape(value))
    return "".join(pieces)


def _lexer(language: str) -> Lexer:
    # A new one each time: some lexers keep state, and threads share this module.
    # Stripping or a newline at the end would change the answer's text.
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


@cache
def _class_of(kind: _TokenType) -> str:
    """The nearest standard class of a token; plain text gets none, which halves the markup."""
    if kind in _PLAIN or kind is Comment.Preproc.Whitespace:
        return ""
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")

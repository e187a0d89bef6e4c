"""Markdown-it as this project uses it: no raw HTML, no images, maths, and a bounded amount of work.

Work is counted ("fuel") rather than timed, so that the same text gives the same HTML on a slow
machine. A text that burns more than its fuel is shown as it was written.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.dollarmath import dollarmath_plugin

from jeoul.studies.rendering_code import MAX_CODE_TOTAL, code_html, language_of
from jeoul.studies.rendering_math import math_html, math_source

FUEL: Final = 300_000
MAX_TABLE_CELLS: Final = 8_000
MAX_MATHS_TOTAL: Final = 20_000
#: Deeper blocks are refused aloud; markdown-it's own limit, above ours, would drop their text.
MAX_DEPTH: Final = 40
_LIBRARY_DEPTH: Final = 60
#: Nobody reads a table of more columns; filling up its short rows is what costs.
MAX_COLUMNS: Final = 100
_SCHEMES: Final = ("http://", "https://", "mailto:")
# Each of these makes a rule look ahead, perhaps to the end of the paragraph.
_SEEKING: Final = frozenset("[!`$<*_~\\&")
_AUTO: Final = frozenset({"paragraph_open", "heading_open", "list_item_open", "blockquote_open"})
_ADOPTS_FIRST: Final = frozenset({"list_item_open", "blockquote_open"})


class TooMuchWorkError(RuntimeError):
    """The text is built to be slow; show it as it was written."""


def to_html(text: str) -> str:
    """Return unsanitised HTML of a Markdown text. Raises TooMuchWorkError."""
    return str(_PARSER.render(text, {"fuel": FUEL, "code": 0, "maths": 0}))


def _burn(env: EnvType, amount: int) -> None:
    env["fuel"] -= amount
    if env["fuel"] < 0:
        raise TooMuchWorkError


def _inline_fuel(state: StateInline, silent: bool) -> bool:
    """First of all inline rules: matches nothing, counts what is left to look through."""
    cost = 1
    if state.src[state.pos] in _SEEKING:
        cost += (state.posMax - state.pos) >> 6
    _burn(state.env, cost)
    return False


def _block_fuel(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """First of all block rules: matches nothing, counts, and refuses what is too deep or wide."""
    first, last = state.bMarks[start] + state.tShift[start], state.eMarks[start]
    if state.level >= MAX_DEPTH or state.src.count("|", first, last) > MAX_COLUMNS:
        raise TooMuchWorkError
    cost = 4 + state.level
    if state.src[first : first + 1] == ">":
        # A quotation looks through all lines that may belong to it, again at each level.
        cost += (end - start) * 2
    _burn(state.env, cost)
    return False


def _bracket_maths(state: StateInline, silent: bool) -> bool:
    r"""`\( … \)` and `\[ … \]`, which models write as often as dollars."""
    opening = state.src[state.pos : state.pos + 2]
    if opening not in ("\\(", "\\["):
        return False
    closing = "\\)" if opening == "\\(" else "\\]"
    end = state.src.find(closing, state.pos + 2, state.posMax)
    source = state.src[state.pos + 2 : end]
    if end < 0 or not source.strip():
        return False
    if not silent:
        kind = "math_inline" if opening == "\\(" else "math_inline_double"
        state.push(kind, "math", 0).content = source
    state.pos = end + 2
    return True


def _no_image(self: RendererHTML, tokens: Sequence[Token], idx: int, *rest: Any) -> str:
    """An image would tell its host who is looking, and may tell who wrote: show its words."""
    words = self.renderInlineAsText(tokens[idx].children, *rest) if tokens[idx].children else ""
    note = '<span class="no-image-note">image not shown</span>'
    return f'<span class="no-image">{note}{" " if words else ""}{escape(words)}</span>'


def _code(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[idx]
    language = language_of(token.info)
    env["code"] += len(token.content)
    body = code_html(token.content, language if env["code"] <= MAX_CODE_TOTAL else "")
    label = f' data-lang="{language}"' if language else ""
    # tabindex: a block that scrolls sideways must be reachable by keyboard.
    return f'<pre class="hl" dir="ltr" tabindex="0"{label}><code>{body}</code></pre>\n'


def _maths(display: bool) -> Callable[..., str]:
    def rule(
        self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        source = tokens[idx].content.strip()
        env["maths"] += len(source) + 20
        if env["maths"] > MAX_MATHS_TOTAL:
            return math_source(source, display=display)
        html = math_html(source, display=display)
        return f'<span class="math-block" tabindex="0">{html}</span>' if display else html

    return rule


def _table_open(self: RendererHTML, *rest: Any) -> str:
    # The frame scrolls, not the page; it is reachable by keyboard.
    return '<div class="md-table" tabindex="0"><table dir="auto">\n'


def _table_close(self: RendererHTML, *rest: Any) -> str:
    return "</table></div>\n"


def _dress(state: StateCore) -> None:
    """Demote headings, set directions, and turn alignment styles into classes."""
    previous: Token | None = None
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            # The page owns h1 and h2; an answer begins below its own heading.
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        if token.type in _AUTO and not (
            # `dir="auto"` looks past children with a `dir` of their own, so the first paragraph
            # of a list item must leave the decision to the item, or its bullet lands on the left.
            token.type == "paragraph_open" and previous and previous.type in _ADOPTS_FIRST
        ):
            token.attrs = {"dir": "auto"}
        if token.type in ("th_open", "td_open"):
            _dress_cell(token)
        if token.type == "ordered_list_open":
            _dress_list(token)
        previous = token


def _count_cells(state: StateCore) -> None:
    """Before the text of any cell is looked at: that is most of a table's work."""
    if sum(token.type in {"td_open", "th_open"} for token in state.tokens) > MAX_TABLE_CELLS:
        raise TooMuchWorkError


def _dress_cell(token: Token) -> None:
    align = str(token.attrs.get("style", "")).removeprefix("text-align:")
    token.attrs = {"class": f"ta-{align}"} if align in ("left", "center", "right") else {}
    if token.type == "td_open":
        # Header cells inherit: the table takes its direction from the first of them.
        token.attrs["dir"] = "auto"


def _dress_list(token: Token) -> None:
    start = token.attrs.get("start")
    token.attrs = {"start": start} if start is not None and len(str(start)) <= 6 else {}


def _safe_link(url: str) -> bool:
    """Only whole addresses: a relative one would lead into our own pages."""
    return url.strip().lower().startswith(_SCHEMES) and not any(map(str.isspace, url))


def _build() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _LIBRARY_DEPTH})
    parser.enable(["table", "strikethrough"])
    # The rules that read raw HTML are not merely refused by an option: they are not there.
    parser.disable(["html_block", "html_inline"])
    parser.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    parser.inline.ruler.before("text", "fuel", _inline_fuel)
    parser.inline.ruler.before("escape", "bracket_maths", _bracket_maths)
    parser.block.ruler.before("table", "fuel", _block_fuel)
    parser.core.ruler.before("inline", "cells", _count_cells)
    parser.core.ruler.push("dress", _dress)
    parser.validateLink = _safe_link  # type: ignore[method-assign]  # the library's own hook
    parser.add_render_rule("image", _no_image)
    parser.add_render_rule("fence", _code)
    parser.add_render_rule("code_block", _code)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    parser.add_render_rule("math_inline", _maths(display=False))
    parser.add_render_rule("math_inline_double", _maths(display=True))
    parser.add_render_rule("math_block", _maths(display=True))
    return parser


_PARSER: Final = _build()

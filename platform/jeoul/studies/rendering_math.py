"""LaTeX maths to MathML without script: bounded, and written out by our own serializer.

latex2mathml's `convert` un-escapes its own output, so an escaped `<img>` inside a formula's text
would leave it as a tag. We take its element tree instead and write it ourselves from an allow-list.
What cannot be shown faithfully and safely is shown as its source.
"""

import re
from html import escape
from typing import Final, Protocol

from latex2mathml.converter import convert_to_element

MAX_SOURCE: Final = 1_500
MAX_DEPTH: Final = 24
MAX_NODES: Final = 2_000

#: Every element we write, with the attributes it may carry. No annotation, no maction, no href.
MATHML: Final[dict[str, frozenset[str]]] = {
    "math": frozenset({"display", "alttext"}),
    "mrow": frozenset(),
    "mi": frozenset({"mathvariant"}),
    "mn": frozenset({"mathvariant"}),
    "mo": frozenset(
        {
            "stretchy",
            "fence",
            "form",
            "separator",
            "movablelimits",
            "largeop",
            "minsize",
            "maxsize",
            "lspace",
            "rspace",
            "accent",
            "mathvariant",
        }
    ),
    "mtext": frozenset({"mathvariant"}),
    "mspace": frozenset({"width", "height", "depth"}),
    "mfrac": frozenset({"linethickness"}),
    "msqrt": frozenset(),
    "mroot": frozenset(),
    "mstyle": frozenset({"displaystyle", "scriptlevel"}),
    "mpadded": frozenset({"width", "height", "depth", "lspace", "voffset"}),
    "mphantom": frozenset(),
    "menclose": frozenset({"notation"}),
    "msub": frozenset(),
    "msup": frozenset(),
    "msubsup": frozenset(),
    "munder": frozenset({"accentunder"}),
    "mover": frozenset({"accent"}),
    "munderover": frozenset({"accent", "accentunder"}),
    "mmultiscripts": frozenset(),
    "mprescripts": frozenset(),
    "mtable": frozenset(),
    "mtr": frozenset(),
    "mtd": frozenset({"class"}),
}
MATH_CELL_CLASSES: Final = frozenset({"ta-left", "ta-center", "ta-right"})

# Definitions can grow without bound (a few lines of \def make a gigabyte); the others carry links,
# styles or sizes that reach out of the box. An answer that uses them is shown as its source.
_REFUSED: Final = re.compile(
    r"\\(?:(?:re|provide)?newcommand|providecommand|[egx]?def|let|newenvironment|"
    r"DeclareMathOperator|require|class|style|href|unicode|rule|raise|lower|moveleft|moveright|"
    r"h?skip|[hmv]?kern|hspace|mspace|skew|color|colorbox|fcolorbox|textcolor)(?![A-Za-z])"
)
_KEYWORDS: Final = re.compile(r"[a-z]{1,12}(?:-[a-z]{1,12}){0,2}(?: [a-z]{1,20}){0,2}|[01]")
_LENGTH: Final = re.compile(r"[+-]?(?:\d{0,1}\.\d{1,4}|\d{1,2})(?:em|ex|px|pt|mu)?|100%|120%|0%")
_REFERENCE: Final = re.compile(r"&#x0*([0-9A-Fa-f]{1,6});")


class _Element(Protocol):
    """The part of ElementTree's element that is read here."""

    tag: str
    text: str | None
    attrib: dict[str, str]

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> "_Element": ...


class UnfitMathError(ValueError):
    """This formula cannot be written as safe MathML; show its source."""


def math_html(source: str, *, display: bool) -> str:
    """Return MathML for a LaTeX formula, or its escaped source where that is not possible."""
    try:
        return _mathml(source.strip(), display=display)
    except Exception:  # latex2mathml raises a dozen own and builtin types on bad LaTeX
        return math_source(source, display=display)


def math_source(source: str, *, display: bool) -> str:
    """Return the formula as its author wrote it, between its dollars."""
    fence = "$$" if display else "$"
    return f'<code class="math-source" dir="ltr">{fence}{escape(source)}{fence}</code>'


def _mathml(source: str, *, display: bool) -> str:
    _check(source)
    root = convert_to_element(source, display="block" if display else "inline")
    parts: list[str] = []
    _write(root, parts, depth=0)
    # The source is what a screen reader without MathML reads and what a person copies.
    opening = f'<math display="{"block" if display else "inline"}" alttext="{escape(source)}">'
    return opening + "".join(parts[1:])


def _check(source: str) -> None:
    if not source or len(source) > MAX_SOURCE:
        raise UnfitMathError("empty or too long")
    if _REFUSED.search(source):
        raise UnfitMathError("uses a refused command")
    depth = 0
    for character in source:
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise UnfitMathError("nested too deeply")
    if source.count(r"\left") > MAX_DEPTH or source.count(r"\begin") > MAX_DEPTH:
        raise UnfitMathError("nested too deeply")


def _write(element: _Element, parts: list[str], *, depth: int) -> None:
    tag = element.tag
    allowed = MATHML.get(tag)
    if allowed is None or depth > 4 * MAX_DEPTH or len(parts) > 3 * MAX_NODES:
        raise UnfitMathError(tag)
    parts.append(f"<{tag}{_attributes(element, allowed)}>")
    if element.text:
        parts.append(escape(_resolve(element.text)))
    for index in range(len(element)):
        _write(element[index], parts, depth=depth + 1)
    parts.append(f"</{tag}>")


def _attributes(element: _Element, allowed: frozenset[str]) -> str:
    written = []
    for name, value in element.attrib.items():
        if name == "columnalign" and f"ta-{value}" in MATH_CELL_CLASSES and "class" in allowed:
            # Browsers follow MathML Core, which aligns by CSS only.
            written.append(f' class="ta-{value}"')
        elif name in allowed and (_KEYWORDS.fullmatch(value) or _LENGTH.fullmatch(value)):
            written.append(f' {name}="{value}"')
    return "".join(written)


def _resolve(text: str) -> str:
    """The character references that latex2mathml leaves in its texts, as characters."""

    def character(match: re.Match[str]) -> str:
        code = int(match.group(1), 16)
        if code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            return "\ufffd"
        return "\ufffd" if 0x202A <= code <= 0x202E else chr(code)

    return _REFERENCE.sub(character, text)

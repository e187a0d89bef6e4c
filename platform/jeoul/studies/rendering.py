"""From a model's words to HTML that may stand on a page: the one place where that happens.

Model output is hostile input. It goes through three walls: its characters are made visible, the
Markdown reader knows no raw HTML, no images and no scripts, and what comes out is sanitised once
more by an allow-list. The strict Content-Security-Policy of the pages is the fourth.
Rendering is pure and never raises; the result is stored with `RENDERER_VERSION`.
"""

from html import escape
from typing import Final

import nh3

from jeoul.studies.rendering_code import CODE_CLASSES, LANGUAGE_NAMES
from jeoul.studies.rendering_markdown import to_html
from jeoul.studies.rendering_math import MATH_CELL_CLASSES, MATHML
from jeoul.studies.rendering_text import visible_text

#: Raise it with every change that alters the HTML of any text: stored renderings carry it.
RENDERER_VERSION: Final[str] = "1"

#: Longer texts are shown as they are: Markdown of this size is a list of data or an attack.
MAX_MARKDOWN: Final = 80_000

_CLASSES: Final[dict[str, frozenset[str]]] = {
    "pre": frozenset({"hl", "raw"}),
    "code": frozenset({"math-source"}),
    "div": frozenset({"md-table"}),
    "span": CODE_CLASSES | {"math-block", "no-image", "no-image-note"},
    "th": MATH_CELL_CLASSES,
    "td": MATH_CELL_CLASSES,
    "mtd": MATH_CELL_CLASSES,
}
_TAGS: Final = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li",
    "em", "strong", "s", "code", "pre", "a", "span", "div",
    "table", "thead", "tbody", "tr", "th", "td",
    *MATHML,
}  # fmt: skip
_DIRECTED: Final = ("p", "h3", "h4", "h5", "h6", "blockquote", "li", "td", "table")
# "class" is left out of the attributes on purpose: nh3 keeps only the classes listed above.
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    **{tag: set(names - {"class"}) for tag, names in MATHML.items()},
    "a": {"href"},
    "ol": {"start"},
}
_VALUES: Final[dict[str, dict[str, set[str]]]] = {
    **{tag: {"dir": {"auto"}} for tag in _DIRECTED},
    "pre": {"dir": {"auto", "ltr"}, "tabindex": {"0"}, "data-lang": set(LANGUAGE_NAMES)},
    "code": {"dir": {"ltr"}},
    "div": {"tabindex": {"0"}},
    "span": {"tabindex": {"0"}},
}

_CLEANER: Final = nh3.Cleaner(
    tags=_TAGS,
    # Nothing of these ever leaves the Markdown reader; were it to, their content goes too.
    clean_content_tags={"script", "style", "template", "noscript", "iframe", "textarea", "title"},
    attributes=_ATTRIBUTES,
    tag_attribute_values=_VALUES,
    set_tag_attribute_values={"a": {"target": "_blank"}},
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    allowed_classes={tag: set(names) for tag, names in _CLASSES.items()},
    strip_comments=True,
)


def render_markdown(text: str) -> str:
    """Return safe HTML of a Markdown text; a text that cannot be rendered is shown raw."""
    try:
        shown = visible_text(text)
        if len(shown) <= MAX_MARKDOWN:
            html = _CLEANER.clean(to_html(shown))
            # A text of link definitions alone renders to nothing; nothing is not what was said.
            if html.strip() or not shown.strip():
                return html
    except Exception:  # noqa: S110  # whatever a hostile text breaks, the person still reads it
        pass
    return render_plain(text)


def render_plain(text: str) -> str:
    """Return the text as it was written, escaped, in a `<pre class="raw">`."""
    shown = escape(visible_text(text), quote=False)
    # The HTML parser eats one newline after <pre>; the text keeps its own.
    return f'<pre class="raw" dir="auto" tabindex="0">\n{shown}</pre>'

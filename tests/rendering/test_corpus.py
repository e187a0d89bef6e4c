"""Hostile answers come out as harmless HTML, quickly, with their words still to be read."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.studies.rendering import render_markdown, render_plain

from tests.rendering.corpus import CORPUS

_TAGS = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "em", "strong", "s",
    "code", "pre", "a", "span", "div", "table", "thead", "tbody", "tr", "th", "td",
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle",
    "mpadded", "mphantom", "menclose", "msub", "msup", "msubsup", "munder", "mover", "munderover",
    "mmultiscripts", "mprescripts", "mtable", "mtr", "mtd",
}  # fmt: skip
_ATTRIBUTES = {
    "class", "dir", "href", "rel", "target", "start", "tabindex", "data-lang", "display",
    "alttext", "mathvariant", "stretchy", "fence", "form", "separator", "movablelimits",
    "largeop", "minsize", "maxsize", "lspace", "rspace", "accent", "accentunder", "width",
    "height", "depth", "voffset", "linethickness", "displaystyle", "scriptlevel", "notation",
}  # fmt: skip
_VOID = {"br", "hr", "mspace", "mprescripts"}


class _Judge(HTMLParser):
    """Reads HTML as a browser would and notes everything that an answer may not have."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in _TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            # A link's title is shown as plain text on hover, and nothing else.
            if name not in _ATTRIBUTES and (tag, name) != ("a", "title"):
                self.wrong.append(f"<{tag} {name}={value}>")
            if name == "href" and not re.match(r"(https?://|mailto:)", value or "", re.I):
                self.wrong.append(f"href={value}")
        given = dict(attrs)
        if tag == "a" and (
            given.get("rel") != "noopener noreferrer nofollow" or given.get("target") != "_blank"
        ):
            self.wrong.append(f"<a> without its guards: {given}")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes what it did not open")

    def handle_comment(self, data):
        self.wrong.append("a comment")


def what_is_wrong(html: str) -> list[str]:
    judge = _Judge()
    judge.feed(html)
    judge.close()
    return judge.wrong + [f"<{tag}> stays open" for tag in judge.open if tag not in {"p", "li"}]


def test_the_corpus_is_large():
    assert len(set(CORPUS)) >= 200


def seconds(render, text):
    """Of this thread alone; a busy neighbour still slows it, so the best of some is taken."""
    begun = time.thread_time()
    render(text)
    return time.thread_time() - begun


@pytest.mark.parametrize("render", [render_markdown, render_plain])
@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_a_hostile_answer_comes_out_harmless_and_soon(number, render):
    text = CORPUS[number]
    assert min(seconds(render, text) for _ in range(3)) < 1, text[:80]
    html = render(text)
    assert what_is_wrong(html) == [], text[:80]
    assert html.strip() or not text.strip()


@pytest.mark.parametrize("text", CORPUS[:60])
def test_the_words_of_an_attack_can_still_be_read(text):
    """An answer about HTML is an honest answer: nothing of it is swallowed."""
    if "pwned" in text:
        assert "pwned" in render_markdown(text)
        assert "pwned" in render_plain(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!#|-=:/\\$\n\t abc1{}~.\x00\u202e한م")))
def test_any_mix_of_signs_comes_out_harmless(text):
    assert what_is_wrong(render_markdown(text)) == []


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_raw_text_is_the_text(text):
    class Words(HTMLParser):
        words = ""

        def handle_data(self, data):
            self.words += data

    reader = Words(convert_charrefs=True)
    reader.feed(render_plain(text))
    reader.close()
    if not re.search(r"[^\n\t\x20-\x7e가-힣]", text):
        assert reader.words == f"\n{text}"


def test_the_same_text_gives_the_same_html():
    for text in CORPUS[:80]:
        assert render_markdown(text) == render_markdown(text)

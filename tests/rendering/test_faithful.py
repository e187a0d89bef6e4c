"""Honest answers look as their authors meant them, in every script and direction."""

import pytest
from jeoul.studies.rendering import render_markdown, render_plain


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("# One\n\n## Two", ["<h3", "One</h3>", "<h4", "Two</h4>"]),
        ("**a** *b* ~~c~~ `d`", ["<strong>a", "<em>b", "<s>c", "<code>d"]),
        ("- a\n- b", ["<ul>", "<li"]),
        ("3. a\n4. b", ['<ol start="3">']),
        ("> said", ["<blockquote"]),
        ("a\n\n---\n\nb", ["<hr>"]),
        ("|a|b|\n|:-|-:|\n|1|2|", ["<table", "<thead>", 'class="ta-left"', 'class="ta-right"']),
        ("<https://a.example>", ['href="https://a.example"', 'rel="noopener noreferrer nofollow"']),
        ("```python\ndef f(): pass\n```", ['data-lang="', '<span class="k">def</span>']),
        ("```nosuch\n<b>\n```", ["&lt;b&gt;"]),
        ("$x^2$", ["<math", "<msup>"]),
        ("$$\\frac{a}{b}$$", ["<mfrac>", 'display="block"']),
        ("\\(a\\) and \\[b\\]", ["<math"]),
        ("costs $5 and $6", ["$5 and $6"]),
        ("$\\nosuchthing{$", ["\\nosuchthing"]),
        ("![a cat](https://a.example/c.png)", ["image not shown", "a cat"]),
        ("1 < 2 && 3 > 2", ["1 &lt; 2 &amp;&amp; 3 &gt; 2"]),
        ("<b>not bold</b>", ["&lt;b&gt;not bold&lt;/b&gt;"]),
    ],
)
def test_markdown(text, parts):
    html = render_markdown(text)
    for part in parts:
        assert part in html, html


@pytest.mark.parametrize(
    "text",
    [
        "안녕하세요. 저울입니다.",
        "你好，世界。",
        "日本語の文章",
        "שלום עולם",
        "مرحبا بالعالم",
        "ไทย",
        "😀👍🏽",
    ],
)
def test_every_script_is_kept_and_finds_its_own_direction(text):
    html = render_markdown(text)
    assert text in html
    assert 'dir="auto"' in html
    assert text in render_plain(text)
    assert 'dir="auto"' in render_plain(text)


def test_emphasis_beside_korean_letters():
    """CommonMark's rule of flanking leaves such stars standing; at least nothing is lost."""
    html = render_markdown("**저울(scale)**은 무게를 잰다.")
    assert "저울(scale)" in html
    assert "은 무게를 잰다." in html


def test_code_is_always_left_to_right():
    assert '<pre class="hl" dir="ltr"' in render_markdown("```\nمرحبا\n```")


def test_scrolling_frames_are_reached_by_keyboard():
    assert 'class="md-table" tabindex="0"' in render_markdown("|a|\n|-|\n|1|")
    assert 'tabindex="0"' in render_markdown("```\nx\n```")


def test_both_sides_of_a_pair_get_the_same_frame():
    """A renderer that dressed systems differently would tell them apart."""
    assert render_markdown("a") == '<p dir="auto">a</p>\n'
    assert render_plain("a") == '<pre class="raw" dir="auto" tabindex="0">\na</pre>'


def test_raw_text_shows_what_markdown_hides():
    text = "**a** [b](https://a.example)\n\n[c]: https://hidden.example"
    assert "https://hidden.example" not in render_markdown(text)
    assert "[c]: https://hidden.example" in render_plain(text)

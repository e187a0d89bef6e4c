"""Charts in the reader's words and theme, from the one drawing that is stored."""

from django.utils.translation import override
from jeoul.results.dressing import for_both_themes, in_words_of_the_reader, said

SVG = (
    '<svg width="9"><rect fill="white"/><text x="1">First wins</text>'
    "<text>a &amp; b against c (n = 12)</text><text>10%</text></svg>"
)


def test_a_charts_words_are_the_readers_and_names_stay_as_they_are():
    with override("en"):
        assert in_words_of_the_reader(SVG) == SVG
    with override("ko"):
        words = in_words_of_the_reader(SVG)
        assert '<text x="1">첫째 승</text>' in words
        assert "<text>a &amp; b 대 c (n = 12)</text><text>10%</text>" in words
        assert said("Win rate of the first: a against b") == "첫째의 승률: a 대 b"
        few = said("Only 12 prompts and 19 workers: under 30 the interval is approximate.")
        assert "12개" in few
        assert "19명" in few
        assert said("a name of somebody's own") == "a name of somebody's own"


def test_a_chart_follows_the_theme_of_its_reader():
    dressed = for_both_themes(SVG)
    assert dressed.startswith('<svg width="9"><style>')
    assert "prefers-color-scheme: dark" in dressed

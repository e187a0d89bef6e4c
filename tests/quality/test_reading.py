"""How long texts take to read, in each script and in mixtures."""

import pytest
from jeoul.quality.reading import (
    CHINESE_PER_MINUTE,
    KANA_HANGUL_PER_MINUTE,
    WORDS_PER_MINUTE,
    reading_seconds,
)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("", 0),
        ("... !? — 。、", 0),
        ("one two three", 3 / WORDS_PER_MINUTE),
        ("one, two;\nthree?", 3 / WORDS_PER_MINUTE),
        ("naïve Zürich Привет", 3 / WORDS_PER_MINUTE),
        ("한국어 문장", 5 / KANA_HANGUL_PER_MINUTE),
        ("我喜欢读书", 5 / CHINESE_PER_MINUTE),
        ("ひらがな", 4 / KANA_HANGUL_PER_MINUTE),
        # Han characters inside Japanese or Korean text are read at that text's rate.
        ("日本語です", 5 / KANA_HANGUL_PER_MINUTE),
        ("大韓民國은", 5 / KANA_HANGUL_PER_MINUTE),
        ("Python 코드", 1 / WORDS_PER_MINUTE + 2 / KANA_HANGUL_PER_MINUTE),
        ("用Python写", 1 / WORDS_PER_MINUTE + 2 / CHINESE_PER_MINUTE),
        ("GPT가 좋다", 1 / WORDS_PER_MINUTE + 3 / KANA_HANGUL_PER_MINUTE),
    ],
)
def test_each_script_at_its_rate(text, minutes):
    assert reading_seconds(text) == pytest.approx(60 * minutes)


def test_a_page_of_english_takes_a_minute():
    assert reading_seconds("word " * 238) == pytest.approx(60)


def test_joining_two_texts_adds_their_times():
    korean, english = "긴 글을 읽는다. ", "A long text to read. "
    assert reading_seconds(korean + english) == pytest.approx(
        reading_seconds(korean) + reading_seconds(english)
    )

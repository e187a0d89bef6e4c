"""Every step of every scale is stored as it was meant, whichever side a system is on."""

import pytest
from django.http import QueryDict
from jeoul.studies.models import A_WINS, B_WINS, BOTH_BAD, SCALES, TIE, Criterion

from annotation.item import language_of
from annotation.scales import both_bad_step, read_answers, shown_steps, to_outcome, to_value

STEPS = [
    (scale, step)
    for scale in SCALES
    for step in [*shown_steps(scale), *filter(None, [both_bad_step(scale)])]
]


@pytest.mark.parametrize(("scale", "step"), STEPS, ids=lambda v: getattr(v, "value", v))
@pytest.mark.parametrize("a_on_left", [True, False])
def test_a_step_is_stored_as_its_words_say(scale, step, a_on_left):
    outcome, grade = to_outcome(step.value, a_on_left=a_on_left)
    words = str(step.label)
    left, right = (A_WINS, B_WINS) if a_on_left else (B_WINS, A_WINS)
    said = left if "Answer 1" in words else right if "Answer 2" in words else TIE
    assert outcome == (BOTH_BAD if "bad" in words else said)
    assert (outcome, grade) in {(s.outcome, s.grade) for s in SCALES[scale]}
    degree = 3 if scale == 7 else 2
    if grade:
        loud = "much" in words
        assert (abs(grade) == degree) == (loud and scale in {5, 7})
    # And it comes back as the same step, for "change my last answer".
    assert to_value(scale, outcome, grade, a_on_left=a_on_left) == step.value


@pytest.mark.parametrize("scale", list(SCALES))
def test_each_scale_offers_all_its_steps_once_with_a_key_of_their_own(scale):
    steps = [*shown_steps(scale), *filter(None, [both_bad_step(scale)])]
    stored = [to_outcome(step.value, a_on_left=True) for step in steps]
    assert sorted(stored, key=str) == sorted(((s.outcome, s.grade) for s in SCALES[scale]), key=str)
    keys = [step.kbd for step in steps]
    assert len(set(keys)) == len(keys)
    assert set(keys) <= set("01234567")


@pytest.mark.parametrize("value", ["10", "", "FIRST", "3", "first ", "0\x00"])
def test_what_is_no_step_is_refused_never_stored_as_another(value):
    criterion = Criterion(key="overall", name="Overall", question="?", scale=3)
    posted = QueryDict(mutable=True)
    posted["choice_overall"] = value
    said, errors = read_answers([criterion], posted, a_on_left=True)
    assert said == []
    assert "overall" in errors


@pytest.mark.parametrize(
    ("text", "asked_in", "spoken"),
    [
        ("An answer.", "ko", "ko"),
        ("저울은 무게를 재는 도구입니다.", "en", "ko"),
        ("はかりは重さをはかる道具です。", "en", "ja"),
        ("天平是称重的工具。", "en", "zh"),
        ("ترازو ابزاری برای وزن کردن است", "fa", "fa"),
        ("الميزان أداة", "en", "ar"),
        ("Weegschaal – een werktuig", "nl", "nl"),
        ("The word 저울 means a pair of scales in Korean.", "en", "en"),
        ("12 + 30 = 42 ✓", "en", "en"),
        ("", "en", "en"),
    ],
)
def test_an_answer_is_read_out_in_the_language_of_its_script(text, asked_in, spoken):
    assert language_of(text, asked_in) == spoken

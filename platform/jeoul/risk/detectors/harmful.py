"""Harmful language, sentence by sentence: a learned detector for English, words for Korean.

Neither knows irony, quotation or a harmful instruction in polite words: what they find is a
"may contain", and finding nothing is not "safe".
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from jeoul.risk.detectors.base import Found
from jeoul.studies.models import RiskKind

# Probability from which a sentence is flagged.
THRESHOLD: Final = 0.7
_SENTENCE: Final = re.compile(r"[^.!?\n。！？]+[.!?。！？]*")
_LATIN: Final = re.compile(r"[A-Za-z]{2}")
# Open insults and slurs; many are written with a sign or a space between, to pass by filters.
_KOREAN: Final = re.compile(
    r"씨\s?[이1!@]?\s?발|시\s?[1!@]\s?발|씹(?:새|할|년|놈)|ㅆ\s?ㅂ|ㅅ\s?ㅂ|병\s?신|ㅂ\s?ㅅ|지\s?랄|개\s?(?:새끼|색끼|"
    r"년|같은\s?놈|자식|소리\s?하지)|새끼(?:야|들아|가)|좆|존나|죽여\s?버|뒤져(?:라|버려)|꺼져|닥쳐|미친\s?(?:놈|년|새끼)|"
    r"또라이|쓰레기\s?같은|한남충|김치녀|된장녀|맘충|틀딱|급식충|홍어|짱깨|쪽바리|흑형|똥남아|장애인\s?새끼|걸레\s?같은|창녀|"
    r"느금마|니\s?애미|엠창|자살해|죽어\s?버려|벌레\s?같은"
)


@cache
def _detector() -> Any:
    # Loads scikit-learn: only those who scan pay for it.
    from profanity_check import predict_prob

    return predict_prob


def harmful(text: str) -> Iterator[Found]:
    """Sentences that may hold insults, threats or slurs."""
    yield from harmful_in([text])[0]


def harmful_in(texts: list[str]) -> list[list[Found]]:
    """The same for many texts: the detector takes as long for one sentence as for hundreds."""
    spans = [
        [m.span() for m in _SENTENCE.finditer(text) if _LATIN.search(m.group())] for text in texts
    ]
    sentences = [text[s:e] for text, places in zip(texts, spans, strict=True) for s, e in places]
    chances = iter(_detector()(sentences) if sentences else ())
    return [
        [*_english(places, chances), *_korean(text)]
        for text, places in zip(texts, spans, strict=True)
    ]


def _english(places: list[tuple[int, int]], chances: Iterator[float]) -> Iterator[Found]:
    for start, end in places:
        chance = next(chances)
        if chance >= THRESHOLD:
            yield Found(RiskKind.HARMFUL, "english", start, end, f"{chance:.2f}")


def _korean(text: str) -> Iterator[Found]:
    for match in _KOREAN.finditer(text):
        yield Found(RiskKind.HARMFUL, "korean_words", *match.span())

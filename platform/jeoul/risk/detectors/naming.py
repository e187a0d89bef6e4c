"""Answers that say which model wrote them, in English and Korean."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from jeoul.risk.detectors.base import Found
from jeoul.studies.models import RiskKind

_MODEL: Final = (
    r"(?:chat\s?gpt(?:[-\s]?[345]\w*)?|gpt[-\s]?(?:3(?:\.5)?|4o?|4\.\d|5)(?:[-\s](?:turbo|mini|nano))?"
    r"|claude(?:[-\s]?(?:\d(?:\.\d)?|opus|sonnet|haiku|instant))*|gemini(?:[-\s]?(?:\d(?:\.\d)?|pro|"
    r"ultra|flash))*|google bard|bard|llama[-\s]?[234](?:\.\d)?|mi[sx]tral(?:[-\s]?\w+)?|qwen[-\s]?\d?"
    r"(?:\.\d)?|deep\s?seek(?:[-\s]?[vr]\d)?|grok(?:[-\s]?\d)?|gemma[-\s]?\d?|smollm\d?|copilot"
    r"|hyper\s?clova(?:[-\s]?x)?|clova\s?x|exaone(?:[-\s]?\d)?|kimi|ernie bot|falcon[-\s]?\d+b"
    r"|vicuna|alpaca|dolly|koala|stablelm|command[-\s]r\+?|phi[-\s]?[234])"
)
_VENDOR: Final = (
    r"(?:open\s?ai|anthropic|google(?:\s+(?:ai|deepmind))?|deepmind|meta(?:\s+ai)?|mistral(?:\s+ai)?"
    r"|alibaba(?:\s+cloud)?|deepseek(?:\s+ai)?|x\.?ai|microsoft|naver|lg(?:\s+ai\s+research)?|upstage"
    r"|kakao|moonshot(?:\s+ai)?|hugging\s?face|cohere|baidu|tencent|zhipu(?:\s+ai)?|stability\s?ai)"
)
_MODEL_KO: Final = (
    r"(?:챗\s?(?:지피티|gpt)|지피티|클로드|제미나이|제미니|바드|라마\s?[234]|하이퍼\s?클로바(?:\s?x|\s?엑스)?"
    r"|클로바\s?(?:x|엑스)|엑사원|큐원|딥시크|그록|코파일럿|솔라\s?(?:프로|미니))"
)
_VENDOR_KO: Final = (
    r"(?:오픈\s?(?:ai|에이아이)|앤(?:스|트)로픽|구글(?:\s?딥마인드)?|메타|네이버|카카오|엘지|마이크로소프트"
    r"|업스테이지|알리바바|딥시크|미스트랄)"
)
_ANY_MODEL: Final = f"(?:{_MODEL}|{_MODEL_KO})"
_ANY_VENDOR: Final = f"(?:{_VENDOR}|{_VENDOR_KO})"
_MADE: Final = r"(?:trained|created|developed|made|built|designed|fine[-\s]?tuned|powered|provided)"
# A name ends at a boundary, or at a Korean particle that is written onto it.
_END: Final = r"(?![a-z0-9])"

RULES: Final = (
    ("as_model", rf"\bas\s+(?:an?\s+|the\s+)?{_MODEL}{_END}(?=\s*[,.:;]|\s+(?:i|my|we)\b|\s+an?\s|$)"),
    ("i_am_model", rf"\b(?:i\s+am|i['’]m|my\s+name\s+is|name['’]s|call\s+me|this\s+is|"
                   rf"(?:talking|speaking|chatting)\s+(?:to|with))\s+(?:\w+\s+){{0,3}}?{_MODEL}{_END}"),
    ("made_by", rf"\b(?:i\s+(?:am|was|have\s+been)|i['’]m|i['’]ve\s+been|me|model|assistant|ai|chatbot)"
                rf"\b[^.!?\n]{{0,60}}?\b{_MADE}\s+(?:and\s+\w+\s+)?by\s+(?:\w+\s+){{0,3}}?{_VENDOR}{_END}"),
    ("model_by", rf"\b(?:language\s+model|ai(?:\s+(?:model|assistant))?|assistant|chatbot)\s+(?:from|by|of)\s+"
                 rf"{_VENDOR}{_END}"),
    ("vendors_model", rf"\b(?:i\s+am|i['’]m|as)\s+(?:\w+\s+){{0,2}}?{_VENDOR}['’]s\s+(?:\w+\s+){{0,3}}?"
                      rf"(?:model|assistant|ai|chatbot){_END}"),
    ("my_maker", rf"\b(?:my\s+(?:creators?|developers?|makers?)|the\s+company\s+that\s+(?:made|created|trained)\s+me)"
                 rf"\b[^.!?\n]{{0,30}}?\b{_VENDOR}{_END}"),
    ("ko_i_am", rf"(?:저는|나는|전|제\s?이름은|내\s?이름은)\s*[^.!?\n]{{0,30}}?{_ANY_MODEL}"
                r"\s*(?:입니다|이에요|예요|이라고|라고|이라는|라는|이며|이고|로서|으로서|$)"),
    ("ko_as", rf"{_ANY_MODEL}\s*(?:으로서|로서|로써)"),
    ("ko_made_by", rf"{_ANY_VENDOR}\s*(?:이|가|에서|에\s?의해|사가|사에서)?\s*(?:직접\s*)?"
                   r"(?:만든|만들어진|개발한|개발된|개발되|훈련한|훈련된|훈련시킨|학습한|학습시킨|학습된|제공하는)"
                   r"[^.!?\n]{0,30}?(?:모델|인공지능|ai|어시스턴트|챗봇|언어\s?모델|입니다|비서|되었|었습)"),
    ("ko_my_maker", rf"(?:저를|나를)\s*(?:만든|개발한|훈련시킨|학습시킨)[^.!?\n]{{0,20}}?{_ANY_VENDOR}"),
    ("ko_vendors", rf"(?:저는|나는|전)\s*{_ANY_VENDOR}\s*의\s*[^.!?\n]{{0,20}}?"
                   r"(?:모델|인공지능|ai|어시스턴트|챗봇|비서)"),
)  # fmt: skip
_COMPILED: Final = tuple((name, re.compile(text, re.IGNORECASE)) for name, text in RULES)
# A bare name in an answer about nothing of the kind: strong enough a hint to be looked at.
_BARE: Final = re.compile(rf"(?<![a-z0-9]){_MODEL}{_END}|{_MODEL_KO}", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\d")
# Names that are also words: a poem on a llama, the sign of Gemini, a bard.
_WORDS: Final = frozenset(
    {"bard", "gemini", "alpaca", "koala", "dolly", "vicuna", "copilot", "grok", "kimi", "claude",
     "mistral", "gemma", "바드", "메타", "qwen"}
)  # fmt: skip


def self_naming(text: str, *, asked: str = "", own_names: Iterable[str] = ()) -> Iterator[Found]:
    """Places where an answer names a model or its maker as its writer.

    ``asked`` is the question: a name that stands there is a topic, not a confession.
    ``own_names`` are the names of the system that wrote the text: a mention counts.
    """
    taken: list[tuple[int, int]] = []
    for rule, pattern in _COMPILED:
        for match in pattern.finditer(text):
            if not any(s < match.end() and match.start() < e for s, e in taken):
                taken.append(match.span())
                yield Found(RiskKind.SELF_NAMING, rule, *match.span())
    topic = asked.casefold()
    for match in _BARE.finditer(text):
        name = match.group().casefold().strip()
        inside = any(s < match.end() and match.start() < e for s, e in taken)
        if not inside and name not in _WORDS and name not in topic:
            yield Found(RiskKind.SELF_NAMING, "name", *match.span())
    for own in own_names:
        # A name without a number ("baseline", "small") is a word like any other.
        if len(own) < 4 or not _DIGIT.search(own) or own.casefold() in topic:
            continue
        for match in re.finditer(rf"(?<!\w){re.escape(own)}(?!\w)", text, re.IGNORECASE):
            if not any(s < match.end() and match.start() < e for s, e in taken):
                yield Found(RiskKind.SELF_NAMING, "own_name", *match.span())

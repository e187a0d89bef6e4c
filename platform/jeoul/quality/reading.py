"""How long a text takes to read: words, or characters where a script has no spaces.

Rates: 238 words/min, silent reading of English non-fiction (Brysbaert 2019, Journal of Memory
and Language 109). Chinese 255 and Japanese 357 characters/min (IReST, Trauzettel-Klosinski &
Dietz 2012, IOVS 53). No sourced rate for Hangul syllables is at hand: Japanese's is used, the
faster of the two, so that nobody is flagged for reading Korean quickly.
"""

import re
from typing import Final

WORDS_PER_MINUTE: Final = 238.0
CHINESE_PER_MINUTE: Final = 255.0
KANA_HANGUL_PER_MINUTE: Final = 357.0

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")


def reading_seconds(text: str) -> float:
    """Seconds to read ``text`` once at the average rate."""
    words = len(_WORD.findall(text))
    kana_hangul = len(_KANA_HANGUL.findall(text))
    han = len(_HAN.findall(text))
    # Han characters inside Japanese are read at the Japanese rate.
    han_rate = KANA_HANGUL_PER_MINUTE if kana_hangul else CHINESE_PER_MINUTE
    minutes = words / WORDS_PER_MINUTE + kana_hangul / KANA_HANGUL_PER_MINUTE + han / han_rate
    return 60 * minutes

"""How fast a text can be read at best, and who was faster."""

import re
from typing import Final

# Silent reading has a mean of 238 words a minute and hardly passes 300 (Brysbaert 2019); beyond
# twice that, over several items, nobody has read both texts.
FASTEST_WORDS: Final = 600
# Of writing without spaces between words: about as many signs as five words in two.
FASTEST_SIGNS: Final = 1500
_SIGN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# Who has looked so long was not hurried, however long the text.
_LONG_ENOUGH: Final = 60_000


def least_seconds(*texts: str) -> float:
    """How long a very fast reader needs for these texts."""
    words = signs = 0
    for text in texts:
        if text.isascii():
            words += len(text.split())
            continue
        signs += len(_SIGN.findall(text))
        words += len(_SIGN.sub(" ", text).split())
    return 60 * (words / FASTEST_WORDS + signs / FASTEST_SIGNS)


def faster_than(seen_ms: int | None, least_ms: int | None) -> bool:
    """Whether the texts were in view for less than they take; unknown times never are."""
    if seen_ms is None or least_ms is None:
        return False
    return seen_ms <= _LONG_ENOUGH and seen_ms < least_ms

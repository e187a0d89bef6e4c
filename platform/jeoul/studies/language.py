"""Which language a text is in, where a detector is sure; offline."""

import re
from functools import cache
from typing import Any, Final

# Under this probability nothing is said: "Solve 2+2" is in no language.
SURE: Final = 0.5
_ENOUGH: Final = 2000
# Code and addresses look like no language, or like any.
_NOISE: Final = re.compile(r"```.*?(?:```|$)|`[^`\n]*`|https?://\S+|\$[^$\n]*\$", re.DOTALL)


@cache
def _identifier() -> Any:
    # 5 MB of model: only those who detect load it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def detect_language(text: str, *, sure: float = SURE) -> str:
    """The ISO 639-1 code of the text's language, or nothing where it can't be told."""
    plain = _NOISE.sub(" ", text)[:_ENOUGH]
    if sum(c.isalpha() for c in plain) < 2:
        return ""
    language, probability = _identifier().classify(plain)
    return str(language) if probability >= sure else ""

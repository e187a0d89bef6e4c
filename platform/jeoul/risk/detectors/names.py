"""Names of people, by presidio and a spaCy model, where the operator has installed them.

Names have no check digits: only a trained model finds them, and it is many times larger than all
other detectors. Without it nothing is looked for, which ``missing`` says to whoever asks.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from jeoul.risk.detectors.base import Found
from jeoul.studies.models import RiskKind

# Presidio gives spaCy's names 0.85; what its other rules call a person is weaker.
_SURE: Final = 0.6


@cache
def models() -> dict[str, str]:
    """By language the models that are named in NAMES_MODELS and installed."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        return {}
    return {
        language: name for language, name in settings.NAMES_MODELS.items() if _is_installed(name)
    }


def _is_installed(name: str) -> bool:
    """As presidio looks for a model: any other it would try to download."""
    if Path(name).is_dir():
        return True
    try:
        return bool(importlib.metadata.version(name))
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def missing() -> str:
    """What keeps names from being found, for the operator; empty if nothing does."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        return _("presidio is not installed: pip install 'jeoul[names]'")
    absent = sorted(set(settings.NAMES_MODELS.values()) - set(models().values()))
    if not absent:
        return ""
    return _("a model is not installed: python -m spacy download %s") % absent[0]


def mark() -> str:
    """Part of the rules' version: texts are scanned anew when a model comes or goes."""
    return "".join(f"+names:{language}" for language in sorted(models()))[:15]


@cache
def _engine() -> Any:
    # Loads spaCy and a model: only those who scan pay for it.
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    known = models()
    provider = NlpEngineProvider(
        nlp_configuration={
            "nlp_engine_name": "spacy",
            "models": [{"lang_code": lang, "model_name": name} for lang, name in known.items()],
        }
    )
    return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=list(known))


def names(text: str, *, language: str = "", asked: str = "") -> Iterator[Found]:
    """People named in a text in a language that has a model.

    A name that stands in ``asked``, the question, is its topic and reveals nothing.
    """
    known = models()
    code = language[:2] if language[:2] in known else "en" if not language else ""
    if code not in known or not text.strip():
        return
    topic = asked.casefold()
    found = _engine().analyze(text, language=code, entities=["PERSON"], score_threshold=_SURE)
    for person in sorted(found, key=lambda f: f.start):
        if text[person.start : person.end].casefold() not in topic:
            yield Found(RiskKind.PERSONAL_DATA, "name", person.start, person.end)

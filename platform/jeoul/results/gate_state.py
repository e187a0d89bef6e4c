"""The gate of a study now: from the cache where nothing changed since it was asked."""

from typing import Any, cast

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from jeoul.base import DomainError
from jeoul.results.data import fingerprint
from jeoul.results.gate import NOT_YET, evaluate
from jeoul.results.inputs import heading, read_inputs
from jeoul.studies.models import Study, StudyState

_KEPT_SECONDS = 86_400
log = structlog.get_logger()


class NoGate(DomainError):
    """The study's plan has no rule."""

    code = "no_gate"


def gate_of(study: Study) -> dict[str, Any]:
    """The answer with what it rests on; raises NoGate."""
    if not study.gate:
        raise NoGate("This study has no gate; give it a rule on its gate page, by API or command.")
    closed = study.state in {StudyState.CLOSED, StudyState.ARCHIVED}
    if study.state == StudyState.DRAFT:
        return _draft(study)
    seen = fingerprint(study, {"gate": repr(study.gate), "closed": closed})
    found = _cached(f"gate:{study.pk}:{seen}")
    if found is None:
        found = evaluate(read_inputs(study), study.gate, closed=closed)
        _keep(f"gate:{study.pk}:{seen}", found)
    return found | {"study_state": study.state, "amendments": study.amendments.count()}


def _draft(study: Study) -> dict[str, Any]:
    return {
        "state": NOT_YET,
        "study": heading(study),
        "closed": False,
        "intervals": "none: the study has not started",
        "conditions": [],
        "missing": None,
        "rule": study.gate,
        "study_state": study.state,
        "amendments": 0,
    }


def _cached(key: str) -> dict[str, Any] | None:
    try:
        return cast("dict[str, Any] | None", cache.get(key))
    except RedisError:
        return None


def _keep(key: str, found: dict[str, Any]) -> None:
    try:
        cache.set(key, found, _KEPT_SECONDS)
    except RedisError as error:
        log.warning("cache_unavailable", error=str(error))

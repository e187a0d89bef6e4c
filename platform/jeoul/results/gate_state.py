"""The gate of a study now: from the cache where nothing changed since it was asked."""

from typing import Any, cast

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from jeoul.base import DomainError
from jeoul.results.effects import AT_ONCE
from jeoul.results.fingerprints import fingerprint
from jeoul.results.gate import NOT_YET, evaluate
from jeoul.results.inputs import heading, read_inputs
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Study, StudyState

_KEPT_SECONDS, _LATELY_SECONDS = 86_400, 60
log = structlog.get_logger()


class NoGate(DomainError):
    """The study's plan has no rule."""

    code = "no_gate"


def gate_of(study: Study) -> dict[str, Any]:
    """The answer with what it rests on; raises NoGate."""
    if not study.gate:
        raise NoGate("This study has no gate; give it a rule on its gate page, by API or command.")
    if study.state == StudyState.DRAFT:
        return _draft(study)
    key = _key(study)
    found = _cached(key)
    if found is None:
        found = evaluate(read_inputs(study), study.gate, closed=_is_closed(study))
        _keep(key, found, _KEPT_SECONDS)
        _keep(_lately(study), found, _LATELY_SECONDS)
    return _now(study, found)


def known_gate(study: Study) -> dict[str, Any] | None:
    """The same for a page, which may not wait: None where a large study must be read for it."""
    small = study.judgements.order_by()[: AT_ONCE + 1].count() <= AT_ONCE
    if small or not study.gate or study.state == StudyState.DRAFT:
        return gate_of(study)
    # Where somebody judges at every second, each answer is of a second ago.
    found = _cached(_key(study)) or _cached(_lately(study))
    return found and _now(study, found)


def _is_closed(study: Study) -> bool:
    return study.state in {StudyState.CLOSED, StudyState.ARCHIVED}


def _key(study: Study) -> str:
    seen = fingerprint(study, {"gate": repr(study.gate), "closed": _is_closed(study)})
    return f"gate:{study.uuid}:{seen}"


def _lately(study: Study) -> str:
    return f"gate-lately:{study.uuid}:{study.state}:{content_hash(study.gate)}"


def _now(study: Study, found: dict[str, Any]) -> dict[str, Any]:
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


def _keep(key: str, found: dict[str, Any], seconds: int) -> None:
    try:
        cache.set(key, found, seconds)
    except RedisError as error:
        log.warning("cache_unavailable", error=str(error))

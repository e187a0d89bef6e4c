"""How often one may call. Without its counter calls go on: a limit guards, it isn't the work."""

from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle

if TYPE_CHECKING:
    # The framework loads this module while it loads its views.
    from rest_framework.views import APIView

log = structlog.get_logger()


class _Forgiving(SimpleRateThrottle):
    def allow_request(self, request: Request, view: "APIView") -> bool:
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            log.warning("throttle_unavailable", error=str(error))
            return True


class StrangerRate(_Forgiving, AnonRateThrottle):
    """Callers without a token, by address."""


def refused_too_often(request: Request, view: "APIView") -> Throttled | None:
    """What a caller without a valid token is told from a while on.

    The framework asks its throttles only about those whom it has let in.
    """
    limit = StrangerRate()
    return None if limit.allow_request(request, view) else Throttled(limit.wait())


class PersonRate(_Forgiving, UserRateThrottle):
    """Callers with a token, by person: many tokens give no more."""

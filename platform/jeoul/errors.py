"""The one place where a refusal becomes a web page."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from jeoul.base import DomainError

log = structlog.get_logger()


class DomainErrorMiddleware:
    """Shows a DomainError that no view answered as a page with its status and remedy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        log.info(
            "refused",
            code=error.code,
            path=request.resolver_match and request.resolver_match.view_name,
        )
        return TemplateResponse(
            request,
            "shared/refused.html",
            {"message": error.message, "code": error.code},
            status=error.status,
        ).render()

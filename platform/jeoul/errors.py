"""The one place where a refusal becomes a web page."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from jeoul.base import DomainError, InvalidInput
from jeoul.refusals import in_words

log = structlog.get_logger()


class DomainErrorMiddleware:
    """Shows a DomainError that no view answered as a page with its status and remedy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # No text that is stored holds one, and PostgreSQL refuses to look for it.
        if "%00" in request.META.get("QUERY_STRING", ""):
            return _page(request, InvalidInput(_("An address holds no NUL characters.")))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        log.info(
            "refused",
            code=error.code,
            path=request.resolver_match and request.resolver_match.view_name,
        )
        return _page(request, error)


def _page(request: HttpRequest, error: DomainError) -> HttpResponse:
    said = {"message": in_words(error.message), "code": error.code}
    return TemplateResponse(request, "shared/refused.html", said, status=error.status).render()

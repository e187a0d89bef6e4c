"""One shape for every error of the API: RFC 9457 problem details."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from jeoul.api.throttling import refused_too_often
from jeoul.base import DomainError


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """The response to an error, or None for one that nobody foresaw."""
    if isinstance(error, DomainError):
        body = _body(error.status, error.code, error.message)
        if error.detail:
            body["errors"] = {k: _plain(v) for k, v in error.detail.items()}
        return _response(body)
    if isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    if isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        error = refused_too_often(context["request"], context["view"]) or error
    if not isinstance(error, exceptions.APIException):
        return None
    answer = exception_handler(error, context)
    assert answer is not None  # DRF answers all its own exceptions
    if isinstance(error, exceptions.ValidationError):
        body = _body(422, "invalid", "Some fields are missing or wrong; see errors.")
        body["errors"] = error.detail
    else:
        codes = error.get_codes()
        code = codes if isinstance(codes, str) else "error"
        body = _body(answer.status_code, code, str(error.detail))
    response = _response(body)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in answer.headers:
            response[name] = answer.headers[name]
    return response


def problem_page(status: int, code: str, detail: str) -> HttpResponse:
    """The same shape from outside of a view."""
    return JsonResponse(
        _body(status, code, detail), status=status, content_type="application/problem+json"
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_page(404, "not_found", "There is no such address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_page(500, "server_error", "This is our mistake; it has been written down.")
    return defaults.server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_page(400, "bad_request", "This request can't be understood.")
    return defaults.bad_request(request, exception)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | list | dict) else str(value)


def _body(status: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }


def _response(body: dict[str, Any]) -> Response:
    return Response(body, status=body["status"], content_type="application/problem+json")

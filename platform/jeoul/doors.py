"""Middleware that a worker's pages go without: their address is the key, and they read no cookie.

Each would look at every judgement's request for what is never there.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from jeoul.api import caching


class _NotForWorkers:
    """Before the middleware that it leaves out."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/w/"):
            answer: HttpResponseBase = self.get_response(request)
            return answer
        return super().__call__(request)  # type: ignore[misc,no-any-return]  # the middleware's


class SessionMiddleware(_NotForWorkers, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(_NotForWorkers, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_NotForWorkers, messages.MessageMiddleware):
    pass


class EntityTags(_NotForWorkers, caching.EntityTags):
    pass

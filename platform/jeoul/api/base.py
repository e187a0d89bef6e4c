"""What the API's views share."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request

from jeoul.accounts.models import User
from jeoul.accounts.roles import May
from jeoul.api.serializers import Problem
from jeoul.studies.access import get_study
from jeoul.studies.models import Study

F = TypeVar("F", bound=Callable[..., Any])

PROBLEMS = {
    code: OpenApiResponse(Problem, description=text)
    for code, text in {
        401: "No token, or one that is not valid.",
        403: "Your role or your token does not allow this.",
        404: "No such thing, or not yours.",
        409: "The state of things does not allow this.",
        422: "Something in the request is wrong; errors names it.",
        429: "Too many requests; Retry-After says when to come again.",
    }.items()
}


def described(answer: Any, *, status: int = 200, takes: Any = None) -> Callable[[F], F]:
    """The schema of one operation: its answer, and the one error shape."""
    decorate: Callable[[F], F] = extend_schema(request=takes, responses={status: answer} | PROBLEMS)
    return decorate


def caller(request: Request) -> User:
    """The researcher whose token this is; the permission class lets nobody else come here."""
    return cast(User, request.user)


class StudyList(ListAPIView[Any]):
    """A list of what belongs to one study; strangers get 404."""

    right = May.READ

    def study(self) -> Study:
        return get_study(caller(self.request), self.kwargs["study"], self.right)


def checked(view: GenericAPIView[Any], serializer: Any, request: Request) -> dict[str, Any]:
    """What came in, or 422."""
    given = serializer(data=request.data, context=view.get_serializer_context())
    given.is_valid(raise_exception=True)
    return cast(dict[str, Any], given.validated_data)


def study_of(request: Request, study: UUID, right: May = May.READ) -> Study:
    return get_study(caller(request), study, right)

"""What the API's views share."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request

from jeoul.accounts.models import User
from jeoul.accounts.roles import May
from jeoul.api.shapes import Problem
from jeoul.studies.access import get_study
from jeoul.studies.models import Study

F = TypeVar("F", bound=Callable[..., Any])

PROBLEM_TYPE: Final = "application/problem+json"
PROBLEMS: Final = {
    (code, PROBLEM_TYPE): OpenApiResponse(Problem, description=text)
    for code, text in {
        401: "No token, or one that is not valid.",
        403: "Your role or your token does not allow this.",
        404: "No such thing, or not yours.",
        409: "The state of things does not allow this.",
        422: "Something in the request is wrong; errors names it.",
        429: "Too many requests; Retry-After says when to come again.",
    }.items()
}


_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A random text of up to 255 characters. The same request with the same key has no "
    "second effect for 24 hours and gives the first answer again; another request with it is 422, "
    "one that is still being worked on 409.",
)
_KEY_REQUIRED: Final = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True, description=_KEY.description
)


def described(
    answer: Any,
    *,
    status: int = 200,
    takes: Any = None,
    gives: Any = None,
    given: Any = None,
    keyed: bool | None = None,
    name: str | None = None,
) -> Callable[[F], F]:
    """The schema of one operation: its answer, and the one error shape.

    ``given`` and ``gives`` are examples of body and answer. ``keyed`` says whether it takes an
    Idempotency-Key (False: it may, True: it must; the view's ``key_required`` enforces it).
    """
    examples = []
    if given is not None:
        examples.append(OpenApiExample("Request", given, request_only=True))
    if gives is not None:
        examples.append(
            OpenApiExample("Answer", gives, response_only=True, status_codes=[str(status)])
        )
    decorate: Callable[[F], F] = extend_schema(
        operation_id=name,
        request=takes,
        responses={status: answer} | PROBLEMS,
        examples=examples or None,
        parameters=None if keyed is None else [_KEY_REQUIRED if keyed else _KEY],
    )
    return decorate


def caller(request: Request) -> User:
    """The researcher whose token this is; the permission class lets nobody else come here."""
    return cast(User, request.user)


class OfStudy(GenericAPIView[Any]):
    """What belongs to one study; strangers get 404."""

    right = May.READ

    def study(self) -> Study:
        return get_study(caller(self.request), self.kwargs["study"], self.right)


class StudyList(OfStudy, ListAPIView[Any]):
    """A list of what belongs to one study."""


class StudyItem(OfStudy, RetrieveAPIView[Any]):
    """One row of what belongs to a study, or 404."""

    lookup_field = "uuid"
    lookup_url_kwarg = "item"
    filter_backends = ()


def checked(view: GenericAPIView[Any], serializer: Any, request: Request) -> dict[str, Any]:
    """What came in, or 422."""
    given = serializer(data=request.data, context=view.get_serializer_context())
    given.is_valid(raise_exception=True)
    return cast(dict[str, Any], given.validated_data)


def study_of(request: Request, study: UUID, right: May = May.READ) -> Study:
    return get_study(caller(request), study, right)

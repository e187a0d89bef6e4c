"""Trying connections, differences of versions, and watches, over the API."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.api import serializers_material as s
from jeoul.api.base import PROBLEMS, caller, checked, described
from jeoul.base import InvalidInput
from jeoul.studies.access import (
    get_connection,
    get_prompt_set,
    get_system,
    get_system_version,
    get_watch,
    watches_for,
)
from jeoul.studies.actions import WrongState
from jeoul.studies.connection_actions import update_connection
from jeoul.studies.generation.probing import start_test
from jeoul.studies.models import Connection, System, SystemVersion, Watch
from jeoul.studies.version_reading import differences, warnings_of
from jeoul.studies.watching import begin_round, start_watch, stop_watch
from tasks.watches import test_connection


class ConnectionDetail(GenericAPIView[Connection]):
    serializer_class = s.ConnectionOut

    @described(s.ConnectionOut)
    def get(self, request: Request, connection: UUID) -> Response:
        """One connection with what its last test found; never its key."""
        return Response(s.ConnectionOut(get_connection(caller(request), connection)).data)

    @extend_schema(
        request=s.ConnectionIn(partial=True), responses={200: s.ConnectionOut} | PROBLEMS
    )
    def patch(self, request: Request, connection: UUID) -> Response:
        """Change what is given, and close the circuit breaker; an empty key keeps the old one."""
        found = get_connection(caller(request), connection)
        given = s.ConnectionIn(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        update_connection(connection=found, actor=caller(request), **given.validated_data)
        return Response(s.ConnectionOut(found).data)


class ModelIn(serializers.Serializer[Any]):
    model = serializers.CharField(max_length=200)


class ConnectionTest(GenericAPIView[Any]):
    serializer_class = ModelIn

    @described(s.ConnectionOut, status=202, takes=ModelIn)
    def post(self, request: Request, connection: UUID) -> Response:
        """Try the connection: test_report of the connection holds what was found."""
        found = get_connection(caller(request), connection)
        model = checked(self, ModelIn, request)["model"]
        start_test(connection=found, model=model)
        transaction.on_commit(lambda: test_connection.delay(found.pk, model))
        return Response(s.ConnectionOut(found).data, status=202)


class Differences(GenericAPIView[Any]):
    @extend_schema(
        parameters=[
            OpenApiParameter("before", int, description="a version's number; the second newest"),
            OpenApiParameter("after", int, description="a version's number; the newest"),
        ],
        responses={200: OpenApiTypes.OBJECT} | PROBLEMS,
    )
    def get(self, request: Request, system: UUID) -> Response:
        """The settings in which two versions differ, and what to mind."""
        found = get_system(caller(request), system)
        after = _version(found, request, "after", 0)
        before = _version(found, request, "before", 1)
        rows = [asdict(d) for d in differences(before, after)]
        return Response(
            {
                "before": before.number,
                "after": after.number,
                "differences": rows,
                "warnings": warnings_of(after, before),
            }
        )


def _version(system: System, request: Request, name: str, place: int) -> SystemVersion:
    versions = system.versions.select_related("connection", "system").order_by("-number")
    text = request.query_params.get(name, "")
    if text and (not text.isdecimal() or len(text) > 9):
        raise InvalidInput("A version's number is a whole number.", field=name)
    found = (
        versions.filter(number=int(text)).first() if text else versions[place : place + 1].first()
    )
    if found is None:
        raise Http404("No such version.")
    return found


class RoundOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    facts = serializers.JSONField()


class WatchOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    system = serializers.CharField(source="system_version.label")
    prompts = serializers.CharField(source="prompts.__str__")
    every_hours = serializers.IntegerField()
    active = serializers.BooleanField()
    next_at = serializers.DateTimeField()
    rounds = RoundOut(many=True, source="rounds.all")


class WatchIn(serializers.Serializer[Any]):
    system_version = serializers.UUIDField()
    prompt_set = serializers.UUIDField(help_text="its latest version is taken")
    every_hours = serializers.IntegerField(min_value=1, max_value=24 * 366, default=24)


class Watches(ListAPIView[Watch]):
    """Golden sets that are asked again on a schedule."""

    queryset = Watch.objects.none()
    serializer_class = WatchOut
    filterset_fields = ("active",)

    def get_queryset(self) -> QuerySet[Watch]:
        return watches_for(caller(self.request)).prefetch_related("rounds")

    @described(WatchOut, status=201, takes=WatchIn)
    def post(self, request: Request) -> Response:
        """Ask a golden set of a version again and again: did the provider's model change?"""
        given, user = checked(self, WatchIn, request), caller(request)
        prompts = get_prompt_set(user, given["prompt_set"]).latest()
        if prompts is None:
            raise InvalidInput("This prompt set is empty.", field="prompt_set")
        made = start_watch(
            owner=user,
            version=get_system_version(user, given["system_version"]),
            prompts=prompts,
            every_hours=given["every_hours"],
        )
        return Response(WatchOut(made).data, status=201)


class WatchRounds(GenericAPIView[Any]):
    serializer_class = WatchOut

    @described(WatchOut, status=202)
    def post(self, request: Request, watch: UUID) -> Response:
        """Begin a round at once; 409 while the last one is still being made."""
        found = get_watch(caller(request), watch)
        if not begin_round(watch_id=found.pk):
            raise WrongState("The last round is still being made.")
        return Response(WatchOut(found).data, status=202)


class WatchDetail(GenericAPIView[Any]):
    serializer_class = WatchOut

    @described(WatchOut)
    def get(self, request: Request, watch: UUID) -> Response:
        """One watch with its rounds."""
        return Response(WatchOut(get_watch(caller(request), watch)).data)

    @described(None, status=204)
    def delete(self, request: Request, watch: UUID) -> Response:
        """Stop the watch; its rounds stay."""
        stop_watch(watch=get_watch(caller(request), watch), actor=caller(request))
        return Response(status=204)

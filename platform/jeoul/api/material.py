"""Prompts, connections and systems over the API."""

import json
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.api import examples
from jeoul.api import serializers_material as s
from jeoul.api.base import caller, checked, described
from jeoul.api.shapes import ImportDone, RowsIn
from jeoul.comparisons.building import mark_ready
from jeoul.studies.access import (
    get_connection,
    get_prompt_set,
    get_system,
    prompt_sets_for,
    systems_for,
)
from jeoul.studies.models import Connection, Prompt, PromptSet, PromptSetVersion, System
from jeoul.studies.prompt_actions import Imported, import_outputs, import_prompts
from jeoul.studies.prompt_sets import may_read
from jeoul.studies.systems_actions import create_connection, create_system_version


def _lines(rows: list[Any]) -> str:
    """The rows as the file that the importer reads, so that both have one set of rules."""
    return "\n".join(json.dumps(row) for row in rows)


def _done(done: Imported, uuid: UUID) -> dict[str, Any]:
    return {
        "id": uuid,
        "added": done.added,
        "unchanged": done.unchanged,
        "bad": [row.__dict__ for row in done.bad],
    }


def _with_versions(rows: QuerySet[PromptSet]) -> QuerySet[PromptSet]:
    latest = PromptSetVersion.objects.filter(prompt_set=OuterRef("pk")).order_by("-number")
    counted = latest.annotate(n=Count("entries")).values("n")[:1]
    return rows.annotate(
        latest_number=Subquery(latest.values("number")[:1]), latest_prompts=Subquery(counted)
    )


class PromptSets(ListAPIView[PromptSet]):
    """Your prompt sets and those of your studies, with their latest version."""

    queryset = PromptSet.objects.none()
    serializer_class = s.PromptSetOut
    filterset_fields = ("name", "sealed")

    def get_queryset(self) -> QuerySet[PromptSet]:
        return _with_versions(prompt_sets_for(caller(self.request)))

    @described(ImportDone, status=201, takes=s.PromptSetIn, given=examples.PROMPTS_IN, keyed=False)
    def post(self, request: Request) -> Response:
        """Make the next version of a prompt set; the same content again adds nothing."""
        given = checked(self, s.PromptSetIn, request)
        version, done = import_prompts(
            owner=caller(request),
            name=given["name"],
            text=_lines(given["prompts"]),
            kind="jsonl",
            take_good=given["take_good"],
            sealed=given["sealed"],
        )
        return Response(_done(done, version.prompt_set.uuid), status=201)


class PromptSetDetail(RetrieveAPIView[PromptSet]):
    """One prompt set with its latest version."""

    queryset = PromptSet.objects.none()
    serializer_class = s.PromptSetOut

    def get_object(self) -> PromptSet:
        found = get_prompt_set(caller(self.request), self.kwargs["prompt_set"])
        return _with_versions(PromptSet.objects.filter(pk=found.pk)).get()


class Prompts(ListAPIView[Prompt]):
    """The prompts of the latest version; the texts of a sealed set stay hidden."""

    queryset = Prompt.objects.none()
    serializer_class = s.PromptOut
    filterset_fields = ("category", "language", "difficulty", "risk", "hazard")

    def get_queryset(self) -> QuerySet[Prompt]:
        found = get_prompt_set(caller(self.request), self.kwargs["prompt_set"])
        version = found.latest()
        if version is None or not may_read(
            prompt_set=found, actor=caller(self.request), what="prompts"
        ):
            return Prompt.objects.none()
        return version.prompts.all()


class PromptSetOutputs(GenericAPIView[Any]):
    serializer_class = RowsIn

    @described(ImportDone, status=201, takes=RowsIn, given=examples.OUTPUTS_IN, keyed=False)
    def post(self, request: Request, prompt_set: UUID) -> Response:
        """Import outputs made elsewhere: prompt_id, system, text, sample."""
        found = get_prompt_set(caller(request), prompt_set)
        given = checked(self, RowsIn, request)
        version = found.latest()
        assert version is not None  # a set is made with its first version
        done = import_outputs(
            owner=caller(request),
            prompts=version,
            text=_lines(given["rows"]),
            kind="jsonl",
            take_good=given["take_good"],
        )
        mark_ready()
        return Response(_done(done, found.uuid), status=201)


class Connections(ListAPIView[Connection]):
    """Your ways to providers; keys are never shown."""

    queryset = Connection.objects.none()
    serializer_class = s.ConnectionOut
    filterset_fields = ("name", "protocol")

    def get_queryset(self) -> QuerySet[Connection]:
        return Connection.objects.filter(owner=caller(self.request))

    @described(s.ConnectionOut, status=201, takes=s.ConnectionIn, keyed=False)
    def post(self, request: Request) -> Response:
        """Store a way to a provider; the key is encrypted and never shown again."""
        made = create_connection(owner=caller(request), **checked(self, s.ConnectionIn, request))
        return Response(s.ConnectionOut(made).data, status=201)


class Systems(ListAPIView[System]):
    """Your systems with all their versions."""

    queryset = System.objects.none()
    serializer_class = s.SystemOut
    filterset_fields = ("name",)

    def get_queryset(self) -> QuerySet[System]:
        return systems_for(caller(self.request)).prefetch_related(
            "versions__connection", "versions__system"
        )

    @described(
        s.SystemVersionOut, status=201, takes=s.SystemIn, given=examples.SYSTEM_IN, keyed=False
    )
    def post(self, request: Request) -> Response:
        """Add a version to a system; the same settings again give the version that is there."""
        given = checked(self, s.SystemIn, request)
        connection = given.pop("connection")
        made = create_system_version(
            owner=caller(request),
            connection=get_connection(caller(request), connection) if connection else None,
            **given,
        )
        return Response(s.SystemVersionOut(made).data, status=201)


class SystemDetail(RetrieveAPIView[System]):
    """One system with all its versions."""

    queryset = System.objects.none()
    serializer_class = s.SystemOut

    def get_object(self) -> System:
        return get_system(caller(self.request), self.kwargs["system"])

"""Versions of prompt sets over the API: differences, tags, sealing, pictures, what is alike."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.api.base import PROBLEMS, caller, checked, described
from jeoul.base import InvalidInput
from jeoul.studies.access import get_own_prompt_set, get_prompt_set, get_prompt_version
from jeoul.studies.models import LikePair, PromptSet, PromptSetVersion
from jeoul.studies.prompt_sets import difference, may_read, picture, seal, tag_version, untag

# As many changed prompts are told in detail at once.
_MOST_CHANGES = 200
_VERSION = OpenApiParameter("version", str, description="a number or a tag; else the latest")


def _version(found: PromptSet, request: Request, name: str, place: int = 0) -> PromptSetVersion:
    return get_prompt_version(found, request.query_params.get(name, ""), place)


def _own(request: Request, prompt_set: UUID) -> PromptSet:
    return get_own_prompt_set(caller(request), prompt_set)


class PromptSetVersionOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    prompts = serializers.IntegerField(source="prompts_n")
    content_hash = serializers.CharField()
    note = serializers.CharField()
    tags = serializers.SerializerMethodField()
    frozen_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    def get_tags(self, row: PromptSetVersion) -> list[str]:
        """The names that point at this version."""
        return sorted(tag.name for tag in row.tags.all())


class Versions(ListAPIView[PromptSetVersion]):
    """The versions of a prompt set with their tags, the newest first."""

    queryset = PromptSetVersion.objects.none()
    serializer_class = PromptSetVersionOut
    filter_backends = ()

    def get_queryset(self) -> QuerySet[PromptSetVersion]:
        found = get_prompt_set(caller(self.request), self.kwargs["prompt_set"])
        rows = found.versions.annotate(prompts_n=Count("entries")).prefetch_related("tags")
        return rows.order_by("-number")


class SetDifference(GenericAPIView[Any]):
    @extend_schema(
        parameters=[
            OpenApiParameter("before", str, description="a number or a tag; the second newest"),
            OpenApiParameter("after", str, description="a number or a tag; the newest"),
        ],
        responses={200: OpenApiTypes.OBJECT} | PROBLEMS,
    )
    def get(self, request: Request, prompt_set: UUID) -> Response:
        """Which prompts came, went and changed; the changes word by word unless it is sealed."""
        found = get_prompt_set(caller(request), prompt_set)
        before = _version(found, request, "before", 1)
        after = _version(found, request, "after")
        made = difference(before, after)
        read = may_read(prompt_set=found, actor=caller(request), what="difference")
        changes = made.changes(made.changed[:_MOST_CHANGES]) if read else []
        return Response(
            {
                "before": before.number, "after": after.number, "added": made.added,
                "removed": made.removed, "changed": made.changed, "same": made.same,
                "moved": made.moved, "changes": [asdict(c) for c in changes],
            }
        )  # fmt: skip


class SetPicture(GenericAPIView[Any]):
    @extend_schema(parameters=[_VERSION], responses={200: OpenApiTypes.OBJECT} | PROBLEMS)
    def get(self, request: Request, prompt_set: UUID) -> Response:
        """Counts by slice, realistic against high-risk, and what is thin."""
        found = get_prompt_set(caller(request), prompt_set)
        version = _version(found, request, "version")
        seen = picture(version)
        return Response(
            {
                "version": version.number, "total": seen.total, "high_risk": seen.high,
                "multi_turn": seen.turns, "language_detected": seen.detected,
                "alike": version.like_pairs.count(),
                "slices": {
                    name: [
                        {"value": s.value, "n": s.n, "half_width": s.half_width, "thin": s.thin}
                        for s in rows
                    ]
                    for name, rows in seen.slices.items()
                },
            }
        )  # fmt: skip


class LikePairOut(serializers.Serializer[Any]):
    a = serializers.CharField(source="a.key")
    b = serializers.CharField(source="b.key")
    likeness = serializers.FloatField(help_text="1 for the same text")


class Alike(ListAPIView[LikePair]):
    """Prompts of the latest version that are the same or nearly so, by their ids."""

    queryset = LikePair.objects.none()
    serializer_class = LikePairOut
    filter_backends = ()

    def get_queryset(self) -> QuerySet[LikePair]:
        found = get_prompt_set(caller(self.request), self.kwargs["prompt_set"])
        return LikePair.objects.filter(version=found.latest()).select_related("a", "b")


class TagIn(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, default=None,
        help_text="the latest where it is left out",
    )  # fmt: skip


class TagOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField()


class Tag(GenericAPIView[Any]):
    serializer_class = TagIn

    @described(TagOut, takes=TagIn)
    def put(self, request: Request, prompt_set: UUID, tag: str) -> Response:
        """Let a tag name a version; it moves from where it was."""
        found = _own(request, prompt_set)
        number = checked(self, TagIn, request)["version"]
        version = found.versions.filter(number=number).first() if number else found.latest()
        if version is None:
            raise InvalidInput("There is no such version.", field="version")
        made = tag_version(version=version, name=tag, actor=caller(request))
        return Response({"name": made.name, "version": version.number})

    @described(None, status=204)
    def delete(self, request: Request, prompt_set: UUID, tag: str) -> Response:
        """Take a tag away."""
        if not untag(prompt_set=_own(request, prompt_set), name=tag, actor=caller(request)):
            raise Http404("No such tag.")
        return Response(status=204)


class Seal(GenericAPIView[Any]):
    serializer_class = None

    @described(None, status=204)
    def post(self, request: Request, prompt_set: UUID) -> Response:
        """Hide the texts from researchers until the set's studies have ended."""
        seal(prompt_set=_own(request, prompt_set), actor=caller(request))
        return Response(status=204)

"""Large prompt files over the API: taken as they are, read by a job, with their progress."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.api.base import caller, checked, described
from jeoul.studies.models import PromptUpload
from jeoul.studies.reading_files import kind_of
from jeoul.studies.uploads import rows_so_far, store_upload
from tasks.risk import read_prompts

_PART = 1 << 20


class UploadIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, help_text="of the prompt set")
    file = serializers.FileField(help_text=".jsonl, .csv or .parquet")
    sealed = serializers.BooleanField(default=False)
    take_good = serializers.BooleanField(default=False, help_text="leave bad rows out")


class UploadOut(serializers.ModelSerializer[PromptUpload]):
    id = serializers.UUIDField(source="uuid")
    rows = serializers.SerializerMethodField(help_text="read so far")
    prompt_set = serializers.UUIDField(
        source="version.prompt_set.uuid", allow_null=True, default=None
    )
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    message = serializers.CharField(help_text="why nothing was imported, else empty")
    bad = serializers.ListField(child=serializers.DictField(), help_text="at most 1,000 bad rows")

    class Meta:
        model = PromptUpload
        fields = (
            "id", "name", "file_name", "size", "rows", "finished_at", "prompt_set", "version",
            "message", "bad", "created_at",
        )  # fmt: skip

    @extend_schema_field(int)
    def get_rows(self, row: PromptUpload) -> int:
        return row.rows or rows_so_far(row)


def _mine(request: Request) -> QuerySet[PromptUpload]:
    mine = PromptUpload.objects.filter(owner=caller(request))
    return mine.select_related("version__prompt_set")


class Uploads(ListAPIView[PromptUpload]):
    """Your uploaded prompt files, those that are still read among them."""

    queryset = PromptUpload.objects.none()
    serializer_class = UploadOut
    parser_classes = (MultiPartParser,)
    filter_backends = ()

    def get_queryset(self) -> QuerySet[PromptUpload]:
        return _mine(self.request)

    @described(UploadOut, status=202, takes={"multipart/form-data": UploadIn}, keyed=False)
    def post(self, request: Request) -> Response:
        """Take a file of any size; a job reads it, and the answer's id tells how far it is."""
        given = checked(self, UploadIn, request)
        file = given.pop("file")
        made = store_upload(
            owner=caller(request), kind=kind_of(file.name), file_name=file.name,
            chunks=file.chunks(_PART), **given,
        )  # fmt: skip
        transaction.on_commit(lambda: read_prompts.delay(made.pk))
        return Response(UploadOut(made).data, status=202)


class UploadDetail(RetrieveAPIView[PromptUpload]):
    """How far an upload is, then what came of it."""

    queryset = PromptUpload.objects.none()
    serializer_class = UploadOut
    lookup_field, lookup_url_kwarg = "uuid", "upload"
    filter_backends = ()

    def get_queryset(self) -> QuerySet[PromptUpload]:
        return _mine(self.request)

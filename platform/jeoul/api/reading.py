"""Everything a study holds, to read: lists, results, exports."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.actions import record
from jeoul.accounts.models import AuditEvent, User
from jeoul.accounts.roles import May
from jeoul.api import serializers as s
from jeoul.api.base import PROBLEMS, StudyList, caller, described, study_of
from jeoul.comparisons.models import Comparison, Judgement
from jeoul.quality.models import Flag
from jeoul.results.access import judgements_in_force
from jeoul.results.actions import current_results
from jeoul.results.exports import FORMATS, export_stream
from jeoul.results.progress import study_outputs, study_progress
from jeoul.studies.models import Output, Study


class Me(GenericAPIView[Any]):
    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Whose token this is."""
        user = caller(request)
        return Response({"username": user.username, "email": user.email})


class Progress(GenericAPIView[Any]):
    serializer_class = s.ProgressOut

    @described(s.ProgressOut)
    def get(self, request: Request, study: UUID) -> Response:
        """How far the study is and what it has cost."""
        progress = study_progress(study_of(request, study))
        return Response(s.ProgressOut(asdict(progress) | {"percent": progress.percent}).data)


class Results(GenericAPIView[Any]):
    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request, study: UUID) -> Response:
        """Win rates, ranking, agreement and workers, with the settings that made them."""
        return Response(current_results(study=study_of(request, study)))


class Outputs(StudyList):
    queryset = Output.objects.none()
    serializer_class = s.OutputOut
    filterset_fields = ("state", "sample", "finish_reason", "error_code")

    def get_queryset(self) -> QuerySet[Any]:
        outputs = study_outputs(self.study())
        return outputs.select_related("prompt", "system_version__system").order_by("-id")


class Comparisons(StudyList):
    queryset = Comparison.objects.none()
    serializer_class = s.ComparisonOut
    filterset_fields = ("kind", "ready", "judged")

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().comparisons.select_related(
            "prompt", "system_a__system", "system_b__system", "output_a", "output_b"
        )


class Judgements(StudyList):
    queryset = Judgement.objects.none()
    serializer_class = s.JudgementOut
    filterset_fields = ("simulated", "imported")

    def get_queryset(self) -> QuerySet[Any]:
        return judgements_in_force(self.study())


class Flags(StudyList):
    queryset = Flag.objects.none()
    serializer_class = s.FlagOut
    filterset_fields = ("state", "rule")

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().flags.select_related("worker")


class Audit(StudyList):
    queryset = AuditEvent.objects.none()
    serializer_class = s.AuditOut
    filterset_fields = ("verb", "actor")
    right = May.EXPORT

    def get_queryset(self) -> QuerySet[Any]:
        return AuditEvent.objects.filter(study_uuid=self.study().uuid)


class Workers(GenericAPIView[Any]):
    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request, study: UUID) -> Response:
        """All workers with their facts and flags, by pseudonym."""
        return Response({"results": current_results(study=study_of(request, study))["workers"]})


class Export(GenericAPIView[Any]):
    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY} | PROBLEMS)
    def get(self, request: Request, study: UUID, what: str, form: str) -> StreamingHttpResponse:
        """A streamed file of judgements, comparisons, outputs, workers, results, flags, audit."""
        found = study_of(request, study, May.EXPORT)
        return export_response(found, what, form, caller(request))


def export_response(study: Study, what: str, form: str, user: User) -> StreamingHttpResponse:
    """The file as a download; noted in the audit record."""
    chunks = export_stream(study=study, what=what, form=form)
    record(
        actor=user, verb="study.export", target=study, study_uuid=study.uuid,
        data={"what": what, "format": form},
    )  # fmt: skip
    response = StreamingHttpResponse(chunks, content_type=FORMATS[form][1])
    name = f"{study.uuid}-{what}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

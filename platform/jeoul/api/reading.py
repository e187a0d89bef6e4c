"""Everything a study holds, to read: lists, results, exports."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.actions import record
from jeoul.accounts.models import AuditEvent, Scope, User
from jeoul.accounts.roles import May
from jeoul.api import serializers as s
from jeoul.api.base import PROBLEMS, OfStudy, StudyItem, StudyList, caller, described, study_of
from jeoul.api.filters import ByDispute, ComparisonFilter, FlagFilter, JudgementFilter, OutputFilter
from jeoul.comparisons.models import Comparison, Judgement
from jeoul.quality.models import Flag
from jeoul.results.access import all_judgements, judgements_in_force
from jeoul.results.actions import current_results
from jeoul.results.counting import named_counts
from jeoul.results.exports import FORMATS, export_stream
from jeoul.results.progress import study_outputs, study_progress
from jeoul.studies.models import Output, Study
from jeoul.studies.prompt_sets import study_may_read
from jeoul.studies.running import plan_of


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


class Counts(GenericAPIView[Any]):
    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request, study: UUID) -> Response:
        """Judgements in force this moment by pair, slice, side shown and choice, without waiting
        for an analysis."""
        return Response({"counts": named_counts(study_of(request, study))})


def _outputs(study: Study) -> QuerySet[Output]:
    return study_outputs(study).select_related("prompt", "system_version__system").order_by("-id")


def _comparisons(study: Study) -> QuerySet[Comparison]:
    return study.comparisons.select_related(
        "prompt", "system_a__system", "system_b__system", "output_a", "output_b"
    )


class _Sealable(OfStudy):
    """Outputs whose texts wait until a sealed prompt set's studies have ended."""

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if getattr(self, "swagger_fake_view", False):
            return context
        read = study_may_read(study=self.study(), actor=caller(self.request), what="outputs")
        return {**context, "hidden": not read}


class Outputs(_Sealable, StudyList):
    """The answers of the study's systems, with text, cost and errors."""

    queryset = Output.objects.none()
    serializer_class = s.OutputOut
    filterset_class = OutputFilter

    def get_queryset(self) -> QuerySet[Any]:
        return _outputs(self.study())


class Comparisons(StudyList):
    """Which outputs meet, and how many people have judged them."""

    queryset = Comparison.objects.none()
    serializer_class = s.ComparisonOut
    filterset_class = ComparisonFilter
    filter_backends = (DjangoFilterBackend, ByDispute)

    def get_queryset(self) -> QuerySet[Any]:
        return _comparisons(self.study())


class Judgements(StudyList):
    """The judgements in force: what each person said, on every criterion."""

    queryset = Judgement.objects.none()
    serializer_class = s.JudgementOut
    filterset_class = JudgementFilter

    def get_queryset(self) -> QuerySet[Any]:
        return judgements_in_force(self.study())


class Flags(StudyList):
    """Signals about workers, with the evidence and what was decided."""

    queryset = Flag.objects.none()
    serializer_class = s.FlagOut
    filterset_class = FlagFilter

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().flags.select_related("worker")


class Audit(StudyList):
    """Who did what to the study, and when."""

    queryset = AuditEvent.objects.none()
    serializer_class = s.AuditOut
    filterset_fields = ("verb", "actor", "object_type")
    right = May.EXPORT
    scope = Scope.EXPORT

    def get_queryset(self) -> QuerySet[Any]:
        return AuditEvent.objects.filter(study_uuid=self.study().uuid)


class OutputDetail(_Sealable, StudyItem):
    """One output with its text, cost and errors."""

    queryset = Output.objects.none()
    serializer_class = s.OutputOut

    def get_queryset(self) -> QuerySet[Any]:
        return _outputs(self.study())


class ComparisonDetail(StudyItem):
    """One comparison: which outputs meet, and how many have judged it."""

    queryset = Comparison.objects.none()
    serializer_class = s.ComparisonOut

    def get_queryset(self) -> QuerySet[Any]:
        return _comparisons(self.study())


class JudgementDetail(StudyItem):
    """One judgement, also one that a later one supersedes."""

    queryset = Judgement.objects.none()
    serializer_class = s.JudgementOut

    def get_queryset(self) -> QuerySet[Any]:
        return all_judgements(self.study())


class AuditDetail(StudyItem):
    """One event of the audit record."""

    queryset = AuditEvent.objects.none()
    serializer_class = s.AuditOut
    right = May.EXPORT
    scope = Scope.EXPORT

    def get_queryset(self) -> QuerySet[Any]:
        return AuditEvent.objects.filter(study_uuid=self.study().uuid)


class Plan(GenericAPIView[Any]):
    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request, study: UUID) -> Response:
        """The plan: frozen with its hash once the study ran, a draft's as it stands."""
        found = study_of(request, study)
        return Response(
            {
                "plan": found.plan or plan_of(found),
                "hash": found.plan_hash or None,
                "frozen_at": found.frozen_at,
                "amendments": s.AmendmentOut(found.amendments.all(), many=True).data,
            }
        )


class Export(GenericAPIView[Any]):
    scope = Scope.EXPORT

    @extend_schema(
        parameters=[OpenApiParameter(
            "systems", str, many=True, required=False,
            description="two labels: of a study of more, those that comparator.json shows",
        )],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY} | PROBLEMS,
    )  # fmt: skip
    def get(self, request: Request, study: UUID, what: str, form: str) -> StreamingHttpResponse:
        """A streamed file. As csv, jsonl or parquet: judgements (in force), history (all of them),
        comparisons, outputs, workers, results, flags, audit, preferences, preferences-messages;
        and record.zip and comparator.json.
        """
        found = study_of(request, study, May.EXPORT)
        pair = tuple(request.query_params.getlist("systems"))
        return export_response(found, what, form, caller(request), pair)


def export_response(
    study: Study, what: str, form: str, user: User, pair: tuple[str, ...] = ()
) -> StreamingHttpResponse:
    """The file as a download; noted in the audit record."""
    chunks = export_stream(study=study, what=what, form=form, pair=pair)
    record(
        actor=user, verb="study.export", target=study, study_uuid=study.uuid,
        data={"what": what, "format": form},
    )  # fmt: skip
    response = StreamingHttpResponse(chunks, content_type=FORMATS[form])
    name = f"{study.uuid}-{what}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

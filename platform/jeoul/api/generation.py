"""A study's generation and its runs over the API."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.roles import May
from jeoul.api.base import StudyList, caller, checked, described, study_of
from jeoul.api.studies import prepare
from jeoul.results.actions import current_results
from jeoul.results.side_by_side import side_by_side
from jeoul.studies.access import get_system_version
from jeoul.studies.generation.control import (
    pause_generation,
    rerun_outputs,
    resume_generation,
    retry_failed,
    use_generation,
)
from jeoul.studies.generation.estimating import estimate_study
from jeoul.studies.generation.progress import generation_progress
from jeoul.studies.models import Run, Study
from jeoul.studies.runs import new_run


class KindOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    n = serializers.IntegerField()


class HoldOut(serializers.Serializer[Any]):
    connection = serializers.CharField()
    until = serializers.DateTimeField()
    reason = serializers.CharField()


class GenerationOut(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    running = serializers.IntegerField()
    due = serializers.IntegerField()
    failed = serializers.IntegerField()
    refused = serializers.IntegerField()
    truncated = serializers.IntegerField()
    model_differs = serializers.IntegerField()
    failures = KindOut(many=True)
    retrying = KindOut(many=True)
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    cost = serializers.DecimalField(20, 8)
    spent = serializers.DecimalField(20, 8, help_text="with what failed tries cost or reserve")
    cap = serializers.DecimalField(12, 4, allow_null=True)
    at_cap = serializers.BooleanField()
    currency = serializers.CharField()
    per_minute = serializers.FloatField()
    seconds_left = serializers.FloatField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    holds = HoldOut(many=True)


def _progress(study: Study) -> dict[str, Any]:
    values = asdict(generation_progress(study))
    for name in ("failures", "retrying"):
        values[name] = [{"code": code, "n": n} for code, n in values[name]]
    return dict(GenerationOut(values).data)


def _moved(request: Request, study: UUID, move: Callable[[Study], object]) -> Response:
    """One move of a study's generation; answers with its progress. A repeat changes no more."""
    found = study_of(request, study, May.RUN)
    move(found)
    return Response(_progress(found))


class Generation(GenericAPIView[Any]):
    serializer_class = GenerationOut

    @described(GenerationOut)
    def get(self, request: Request, study: UUID) -> Response:
        """How the making of the outputs stands: counts, failures by kind, cost, rate, holds."""
        return Response(_progress(study_of(request, study)))


class SystemEstimateOut(serializers.Serializer[Any]):
    system = serializers.CharField()
    outputs = serializers.IntegerField()
    left = serializers.IntegerField()
    prompt_tokens = serializers.FloatField()
    answer_tokens = serializers.FloatField()
    basis = serializers.ChoiceField(choices=["measured", "limit", "guess"])
    cost_left = serializers.DecimalField(30, 8)
    spent = serializers.DecimalField(20, 8)
    currency = serializers.CharField()


class EstimateOut(serializers.Serializer[Any]):
    systems = SystemEstimateOut(many=True)
    cap = serializers.DecimalField(12, 4, allow_null=True)
    over_cap = serializers.BooleanField()


class Estimated(GenericAPIView[Any]):
    serializer_class = EstimateOut

    @described(EstimateOut)
    def get(self, request: Request, study: UUID) -> Response:
        """What the missing outputs will cost, and from what that is known."""
        estimate = estimate_study(study_of(request, study))
        systems = [asdict(row) | {"cost_left": round(row.cost_left, 8)} for row in estimate.systems]
        values = {"systems": systems, "cap": estimate.cap, "over_cap": estimate.over_cap}
        return Response(EstimateOut(values).data)


class Pause(GenericAPIView[Any]):
    serializer_class = GenerationOut

    @described(GenerationOut)
    def post(self, request: Request, study: UUID) -> Response:
        """Take no new request; what is under way is stored."""
        return _moved(request, study, lambda s: pause_generation(study=s, actor=caller(request)))


class Resume(GenericAPIView[Any]):
    serializer_class = GenerationOut

    @described(GenerationOut)
    def post(self, request: Request, study: UUID) -> Response:
        """Go on where the pause began."""

        def move(found: Study) -> None:
            resume_generation(study=found, actor=caller(request))
            prepare(found)

        return _moved(request, study, move)


class RetryIn(serializers.Serializer[Any]):
    code = serializers.CharField(
        max_length=50, required=False, allow_blank=True, default="", help_text="one kind only"
    )


class Retry(GenericAPIView[Any]):
    serializer_class = GenerationOut

    @described(GenerationOut, takes=RetryIn)
    def post(self, request: Request, study: UUID) -> Response:
        """Try failed outputs again, all or of one kind."""

        def move(found: Study) -> None:
            retry_failed(study=found, code=checked(self, RetryIn, request)["code"])
            prepare(found)

        return _moved(request, study, move)


class RerunIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000)
    system = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="a system version; else all"
    )


class Rerun(GenericAPIView[Any]):
    serializer_class = GenerationOut

    @described(GenerationOut, takes=RerunIn)
    def post(self, request: Request, study: UUID) -> Response:
        """Make a new generation beside what is there; nothing is replaced."""

        def move(found: Study) -> None:
            given = checked(self, RerunIn, request)
            system = str(given["system"]) if given["system"] else ""
            rerun_outputs(study=found, actor=caller(request), reason=given["reason"], system=system)
            prepare(found)

        return _moved(request, study, move)


class UseIn(serializers.Serializer[Any]):
    generation = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class Use(GenericAPIView[Any]):
    serializer_class = GenerationOut

    @described(GenerationOut, takes=UseIn)
    def post(self, request: Request, study: UUID) -> Response:
        """Let new comparisons take this generation; planned ones keep what they show."""

        def move(found: Study) -> None:
            number = checked(self, UseIn, request)["generation"]
            use_generation(study=found, actor=caller(request), generation=number)

        return _moved(request, study, move)


class RunOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    version = serializers.CharField(source="system_version.label")
    previous = serializers.CharField(source="previous.label")
    reason = serializers.CharField(source="amendment.reason")
    created_at = serializers.DateTimeField()


class RunIn(serializers.Serializer[Any]):
    version = serializers.UUIDField(help_text="a system version that is not in the study yet")
    previous = serializers.UUIDField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=1000)


class Runs(StudyList):
    """Versions added after the start, each with its amendment."""

    queryset = Run.objects.none()
    serializer_class = RunOut

    def get_queryset(self) -> Any:
        return self.study().runs.select_related(
            "system_version__system", "previous__system", "amendment"
        )

    @described(RunOut, status=201, takes=RunIn)
    def post(self, request: Request, study: UUID) -> Response:
        """Add a version by an amendment; only the comparisons that are new are asked."""
        found, user = study_of(request, study, May.RUN), caller(request)
        given = checked(self, RunIn, request)
        previous = given["previous"]
        made = new_run(
            study=found,
            version=get_system_version(user, given["version"]),
            previous=get_system_version(user, previous) if previous else None,
            actor=user,
            reason=given["reason"],
        )
        prepare(found)
        return Response(RunOut(made).data, status=201)


class RunBeside(GenericAPIView[Any]):
    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request, study: UUID, number: int) -> Response:
        """Old and new version side by side, all prompts and each slice."""
        found = study_of(request, study)
        run = (
            found.runs.filter(number=min(number, 2**31 - 1))
            .select_related("system_version__system", "previous__system", "amendment")
            .first()
        )
        if run is None:
            raise Http404("No such run.")
        old, new = run.previous.label, run.system_version.label
        rows = side_by_side(current_results(study=found), old=old, new=new)
        slices = [asdict(r) | {"change": r.change, "verdict": r.verdict} for r in rows]
        return Response({"run": RunOut(run).data, "slices": slices})

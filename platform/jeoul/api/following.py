"""Following a study over the API: its alerts, what reviewers hold right, what workers were told."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.models import AuditEvent
from jeoul.accounts.roles import May
from jeoul.api.base import StudyList, caller, checked, described, study_of
from jeoul.api.serializers import AuditOut
from jeoul.api.shapes import Named
from jeoul.conduct.access import get_alert
from jeoul.conduct.alerts import mark_seen, set_route, words
from jeoul.conduct.models import Alert, AlertRoute
from jeoul.quality.actions import adjudicate, note_on_worker
from jeoul.quality.models import Adjudication
from jeoul.results.access import get_comparison, get_worker, worker_trail


class AlertOut(Named):
    message = serializers.SerializerMethodField()
    seen_by = serializers.CharField(source="seen_by.username", allow_null=True, default=None)

    class Meta:
        model = Alert
        fields = (
            "id", "kind", "message", "facts", "created_at", "mailed_at", "hooked_at", "last_error",
            "seen_at", "seen_by",
        )  # fmt: skip

    def get_message(self, row: Alert) -> str:
        """The alert as a sentence with its numbers."""
        return words(row.kind, row.facts)


class Alerts(StudyList):
    """What the study's researchers were told, newest first."""

    queryset = Alert.objects.none()
    serializer_class = AlertOut
    filterset_fields = ("kind",)

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().alerts.select_related("seen_by")


class AlertSeen(GenericAPIView[Alert]):
    serializer_class = AlertOut

    @described(AlertOut)
    def post(self, request: Request, study: UUID, alert: UUID) -> Response:
        """Note that an alert was seen; it may be raised again when it still holds a day later."""
        found = get_alert(study_of(request, study, May.RUN), alert)
        mark_seen(alert=found, actor=caller(request))
        found.refresh_from_db()
        return Response(AlertOut(found).data)


class RouteIn(serializers.Serializer[Any]):
    emails = serializers.ListField(child=serializers.EmailField(), max_length=50, required=False,
                                   default=list)  # fmt: skip
    webhook_url = serializers.URLField(
        max_length=500, required=False, allow_blank=True, default="",
        help_text="gets each alert as JSON, signed in X-Jeoul-Signature",
    )  # fmt: skip


class Route(GenericAPIView[AlertRoute]):
    """Where a study's alerts go."""

    serializer_class = RouteIn

    @described(RouteIn)
    def get(self, request: Request, study: UUID) -> Response:
        """Where alerts go; with nothing here, by mail to the owners."""
        route = AlertRoute.objects.filter(study=study_of(request, study)).first()
        return Response(RouteIn(route or AlertRoute()).data)

    @described(RouteIn, takes=RouteIn, keyed=False)
    def put(self, request: Request, study: UUID) -> Response:
        """Say where alerts go; the secret of the signature stands on the study's page."""
        found = study_of(request, study, May.RUN)
        route = set_route(study=found, actor=caller(request), **checked(self, RouteIn, request))
        return Response(RouteIn(route).data)


class AdjudicationOut(Named):
    comparison = serializers.UUIDField(source="comparison.uuid", read_only=True)
    by = serializers.CharField(source="by.username", read_only=True)

    class Meta:
        model = Adjudication
        fields = ("id", "comparison", "outcome", "note", "by", "created_at")


class AdjudicationIn(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(
        choices=["0", "1", "2", "3"], help_text="0 a wins, 1 b wins, 2 tie, 3 both bad"
    )
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class Adjudications(StudyList):
    """What reviewers hold right of disputed comparisons; it changes no vote."""

    queryset = Adjudication.objects.none()
    serializer_class = AdjudicationOut

    def get_queryset(self) -> QuerySet[Any]:
        rows = Adjudication.objects.filter(comparison__study=self.study())
        return rows.select_related("comparison", "by")


class Adjudicate(GenericAPIView[Adjudication]):
    serializer_class = AdjudicationOut

    @described(AdjudicationOut, takes=AdjudicationIn, keyed=False)
    def put(self, request: Request, study: UUID, item: UUID) -> Response:
        """Say what you hold right; a second word of yours replaces the first."""
        row = get_comparison(study_of(request, study, May.ADJUDICATE), item)
        given = checked(self, AdjudicationIn, request)
        made = adjudicate(comparison=row, actor=caller(request), **given)
        return Response(AdjudicationOut(made).data)


class NoteIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["message", "contest", "answer"])
    text = serializers.CharField(max_length=2000)


class Trail(StudyList):
    """What was decided and said about a worker in the study, newest first."""

    queryset = AuditEvent.objects.none()
    serializer_class = AuditOut

    def get_queryset(self) -> QuerySet[Any]:
        study = self.study()
        return worker_trail(study, get_worker(study, self.kwargs["worker"]))

    @described(None, status=204, takes=NoteIn, keyed=False)
    def post(self, request: Request, study: UUID, worker: str) -> Response:
        """Add what the worker or the organisers said."""
        found = study_of(request, study, May.ADJUDICATE)
        given = checked(self, NoteIn, request)
        note_on_worker(
            study=found, worker=get_worker(found, worker), actor=caller(request), **given
        )
        return Response(status=204)

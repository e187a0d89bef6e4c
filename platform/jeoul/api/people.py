"""Those who judge and those who plan: workers, vendors, exclusions, reports, members, tokens."""

from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.actions import revoke_token
from jeoul.accounts.models import ApiToken, User
from jeoul.accounts.roles import May, Role
from jeoul.api.base import StudyList, caller, checked, described, study_of
from jeoul.api.shapes import Named
from jeoul.base import InvalidInput
from jeoul.quality.models import Exclusion
from jeoul.results.access import get_worker
from jeoul.results.actions import current_results
from jeoul.risk.models import Report
from jeoul.studies.actions import set_member
from jeoul.studies.models import Membership
from jeoul.workers.access import get_own_vendor
from jeoul.workers.models import Enrolment, Vendor
from jeoul.workers.vendors import update_vendor


class ExclusionOut(Named):
    worker = serializers.CharField(source="worker.pseudonym", read_only=True)
    by = serializers.CharField(source="by.username", read_only=True)
    lifted_by = serializers.CharField(
        source="lifted_by.username", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Exclusion
        fields = ("id", "worker", "reason", "by", "created_at", "lifted_at", "lifted_by")


class ReportOut(Named):
    prompt_id = serializers.CharField(source="prompt.key", read_only=True)
    output_a = serializers.UUIDField(source="output_a.uuid", read_only=True)
    output_b = serializers.UUIDField(source="output_b.uuid", read_only=True)
    worker = serializers.CharField(source="reporter", read_only=True)

    class Meta:
        model = Report
        fields = (
            "id", "worker", "prompt_id", "output_a", "output_b", "reason", "text", "created_at",
            "handled_at",
        )  # fmt: skip


class VendorOut(Named):
    workers = serializers.IntegerField(source="workers_n", read_only=True)

    class Meta:
        model = Vendor
        fields = (
            "id", "name", "kind", "contact", "currency", "rate", "agreed_accuracy", "agreed_days",
            "workers", "created_at",
        )  # fmt: skip


class VendorTerms(serializers.ModelSerializer[Any]):
    completion = serializers.JSONField(
        required=False, help_text='codes and addresses by outcome: {"completed": {"code": "C1"}}'
    )

    class Meta:
        model = Vendor
        fields = (
            "name", "kind", "contact", "currency", "rate", "agreed_accuracy", "agreed_days",
            "completion",
        )  # fmt: skip
        # The owner is the caller; update_vendor looks for a taken name.
        validators: tuple[Any, ...] = ()


class WorkerOut(serializers.ModelSerializer[Any]):
    worker = serializers.CharField(source="worker.pseudonym", read_only=True)
    vendor = serializers.CharField(source="worker.vendor.name", read_only=True)
    state = serializers.CharField(source="worker.state", read_only=True)
    languages = serializers.JSONField(source="worker.languages", read_only=True)
    simulated = serializers.BooleanField(source="worker.simulated", read_only=True)

    class Meta:
        model = Enrolment
        fields = (
            "worker", "vendor", "state", "languages", "simulated", "stage", "consented_at",
            "finished_at", "submitted",
        )  # fmt: skip


class WorkerFacts(serializers.Serializer[Any]):
    """A worker as the results describe them; each share with its interval where it has one."""

    worker = serializers.CharField()
    vendor = serializers.CharField()
    n = serializers.IntegerField(help_text="judgements in force")
    median_seconds = serializers.FloatField(allow_null=True)
    agreement = serializers.FloatField(allow_null=True)
    gold_n = serializers.IntegerField()
    gold_right = serializers.IntegerField()
    left_share = serializers.FloatField(allow_null=True)
    excluded = serializers.BooleanField()
    flags = serializers.JSONField()

    def to_representation(self, instance: Enrolment) -> dict[str, Any]:
        name = instance.worker.pseudonym
        found: dict[str, Any] = self.context["facts"].get(name, {"worker": name, "n": 0})
        return found


class MemberOut(serializers.ModelSerializer[Any]):
    username = serializers.CharField(source="user.username", read_only=True)

    class Meta:
        model = Membership
        fields = ("username", "role")


class MemberIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(
        choices=Role.choices, allow_null=True, help_text="null takes the role away"
    )


class TokenOut(Named):
    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at")


class Me(GenericAPIView[Any]):
    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Whose token this is, what it may do and when it ends."""
        user, token = caller(request), request.auth
        assert isinstance(token, ApiToken)  # the permission class lets no other in
        return Response(
            {"username": user.username, "email": user.email, "token": TokenOut(token).data}
        )


class Tokens(ListAPIView[ApiToken]):
    """Your live tokens, without their texts; new ones are made on the account page only."""

    queryset = ApiToken.objects.none()
    serializer_class = TokenOut

    def get_queryset(self) -> QuerySet[ApiToken]:
        return caller(self.request).api_tokens.filter(revoked_at=None)


class TokenDetail(GenericAPIView[ApiToken]):
    serializer_class = TokenOut

    @described(None, status=204)
    def delete(self, request: Request, token: UUID) -> Response:
        """Revoke a token of yours at once."""
        found = caller(request).api_tokens.filter(uuid=token).first()
        if found is None:
            raise Http404("No such token.")
        revoke_token(token=found, actor=caller(request))
        return Response(status=204)


class Vendors(ListAPIView[Vendor]):
    """Where your annotators come from."""

    queryset = Vendor.objects.none()
    serializer_class = VendorOut
    filterset_fields = ("name", "kind")

    def get_queryset(self) -> QuerySet[Vendor]:
        return caller(self.request).vendors.annotate(workers_n=Count("workers")).order_by("-id")


class VendorView(GenericAPIView[Vendor]):
    serializer_class = VendorTerms

    @described(VendorOut)
    def get(self, request: Request, vendor: UUID) -> Response:
        """One vendor with its terms."""
        return Response(VendorOut(_vendor(request, vendor)).data)

    @described(VendorOut, takes=VendorTerms)
    def patch(self, request: Request, vendor: UUID) -> Response:
        """Set some of a vendor's terms; its completion goes before a study's own."""
        found = _vendor(request, vendor)
        given = VendorTerms(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        update_vendor(vendor=found, actor=caller(request), terms=given.validated_data)
        return Response(VendorOut(found).data)


def _vendor(request: Request, uuid: UUID) -> Vendor:
    found = get_own_vendor(caller(request), uuid)
    found.workers_n = found.workers.count()  # type: ignore[attr-defined]  # the list annotates it
    return found


class Workers(StudyList):
    """Workers with judgements, newest first, with their facts and flags, by pseudonym.

    Facts are those of the results as they stand now; one who gave no valid answer has none.
    """

    queryset = Enrolment.objects.none()
    serializer_class = WorkerFacts
    filterset_fields = ("stage",)

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().enrolments.filter(submitted__gt=0).select_related("worker")

    def get_serializer_context(self) -> dict[str, Any]:
        if getattr(self, "swagger_fake_view", False):
            return dict(super().get_serializer_context())
        facts = current_results(study=self.study())["workers"]
        return {**super().get_serializer_context(), "facts": {w["worker"]: w for w in facts}}


class WorkerDetail(GenericAPIView[Enrolment]):
    serializer_class = WorkerOut

    @described(OpenApiTypes.OBJECT)
    def get(self, request: Request, study: UUID, worker: str) -> Response:
        """One worker's part in the study, and their facts and flags in the results."""
        found = study_of(request, study)
        person = get_worker(found, worker)
        enrolment = Enrolment.objects.select_related("worker__vendor").get(
            study=found, worker=person
        )
        facts = {w["worker"]: w for w in current_results(study=found)["workers"]}
        return Response(WorkerOut(enrolment).data | {"facts": facts.get(person.pseudonym)})


class Enrolments(StudyList):
    """Who came to the study and how far they got, by pseudonym."""

    queryset = Enrolment.objects.none()
    serializer_class = WorkerOut
    filterset_fields = ("stage",)

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().enrolments.select_related("worker__vendor")


class Exclusions(StudyList):
    """Every decision to leave a worker out, lifted ones too."""

    queryset = Exclusion.objects.none()
    serializer_class = ExclusionOut

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().exclusions.select_related("worker", "by", "lifted_by")


class Reports(StudyList):
    """What annotators reported as harmful, personal or broken."""

    queryset = Report.objects.none()
    serializer_class = ReportOut
    filterset_fields = ("reason",)

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().reports.select_related("prompt", "output_a", "output_b")


class Members(StudyList):
    """Who may do what on the study."""

    queryset = Membership.objects.none()
    serializer_class = MemberOut

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().memberships.select_related("user")

    @described(MemberOut(many=True), takes=MemberIn)
    def put(self, request: Request, study: UUID) -> Response:
        """Give a researcher a role, or take it away; one owner always stays."""
        found = study_of(request, study, May.OWN)
        given = checked(self, MemberIn, request)
        user = User.objects.filter(username=given["username"], is_active=True).first()
        if user is None:
            raise InvalidInput("There is no such researcher.", field="username")
        role = Role(given["role"]) if given["role"] else None
        set_member(study=found, actor=caller(request), user=user, role=role)
        return self.list(request)

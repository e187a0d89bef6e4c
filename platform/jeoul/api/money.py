"""Money over the API: what a study cost, the ledger, and its steps."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.models import Scope
from jeoul.accounts.roles import May
from jeoul.api import examples
from jeoul.api.base import StudyList, caller, checked, described, study_of
from jeoul.api.shapes import Named
from jeoul.payments.actions import take_step
from jeoul.payments.models import LedgerEntry, Step
from jeoul.payments.reading import Balance, balances, get_vendor_of
from jeoul.results.actions import latest_analysis
from jeoul.results.costs import Costs, VendorCost, study_costs


class BalanceOut(serializers.Serializer[Any]):
    owed = serializers.DecimalField(20, 4)
    approved = serializers.DecimalField(20, 4)
    sent = serializers.DecimalField(20, 4)
    confirmed = serializers.DecimalField(20, 4)
    unknown = serializers.DecimalField(20, 4)


class VendorCostOut(serializers.Serializer[Any]):
    vendor = serializers.UUIDField(source="vendor.uuid")
    name = serializers.CharField(source="vendor.name")
    workers = serializers.IntegerField()
    judgements = serializers.IntegerField()
    valid = serializers.IntegerField(help_text="those that no exclusion leaves out")
    cost = serializers.DecimalField(20, 4)
    currency = serializers.CharField()
    per_judgement = serializers.DecimalField(20, 6, allow_null=True)
    per_valid = serializers.DecimalField(20, 6, allow_null=True)
    balance = serializers.SerializerMethodField()

    @extend_schema_field(BalanceOut)
    def get_balance(self, row: VendorCost) -> dict[str, str]:
        """What stands at each step of the ledger, in the study's currency."""
        balance = self.context["balances"].get(row.vendor.pk, Balance())
        return {step: str(amount) for step, amount in asdict(balance).items()}


class GenerationCostOut(serializers.Serializer[Any]):
    system = serializers.CharField()
    connection = serializers.CharField()
    outputs = serializers.IntegerField()
    cost = serializers.DecimalField(20, 8)
    currency = serializers.CharField()


class CostsOut(serializers.Serializer[Any]):
    currency = serializers.CharField()
    total = serializers.DecimalField(20, 8)
    people = serializers.DecimalField(20, 8)
    generation = serializers.DecimalField(20, 8)
    other = serializers.DictField(
        child=serializers.DecimalField(20, 8), help_text="what is not in the study's currency"
    )
    judgements = serializers.IntegerField()
    valid = serializers.IntegerField()
    decisions = serializers.IntegerField(help_text="pairs whose interval leaves out one half")
    per_judgement = serializers.DecimalField(20, 6, allow_null=True)
    per_valid = serializers.DecimalField(20, 6, allow_null=True)
    per_decision = serializers.DecimalField(20, 6, allow_null=True)
    vendors = VendorCostOut(many=True)
    systems = GenerationCostOut(many=True)


class StudyCosts(GenericAPIView[Any]):
    serializer_class = CostsOut

    @described(CostsOut, gives=examples.COSTS_OUT)
    def get(self, request: Request, study: UUID) -> Response:
        """What knowing it cost: per judgement, per valid judgement, per decision, by vendor."""
        found = study_of(request, study)
        analysis = latest_analysis(found)
        costs: Costs = study_costs(found, analysis.results if analysis else None)
        return Response(CostsOut(costs, context={"balances": balances(found)}).data)


class LedgerOut(Named):
    worker = serializers.CharField(source="worker.pseudonym", read_only=True)
    vendor = serializers.CharField(source="worker.vendor.name", read_only=True)
    follows = serializers.UUIDField(source="follows.uuid", allow_null=True, default=None)
    by = serializers.CharField(source="by.username", allow_null=True, default=None)

    class Meta:
        model = LedgerEntry
        fields = (
            "id", "worker", "vendor", "step", "amount", "currency", "follows", "by", "note",
            "created_at",
        )  # fmt: skip


class Ledger(StudyList):
    """Every step of money, one row each, never changed."""

    queryset = LedgerEntry.objects.none()
    serializer_class = LedgerOut
    filterset_fields = ("step",)

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().ledger.select_related("worker__vendor", "follows", "by")


class StepIn(serializers.Serializer[Any]):
    step = serializers.ChoiceField(choices=[s for s in Step if s != Step.OWED])
    note = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class StepDone(serializers.Serializer[Any]):
    amount = serializers.DecimalField(20, 4)
    currency = serializers.CharField()


class MoneyStep(GenericAPIView[Any]):
    serializer_class = StepDone
    scope = Scope.RUN

    @described(StepDone, takes=StepIn, given={"step": "approved"}, keyed=False)
    def post(self, request: Request, study: UUID, vendor: UUID) -> Response:
        """Approve what a vendor's workers are owed, or note what became of it; moves no money.

        Each amount moves on once, so a repeat finds nothing left and answers 0.
        """
        found = study_of(request, study, May.OWN)
        given = checked(self, StepIn, request)
        total = take_step(
            study=found, vendor=get_vendor_of(found, vendor), actor=caller(request),
            step=Step(given["step"]), note=given["note"],
        )  # fmt: skip
        return Response(StepDone({"amount": total, "currency": found.currency}).data)

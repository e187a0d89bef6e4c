"""The gate over the API: may this version ship?"""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.roles import May
from jeoul.api import examples
from jeoul.api.base import caller, checked, described, study_of
from jeoul.results.gate_state import gate_of
from jeoul.studies.gate_actions import set_gate


class GateConditionOut(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["pass", "fail", "not_yet"])
    code = serializers.ChoiceField(
        choices=[
            "unknown",
            "none",
            "too_few",
            "few_prompts",
            "no_width",
            "above",
            "below",
            "holds",
            "prompts",
            "hopeless",
            "closed",
        ],
        help_text="the reason for programs",
    )
    reason = serializers.CharField()
    system = serializers.CharField()
    baseline = serializers.CharField()
    claim = serializers.ChoiceField(choices=["better", "not_worse"])
    criterion = serializers.CharField()
    where = serializers.DictField(child=serializers.CharField())
    threshold = serializers.FloatField(help_text="the lower bound must lie above it")
    estimate = serializers.FloatField(allow_null=True, help_text="win rate of the system")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField(help_text="judgements of this pair in this slice")
    missing = serializers.IntegerField(
        allow_null=True, help_text="judgements that are probably missing; null: can't be said"
    )
    needs = serializers.DictField(
        child=serializers.IntegerField(), allow_null=True,
        help_text="prompts and people that are missing before there is an interval",
    )  # fmt: skip
    method = serializers.CharField()


class GateOut(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["pass", "fail", "not_yet"])
    missing = serializers.IntegerField(allow_null=True)
    intervals = serializers.CharField(help_text="which kind of interval was used, and why")
    closed = serializers.BooleanField()
    study_state = serializers.CharField()
    amendments = serializers.IntegerField()
    conditions = GateConditionOut(many=True)
    rule = serializers.JSONField()
    study = serializers.JSONField()


class GateIn(serializers.Serializer[Any]):
    rule = serializers.JSONField(allow_null=True, help_text="null takes the gate away")
    reason = serializers.CharField(
        max_length=4000, required=False, default="", allow_blank=True,
        help_text="needed once the plan is frozen: the change is an amendment",
    )  # fmt: skip


class Gate(GenericAPIView[Any]):
    serializer_class = GateOut

    @described(GateOut, gives=examples.GATE_OUT)
    def get(self, request: Request, study: UUID) -> Response:
        """Pass, fail or not yet, with the reasons and how many judgements are probably missing.

        While the study runs the intervals are confidence sequences, so it may be asked as often
        as one likes; once it is closed they are ordinary intervals. 409 ``no_gate`` without a rule.
        """
        return Response(gate_of(study_of(request, study)))

    @described(GateOut, takes=GateIn, given=examples.GATE_IN, keyed=False)
    def put(self, request: Request, study: UUID) -> Response:
        """Give the study its rule; the same rule again changes nothing."""
        found = study_of(request, study, May.RUN)
        given = checked(self, GateIn, request)
        set_gate(study=found, actor=caller(request), rule=given["rule"], reason=given["reason"])
        return Response(gate_of(found) if found.gate else {"state": "not_yet", "rule": None})

"""Filters of the lists, by the names that the rows show."""

from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from jeoul.comparisons.models import Comparison, Judgement
from jeoul.quality.models import Flag
from jeoul.results.disputes import disputed
from jeoul.studies.models import Output, Study


class _Systems(filters.FilterSet):  # type: ignore[misc]  # untyped base
    """``system`` takes the name of a system or its label with the version (``chat v2``)."""

    def either(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Rows in which the system stands on one of the sides."""
        stem, _, version = value.rpartition(" v")
        numbered = stem and version.isascii() and version.isdigit() and len(version) < 6
        wanted = Q()
        for side in name.split(","):
            wanted |= Q(**{f"{side}__system__name": value})
            if numbered:
                wanted |= Q(**{f"{side}__system__name": stem, f"{side}__number": int(version)})
        return rows.filter(wanted)


class OutputFilter(_Systems):
    prompt_id = filters.CharFilter("prompt__key")
    system = filters.CharFilter("system_version", method="either")

    class Meta:
        model = Output
        fields = ("state", "sample", "finish_reason", "error_code", "imported")


class ComparisonFilter(_Systems):
    prompt_id = filters.CharFilter("prompt__key")
    system = filters.CharFilter("system_a,system_b", method="either")
    risk = filters.CharFilter("prompt__risk")
    category = filters.CharFilter("prompt__category")
    disputed = filters.BooleanFilter("dispute", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Comparison
        fields = ("kind", "ready", "judged")


class ByDispute(BaseFilterBackend):
    """``order=dispute``: the comparisons that are disputed, the most disputed first."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        study: Study = view.study()  # type: ignore[attr-defined]  # a list of one study
        return disputed(queryset, study) if _asked(request) else queryset

    def get_ordering(
        self, request: Request, _queryset: QuerySet[Any], _view: APIView
    ) -> tuple[str, ...]:
        """What the cursor goes by."""
        return ("place", "pk") if _asked(request) else ("-pk",)

    def get_schema_operation_parameters(self, _view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": "order", "in": "query", "required": False,
                "schema": {"type": "string", "enum": ["dispute"]},
                "description": "the disputed ones, the most disputed first; else newest first",
            }
        ]  # fmt: skip


def _asked(request: Request) -> bool:
    order = request.query_params.get("order", "")
    if order not in ("", "dispute"):
        raise ValidationError({"order": ["It is dispute, or left out."]})
    return bool(order)


class JudgementFilter(_Systems):
    comparison = filters.UUIDFilter("comparison__uuid")
    prompt_id = filters.CharFilter("comparison__prompt__key")
    system = filters.CharFilter("comparison__system_a,comparison__system_b", method="either")
    worker = filters.CharFilter("worker__pseudonym")
    kind = filters.CharFilter("comparison__kind")
    since = filters.IsoDateTimeFilter("judged_at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter("judged_at", lookup_expr="lt")

    class Meta:
        model = Judgement
        fields = ("simulated", "imported")


class FlagFilter(filters.FilterSet):  # type: ignore[misc]  # untyped base
    worker = filters.CharFilter("worker__pseudonym")

    class Meta:
        model = Flag
        fields = ("state", "rule")

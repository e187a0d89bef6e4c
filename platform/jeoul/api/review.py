"""What is held in a study and what stands in a corpus, over the API."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.roles import May
from jeoul.api.base import StudyList, caller, checked, described, study_of
from jeoul.api.shapes import Named
from jeoul.comparisons.standing import apply_decision
from jeoul.risk.access import get_review_item, review_items
from jeoul.risk.actions import decide_item
from jeoul.risk.contamination.jobs import request_check
from jeoul.risk.models import CleanState, CorpusJob, PromptOverlap, ReviewItem, Verdict, Violating
from jeoul.studies.access import get_own_prompt_set, get_prompt_set, get_prompt_version
from jeoul.studies.prompt_sets import may_read
from tasks.risk import check_corpus


class ReviewItemOut(Named):
    prompt_id = serializers.CharField(source="prompt.key", read_only=True)
    output = serializers.UUIDField(source="output.uuid", allow_null=True, default=None)
    other = serializers.UUIDField(source="other.uuid", allow_null=True, default=None)
    kinds = serializers.ListField(child=serializers.CharField(), read_only=True)
    decided_by = serializers.CharField(source="decided_by.username", allow_null=True, default=None)

    class Meta:
        model = ReviewItem
        fields = (
            "id", "source", "prompt_id", "output", "other", "kinds", "verdict", "violating",
            "reason", "decided_by", "decided_at", "created_at",
        )  # fmt: skip


class DecisionIn(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField([Verdict.ALLOWED.value, Verdict.REMOVED.value])
    reason = serializers.CharField(max_length=1000)
    violating = serializers.ChoiceField(
        Violating.choices, required=False, default="",
        help_text="needed to leave out two answers for harm: which of them does it",
    )  # fmt: skip


class OverlapOut(serializers.ModelSerializer[PromptOverlap]):
    check = serializers.UUIDField(source="check_row.uuid", read_only=True)
    fingerprint = serializers.CharField(source="check_row.fingerprint", read_only=True)
    prompt_id = serializers.CharField(source="prompt.key", read_only=True)
    state = serializers.ChoiceField(CleanState.choices, read_only=True)
    passages = serializers.SerializerMethodField()

    class Meta:
        model = PromptOverlap
        fields = (
            "check", "fingerprint", "prompt_id", "state", "tokens", "gpt3", "palm", "llama3",
            "llama2", "passages",
        )  # fmt: skip

    def get_passages(self, overlap: PromptOverlap) -> list[dict[str, Any]]:
        """Empty while the set is sealed: a passage is the prompt's text."""
        return [] if self.context.get("hidden") else list(overlap.passages)


class ReviewItems(StudyList):
    """What a scan held or an annotator reported."""

    queryset = ReviewItem.objects.none()
    serializer_class = ReviewItemOut
    filterset_fields = ("source", "verdict")

    def get_queryset(self) -> QuerySet[ReviewItem]:
        return review_items(self.study())


class DecideItem(GenericAPIView[Any]):
    serializer_class = DecisionIn

    @described(ReviewItemOut, takes=DecisionIn, keyed=False)
    def patch(self, request: Request, study: UUID, item: UUID) -> Response:
        """Say whether a text may be shown, with a reason; comparisons follow at once."""
        found = get_review_item(study_of(request, study, May.ADJUDICATE), item)
        given = checked(self, DecisionIn, request)
        decided = decide_item(item=found, actor=caller(request), **given)
        apply_decision(item=decided)
        return Response(ReviewItemOut(decided).data)


class CorpusIn(serializers.Serializer[Any]):
    paths = serializers.ListField(
        child=serializers.CharField(max_length=1000), min_length=1, max_length=100,
        help_text="files or patterns in the folders that the operator opened",
    )  # fmt: skip
    field = serializers.CharField(
        max_length=100, required=False, allow_blank=True, default="",
        help_text="JSON lines: the key that holds the text; else every text is read",
    )  # fmt: skip


class CorpusJobOut(Named):
    check = serializers.UUIDField(
        source="check_row.uuid", read_only=True, allow_null=True, default=None
    )
    version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = CorpusJob
        fields = (
            "id", "version", "done_bytes", "whole_bytes", "finished_at", "check", "message",
            "created_at",
        )  # fmt: skip


class ContaminationChecks(ListAPIView[CorpusJob]):
    """Looks through training data that were asked for, with how far each is."""

    queryset = CorpusJob.objects.none()
    serializer_class = CorpusJobOut
    filter_backends = ()

    def get_queryset(self) -> QuerySet[CorpusJob]:
        found = get_prompt_set(caller(self.request), self.kwargs["prompt_set"])
        return CorpusJob.objects.filter(version__prompt_set=found).select_related(
            "check_row", "version"
        )

    @described(CorpusJobOut, status=202, takes=CorpusIn, keyed=False)
    def post(self, request: Request, prompt_set: UUID) -> Response:
        """Have the operator's corpora looked through for the latest version; owners only."""
        user = caller(request)
        version = get_prompt_version(get_own_prompt_set(user, prompt_set))
        job = request_check(version=version, actor=user, **checked(self, CorpusIn, request))
        transaction.on_commit(lambda: check_corpus.delay(job.pk))
        return Response(CorpusJobOut(job).data, status=202)


class Contamination(ListAPIView[PromptOverlap]):
    """Per prompt of the latest version the share of its tokens in each corpus looked through."""

    queryset = PromptOverlap.objects.none()
    serializer_class = OverlapOut
    filterset_fields = ("state", "gpt3")

    def get_queryset(self) -> QuerySet[PromptOverlap]:
        found = get_prompt_set(caller(self.request), self.kwargs["prompt_set"])
        self._hidden = not may_read(
            prompt_set=found, actor=caller(self.request), what="contamination"
        )
        return PromptOverlap.objects.filter(check_row__version=found.latest()).select_related(
            "prompt", "check_row"
        )

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "hidden": getattr(self, "_hidden", True)}

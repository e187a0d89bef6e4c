"""The API's shapes of studies and what they hold: one for what comes in, one for what goes out."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jeoul.api.serializers_material import SystemVersionOut
from jeoul.api.shapes import INT, SMALL, Named
from jeoul.comparisons.models import Comparison, Judgement
from jeoul.crowd import PROVIDERS, get_provider
from jeoul.quality.models import Flag
from jeoul.results.exports.rows import choice_of
from jeoul.studies.actions import CriterionSpec
from jeoul.studies.models import (
    Criterion,
    Design,
    FreeText,
    LeaveOut,
    Output,
    RiskAction,
    Study,
)
from jeoul.workers.models import Invite, WorkerState


class CriterionIn(serializers.Serializer[Any]):
    key = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=100)
    question = serializers.CharField(max_length=300)
    definition = serializers.CharField(
        max_length=20_000, required=False, allow_blank=True, default=""
    )
    scale = serializers.ChoiceField(choices=[2, 3, 4, 5, 7], default=4)
    chips = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=20, required=False, default=list
    )
    free_text = serializers.ChoiceField(choices=FreeText.choices, default=FreeText.OPTIONAL.value)
    is_overall = serializers.BooleanField(default=False)

    def spec(self, data: dict[str, Any]) -> CriterionSpec:
        return CriterionSpec(**data)


class StudySettings(serializers.Serializer[Any]):
    """What may be given at creation and changed in a draft; what is left out keeps its value."""

    question = serializers.CharField(max_length=500, required=False, allow_blank=True)
    design = serializers.ChoiceField(choices=Design.choices, required=False)
    samples = serializers.IntegerField(min_value=1, max_value=100, required=False)
    overlap = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=INT, required=False)
    languages = serializers.ListField(
        child=serializers.CharField(max_length=35), max_length=50, required=False
    )
    instructions = serializers.CharField(max_length=100_000, required=False, allow_blank=True)
    consent_text = serializers.CharField(max_length=100_000, required=False, allow_blank=True)
    content_warning = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    help_text = serializers.CharField(  # type: ignore[assignment]  # the setting's name
        max_length=10_000, required=False, allow_blank=True
    )
    contact = serializers.CharField(max_length=200, required=False, allow_blank=True)
    ethics_reference = serializers.CharField(max_length=200, required=False, allow_blank=True)
    blur = serializers.BooleanField(required=False)
    nudges = serializers.BooleanField(required=False)
    break_every = serializers.IntegerField(
        min_value=1, max_value=10_000, required=False, allow_null=True
    )
    qualification_items = serializers.IntegerField(min_value=0, max_value=100, required=False)
    qualification_pass = serializers.FloatField(min_value=0.01, max_value=1, required=False)
    qualification_tries = serializers.IntegerField(min_value=1, max_value=20, required=False)
    gold_fail_after = serializers.IntegerField(
        min_value=1, max_value=10_000, required=False, allow_null=True
    )
    reservation_minutes = serializers.IntegerField(min_value=1, max_value=1440, required=False)
    worker_cap = serializers.IntegerField(
        min_value=1, max_value=INT, required=False, allow_null=True
    )
    judgement_cap = serializers.IntegerField(
        min_value=1, max_value=INT, required=False, allow_null=True,
        help_text="judgements of the whole study",
    )  # fmt: skip
    prompt_distance = serializers.IntegerField(min_value=0, max_value=SMALL, required=False)
    gold_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    gold_max = serializers.IntegerField(min_value=0, max_value=SMALL, required=False)
    repeat_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    repeat_max = serializers.IntegerField(min_value=0, max_value=SMALL, required=False)
    contamination = serializers.ChoiceField(
        choices=LeaveOut.choices, required=False,
        help_text="prompts that stand in a public corpus: kept, or left out",
    )  # fmt: skip
    pay_per_judgement = serializers.DecimalField(10, 4, min_value=0, required=False)
    pay_floor_per_hour = serializers.DecimalField(10, 2, min_value=0, required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)
    two_people = serializers.BooleanField(
        required=False, help_text="who approved a payment is not the one who sends it"
    )
    budget = serializers.DecimalField(12, 2, min_value=0, required=False, allow_null=True)
    generation_cap = serializers.DecimalField(
        12, 4, min_value=0, required=False, allow_null=True,
        help_text="no request to a provider beyond this sum",
    )  # fmt: skip
    risk_policy = serializers.DictField(
        child=serializers.ChoiceField(choices=RiskAction.choices), required=False,
        help_text="by kind of finding what follows; kinds left out keep the default",
    )  # fmt: skip
    smallest_difference = serializers.FloatField(min_value=0.005, max_value=0.45, required=False)
    pilot_prompts = serializers.IntegerField(
        min_value=2, max_value=INT, required=False, allow_null=True
    )


class StudyIn(StudySettings):
    title = serializers.CharField(max_length=200)
    slug = serializers.SlugField(max_length=80, required=False, default="", allow_unicode=True)
    prompt_set = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="its latest version is taken"
    )
    systems = serializers.ListField(
        child=serializers.UUIDField(), max_length=200, required=False, default=list,
        help_text="ids of system versions",
    )  # fmt: skip
    baseline = serializers.UUIDField(required=False, allow_null=True, default=None)
    criteria = CriterionIn(many=True, required=False, default=list)


class StudyPatch(StudySettings):
    """What is left out stays as it is."""

    title = serializers.CharField(max_length=200, required=False)
    prompt_set = serializers.UUIDField(required=False, allow_null=True)
    systems = serializers.ListField(
        child=serializers.UUIDField(), max_length=200, required=False,
        help_text="ids of system versions, all of them",
    )  # fmt: skip
    baseline = serializers.UUIDField(required=False, allow_null=True)
    criteria = CriterionIn(many=True, required=False)


class CriterionOut(Named):
    class Meta:
        model = Criterion
        fields = (
            "id", "key", "name", "question", "definition", "scale", "chips", "free_text",
            "is_overall",
        )  # fmt: skip


class StudyOut(Named):
    systems = serializers.SerializerMethodField()
    baseline = serializers.SerializerMethodField()
    criteria = CriterionOut(many=True, read_only=True)
    prompt_set = serializers.UUIDField(
        source="prompt_set_version.prompt_set.uuid", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Study
        fields = (
            "id", "slug", "title", "question", "state", "prompt_set", "systems", "baseline",
            "criteria",
            "design", "samples", "overlap", "seed", "languages", "instructions", "consent_text",
            "content_warning", "help_text", "contact", "ethics_reference", "blur", "nudges",
            "break_every", "qualification_items", "qualification_pass", "qualification_tries",
            "gold_fail_after", "reservation_minutes", "worker_cap", "prompt_distance",
            "judgement_cap", "gold_share", "gold_max", "repeat_share", "repeat_max",
            "pay_per_judgement", "pay_floor_per_hour", "currency", "two_people", "budget",
            "generation_cap", "smallest_difference", "pilot_prompts", "contamination", "gate",
            "risk_policy",
            "generation_paused_at", "plan_hash", "frozen_at", "closed_at", "simulated", "imported",
            "created_at",
        )  # fmt: skip

    @extend_schema_field(SystemVersionOut(many=True))
    def get_systems(self, row: Study) -> Any:
        """In the plan's order."""
        return SystemVersionOut([e.system_version for e in row.entries.all()], many=True).data

    def get_baseline(self, row: Study) -> UUID | None:
        """The id of the system version that the others meet."""
        return next((e.system_version.uuid for e in row.entries.all() if e.is_baseline), None)


class AmendmentIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=4000)
    pilot_prompts = serializers.IntegerField(
        min_value=2, max_value=INT, required=False, allow_null=True,
        help_text="null ends the pilot: all prompts are asked",
    )  # fmt: skip
    overlap = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    worker_cap = serializers.IntegerField(
        min_value=1, max_value=INT, required=False, allow_null=True
    )
    judgement_cap = serializers.IntegerField(
        min_value=1, max_value=INT, required=False, allow_null=True
    )
    reservation_minutes = serializers.IntegerField(min_value=1, max_value=1440, required=False)
    budget = serializers.DecimalField(12, 2, min_value=0, required=False, allow_null=True)
    generation_cap = serializers.DecimalField(
        12, 4, min_value=0, required=False, allow_null=True,
        help_text="no request to a provider beyond this sum",
    )  # fmt: skip
    instructions = serializers.CharField(max_length=100_000, required=False, allow_blank=True)
    risk_policy = serializers.DictField(
        child=serializers.ChoiceField(choices=RiskAction.choices), required=False
    )
    contamination = serializers.ChoiceField(choices=LeaveOut.choices, required=False)


class AmendmentOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    reason = serializers.CharField()
    change = serializers.JSONField()
    created_at = serializers.DateTimeField()


class ProgressOut(serializers.Serializer[Any]):
    outputs = serializers.IntegerField()
    outputs_done = serializers.IntegerField()
    outputs_failed = serializers.IntegerField()
    outputs_running = serializers.IntegerField()
    comparisons = serializers.IntegerField()
    ready = serializers.IntegerField()
    planned = serializers.IntegerField()
    judged = serializers.IntegerField()
    held = serializers.IntegerField()
    percent = serializers.IntegerField()
    workers = serializers.IntegerField()
    judgements_per_hour = serializers.FloatField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    people_cost = serializers.DecimalField(20, 8)
    generation_cost = serializers.DecimalField(20, 8)
    other_costs = serializers.DictField(
        child=serializers.DecimalField(20, 8),
        help_text="what is not in the study's currency, by its own",
    )


class OutputOut(Named):
    prompt_id = serializers.CharField(source="prompt.key", read_only=True)
    system = serializers.CharField(source="system_version.label", read_only=True)
    text = serializers.SerializerMethodField()

    class Meta:
        model = Output
        fields = (
            "id", "prompt_id", "system", "sample", "state", "text", "finish_reason",
            "reported_model", "prompt_tokens", "completion_tokens", "latency_ms", "cost",
            "attempts", "error_code", "error_message", "content_hash", "imported", "generation",
            "model_differs",
        )  # fmt: skip

    def get_text(self, row: Output) -> str | None:
        """Null while the prompt set is sealed: an answer tells what was asked."""
        return None if self.context.get("hidden") else row.text


class ComparisonOut(Named):
    prompt_id = serializers.CharField(source="prompt.key", read_only=True)
    system_a = serializers.CharField(source="system_a.label", read_only=True)
    system_b = serializers.CharField(source="system_b.label", read_only=True)
    output_a = serializers.UUIDField(source="output_a.uuid", read_only=True)
    output_b = serializers.UUIDField(source="output_b.uuid", read_only=True)

    class Meta:
        model = Comparison
        fields = (
            "id", "kind", "prompt_id", "system_a", "system_b", "output_a", "output_b", "target",
            "judged", "ready", "position",
        )  # fmt: skip


class AnswerOut(serializers.Serializer[Any]):
    criterion = serializers.CharField(source="criterion.key")
    choice = serializers.SerializerMethodField()
    outcome = serializers.IntegerField(help_text="0 a wins, 1 b wins, 2 tie, 3 both bad")
    grade = serializers.IntegerField(allow_null=True, help_text="positive prefers a")
    chips = serializers.ListField(child=serializers.CharField())

    def get_choice(self, answer: Any) -> str:
        """a, b, tie, both_bad, or the grade as text."""
        return str(choice_of(answer.outcome, answer.grade, answer.criterion.scale))


class JudgementOut(Named):
    comparison = serializers.UUIDField(source="comparison.uuid", read_only=True)
    prompt_id = serializers.CharField(source="comparison.prompt.key", read_only=True)
    system_a = serializers.CharField(source="comparison.system_a.label", read_only=True)
    system_b = serializers.CharField(source="comparison.system_b.label", read_only=True)
    worker = serializers.CharField(source="worker.pseudonym", read_only=True)
    answers = AnswerOut(many=True, read_only=True)
    left = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="judged_at", read_only=True)

    class Meta:
        model = Judgement
        fields = (
            "id", "comparison", "prompt_id", "system_a", "system_b", "worker", "answers", "left",
            "seconds", "created_at", "simulated", "imported",
        )  # fmt: skip

    def get_left(self, row: Judgement) -> str | None:
        """Which system was shown left: a, b, or null where unknown."""
        return None if row.a_on_left is None else "a" if row.a_on_left else "b"


class FlagOut(Named):
    worker = serializers.CharField(source="worker.pseudonym", read_only=True)

    class Meta:
        model = Flag
        fields = ("id", "worker", "rule", "rule_version", "evidence", "state", "created_at")


class FlagIn(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["upheld", "dismissed"])


class InviteOut(Named):
    vendor = serializers.CharField(source="vendor.name", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Invite
        fields = (
            "id", "vendor", "url", "cap", "judgement_cap", "provider", "closed_at", "created_at",
        )  # fmt: skip

    def get_url(self, row: Invite) -> str:
        """The link that workers get."""
        return f"{settings.SITE_URL}/join/{row.token}/{get_provider(row.provider).entry_query()}"


class InviteIn(serializers.Serializer[Any]):
    vendor = serializers.CharField(max_length=100, default="In-house")
    cap = serializers.IntegerField(min_value=1, max_value=INT, required=False, allow_null=True)
    judgement_cap = serializers.IntegerField(
        min_value=1, max_value=INT, required=False, allow_null=True,
        help_text="judgements of the vendor by all its links to this study",
    )  # fmt: skip
    provider = serializers.ChoiceField(
        choices=[(name, name) for name in PROVIDERS], default="invite",
        help_text="whose links it reads",
    )  # fmt: skip


class StandingIn(serializers.Serializer[Any]):
    state = serializers.ChoiceField(WorkerState.choices)
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


class ReasonIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=4000)


class AuditOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    created_at = serializers.DateTimeField()
    actor = serializers.CharField()
    verb = serializers.CharField()
    object_type = serializers.CharField()
    object = serializers.UUIDField(source="object_uuid", allow_null=True)
    data = serializers.JSONField()  # type: ignore[assignment]  # the record's name


class GenerateDone(serializers.Serializer[Any]):
    new = serializers.IntegerField()
    again = serializers.IntegerField()
    comparisons = serializers.IntegerField()

"""The API's shapes of what is compared: prompt sets, connections, systems."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from jeoul.api.shapes import INT, Named
from jeoul.studies.models import (
    Connection,
    Prompt,
    PromptSet,
    Protocol,
    System,
    SystemVersion,
)


class PromptSetOut(Named):
    version = serializers.SerializerMethodField()
    prompts = serializers.SerializerMethodField()

    class Meta:
        model = PromptSet
        fields = ("id", "name", "sealed", "created_at", "version", "prompts")

    def get_version(self, row: PromptSet) -> int | None:
        """The latest version's number."""
        return getattr(row, "latest_number", None)

    def get_prompts(self, row: PromptSet) -> int:
        """How many prompts the latest version has."""
        return getattr(row, "latest_prompts", 0) or 0


class PromptSetIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    sealed = serializers.BooleanField(default=False)
    take_good = serializers.BooleanField(default=False, help_text="Leave bad rows out.")
    prompts = serializers.ListField(
        child=serializers.JSONField(),
        min_length=1,
        max_length=100_000,
        help_text="Rows as in the file format: id, prompt or messages, category, risk, …",
    )


class PromptOut(Named):
    class Meta:
        model = Prompt
        fields = (
            "id", "key", "messages", "category", "language", "difficulty", "risk", "hazard",
            "source", "reference", "metadata",
        )  # fmt: skip


class ConnectionOut(Named):
    """The key itself is never shown; ``has_key`` tells whether one is stored."""

    has_key = serializers.SerializerMethodField()

    class Meta:
        model = Connection
        fields = (
            "id", "name", "protocol", "base_url", "key_env", "has_key", "concurrency",
            "requests_per_minute", "tokens_per_minute", "timeout_seconds", "price_in", "price_out",
            "currency", "prices", "request_template", "answer_paths", "key_header", "tested_at",
            "test_report", "failures", "hold_until", "hold_reason",
        )  # fmt: skip

    def get_has_key(self, row: Connection) -> bool:
        return bool(row.key_encrypted or row.key_env)


class ConnectionIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    base_url = serializers.URLField(max_length=500)
    key = serializers.CharField(max_length=4000, required=False, write_only=True, default="")
    key_env = serializers.CharField(max_length=100, required=False, default="")
    concurrency = serializers.IntegerField(min_value=1, max_value=1000, default=4)
    requests_per_minute = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True, default=None
    )
    tokens_per_minute = serializers.IntegerField(
        min_value=1, max_value=INT, required=False, allow_null=True, default=None
    )
    timeout_seconds = serializers.IntegerField(min_value=1, max_value=3600, default=120)
    protocol = serializers.ChoiceField(choices=Protocol.choices, default=Protocol.OPENAI.value)
    currency = serializers.RegexField(r"^[A-Z]{3}$", default="USD")
    prices = serializers.DictField(
        child=serializers.JSONField(), required=False, default=dict,
        help_text='{"model": ["in", "out"]} per million tokens',
    )  # fmt: skip
    request_template = serializers.DictField(
        child=serializers.JSONField(), required=False, default=dict
    )
    answer_paths = serializers.DictField(
        child=serializers.CharField(max_length=200), required=False, default=dict
    )
    key_header = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    price_in = serializers.DecimalField(
        12, 6, min_value=0, default=Decimal(0), help_text="per million prompt tokens"
    )
    price_out = serializers.DecimalField(
        12, 6, min_value=0, default=Decimal(0), help_text="per million completion tokens"
    )


class SystemVersionOut(Named):
    system = serializers.UUIDField(source="system.uuid", read_only=True)
    connection = serializers.UUIDField(source="connection.uuid", read_only=True, allow_null=True)

    class Meta:
        model = SystemVersion
        fields = (
            "id", "system", "number", "label", "connection", "model", "system_prompt",
            "prompt_template", "examples", "sampling", "note", "reported_model", "frozen_at",
            "content_hash",
        )  # fmt: skip


class SystemOut(Named):
    versions = SystemVersionOut(many=True, read_only=True)

    class Meta:
        model = System
        fields = ("id", "name", "created_at", "versions")


class SystemIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    connection = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="none: outputs are imported"
    )
    model = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    system_prompt = serializers.CharField(
        max_length=100_000, required=False, allow_blank=True, default=""
    )
    prompt_template = serializers.CharField(
        max_length=100_000, required=False, allow_blank=True, default="",
        help_text="with {prompt} where the person's text goes",
    )  # fmt: skip
    sampling = serializers.DictField(child=serializers.JSONField(), required=False, default=dict)
    examples = serializers.ListField(
        child=serializers.JSONField(), max_length=50, required=False, default=list
    )
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")

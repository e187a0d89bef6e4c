"""Shapes that every noun of the API shares."""

from typing import Any, Final

from rest_framework import serializers

# Larger numbers than these don't fit PostgreSQL's columns.
SMALL: Final = 32_767
INT: Final = 2**31 - 1


class Named(serializers.ModelSerializer[Any]):
    """Rows are known by their UUID, never by their number."""

    id = serializers.UUIDField(source="uuid", read_only=True)


class Problem(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.JSONField(required=False)  # type: ignore[assignment]  # RFC's name


class ImportDone(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    added = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    bad = serializers.ListField(child=serializers.JSONField())


class RowsIn(serializers.Serializer[Any]):
    rows = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=100_000)
    take_good = serializers.BooleanField(default=False, help_text="Leave bad rows out.")

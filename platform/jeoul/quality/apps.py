"""Django application of this folder."""

from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "jeoul.quality"

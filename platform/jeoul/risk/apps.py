"""Django application of this folder."""

from django.apps import AppConfig


class RiskConfig(AppConfig):
    name = "jeoul.risk"

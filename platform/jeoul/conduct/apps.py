"""The Django application of planning and watching."""

from django.apps import AppConfig


class ConductConfig(AppConfig):
    name = "jeoul.conduct"
    default_auto_field = "django.db.models.BigAutoField"

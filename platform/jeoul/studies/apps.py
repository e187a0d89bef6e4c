"""Django application of this folder."""

from django.apps import AppConfig


class StudiesConfig(AppConfig):
    name = "jeoul.studies"

"""Django application of this folder."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "jeoul.workers"

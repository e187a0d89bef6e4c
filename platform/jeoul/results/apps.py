"""Django application of this folder."""

from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "jeoul.results"

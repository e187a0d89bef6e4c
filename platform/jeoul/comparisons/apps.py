"""Django application of this folder."""

from django.apps import AppConfig


class ComparisonsConfig(AppConfig):
    name = "jeoul.comparisons"

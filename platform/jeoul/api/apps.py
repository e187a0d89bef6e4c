"""Django application of this folder."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "jeoul.api"

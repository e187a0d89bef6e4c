"""Django application of this folder."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "jeoul.dashboard"

"""Django application of this folder."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"

"""The Django application of the jobs."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"

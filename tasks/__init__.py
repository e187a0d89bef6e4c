"""The night shift: jobs that fetch by id, call one action, and are safe to run twice."""

from tasks.celery import app

__all__ = ["app"]

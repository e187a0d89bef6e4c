"""Django application of this folder."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "jeoul.payments"

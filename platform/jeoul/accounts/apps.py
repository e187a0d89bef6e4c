"""Django application of this folder."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "jeoul.accounts"

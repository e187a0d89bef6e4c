"""Who looks at the dashboard."""

from django.test import Client


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client

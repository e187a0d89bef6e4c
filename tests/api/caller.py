"""A program that calls the API with a token."""

import json
import uuid

from django.test import Client
from jeoul.accounts.actions import make_token


class Caller:
    """A person's token in use; every write carries its own Idempotency-Key."""

    def __init__(self, user, **token) -> None:
        self.user = user
        _, self.token = make_token(user=user, name="test", **token)
        self.client = Client(headers={"authorization": f"Bearer {self.token}"})

    def get(self, path, status=200, **query):
        response = self.client.get(f"/api/v1/{path}", query)
        assert response.status_code == status, response.content
        return response.json()

    def post(self, path, body=None, status=201, method="post", key=""):
        response = self.call(path, body, method=method, key=key)
        assert response.status_code == status, response.content
        return response.json() if response.content else None

    def call(self, path, body=None, method="post", key=""):
        headers = {"idempotency-key": key or str(uuid.uuid4())} if key is not None else {}
        return getattr(self.client, method)(
            f"/api/v1/{path}", json.dumps(body or {}), content_type="application/json",
            headers=headers,
        )  # fmt: skip

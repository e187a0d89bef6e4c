"""What every stored row of Jeoul shares: a public UUID beside the private row number."""

import uuid

from django.db import models


class Row(models.Model):
    """A row that may appear in a URL: by its random UUID, never by its number.

    Row numbers tell the order of creation, and with it which system wrote which side.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class DomainError(Exception):
    """A refusal with a stable code; pages and API map it to a response in one place.

    ``code`` is for programs, the message for people: it names the place and the remedy.
    """

    code = "refused"
    status = 409

    def __init__(self, message: str, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class InvalidInput(DomainError):
    """What came in breaks a rule; ``detail`` names the fields."""

    code = "invalid"
    status = 422

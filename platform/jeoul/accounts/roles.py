"""What each role on a study may do; one table, asked by every door."""

from enum import Enum
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    EDITOR = "editor", _("Editor")
    ANALYST = "analyst", _("Analyst")
    REVIEWER = "reviewer", _("Reviewer")


class May(Enum):
    """A right on one study."""

    READ = "read"
    EXPORT = "export"
    ADJUDICATE = "adjudicate"
    RUN = "run"
    OWN = "own"


RIGHTS: Final[dict[Role, frozenset[May]]] = {
    Role.OWNER: frozenset(May),
    Role.EDITOR: frozenset({May.READ, May.EXPORT, May.ADJUDICATE, May.RUN}),
    Role.ANALYST: frozenset({May.READ, May.EXPORT}),
    Role.REVIEWER: frozenset({May.READ, May.ADJUDICATE}),
}


def roles_that(right: May) -> list[str]:
    """The roles that hold ``right``, for a query."""
    return [role.value for role, rights in RIGHTS.items() if right in rights]

"""What claim and submit refuse, each with a code that page and API know."""

from django.utils.translation import gettext_noop as _

from jeoul.base import DomainError


class StudyNotOpen(DomainError):
    code = "study_not_open"


class NothingLeft(DomainError):
    """No comparison is left for this worker, now or for good (``final``)."""

    code = "nothing_left"

    def __init__(self, *, final: bool) -> None:
        super().__init__(_("There is nothing left to compare."), final=final)
        self.final = final


class AssignmentExpired(DomainError):
    code = "assignment_expired"


class AlreadyJudged(DomainError):
    code = "already_judged"


class KeyReused(DomainError):
    code = "key_reused"
    status = 422


class InFlight(DomainError):
    code = "in_flight"

"""How each worker leaves: the most particular setting of invite, vendor and study."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.crowd import CrowdError, get_provider
from jeoul.crowd.base import Entry, Exit, check_completion, must_be_safe
from jeoul.studies.models import Study
from jeoul.workers.models import Enrolment, Invite, Stage, Vendor, WorkerIdentity

Home = Study | Vendor | Invite


def set_completion(*, home: Home, value: dict[str, Any], actor: User) -> None:
    """Say how workers leave a study, for all of them, one vendor's or one invite's.

    It may change while the study runs: it decides nothing about who is asked what.
    """
    must_be_completion(value)
    home.completion = value
    home.save(update_fields=["completion"])
    study = home.study if isinstance(home, Invite) else home if isinstance(home, Study) else None
    record(
        actor=actor,
        verb="completion.set",
        target=home,
        study_uuid=study.uuid if study else None,
        # The codes themselves are worth money to whoever reads them.
        data={"outcomes": sorted(value)},
    )


def must_be_completion(value: object) -> None:
    """Raises InvalidInput with the remedy."""
    try:
        check_completion(value, settings.COMPLETION_HOSTS)
    except CrowdError as error:
        raise InvalidInput(error.message, field="completion") from None


def must_be_provider(name: str) -> None:
    try:
        get_provider(name)
    except CrowdError as error:
        raise InvalidInput(error.message, field="provider") from None


def exit_of(enrolment: Enrolment) -> Exit:
    """The code and the address for a worker whose way has ended.

    An address that the site no longer allows is left out: the code is still shown.
    """
    invite = enrolment.invite
    setting: dict[str, str] = {}
    for home in (enrolment.study, invite.vendor, invite):
        setting = home.completion.get(enrolment.stage) or setting
    # Who takes no part has earned no code of ours; a platform may still want to hear of it.
    code = "" if enrolment.stage == Stage.NO_CONSENT else enrolment.completion_code
    left = get_provider(invite.provider).completion(setting, code, _entry(enrolment))
    if not left.url:
        return left
    try:
        must_be_safe(left.url, settings.COMPLETION_HOSTS)
    except CrowdError:
        return Exit(left.code)
    return left


def _entry(enrolment: Enrolment) -> Entry:
    identity = WorkerIdentity.objects.filter(worker=enrolment.worker_id).first()
    return Entry(identity.external_id if identity else "", enrolment.session_id)


NOT_FROM_PLATFORM = _(
    "This link has to be opened from the platform that offers the study: it adds your number there."
)

"""Bringing workers into a study, and moving them along its way."""

import hashlib
from typing import Any

from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from jeoul.accounts.models import User
from jeoul.base import DomainError
from jeoul.studies.models import Study
from jeoul.workers.completion import must_be_completion, must_be_provider
from jeoul.workers.models import (
    ConsentText,
    Enrolment,
    Invite,
    Stage,
    Vendor,
    VendorKind,
    Worker,
    WorkerIdentity,
)
from jeoul.workers.reading import find_enrolment

_SALT = "jeoul.enrolment"
TOKEN_DAYS = 60


class LinkInvalid(DomainError):
    """The worker's link is unknown, ended or too old."""

    code = "link_invalid"
    status = 404


def get_vendor(*, owner: User, name: str, kind: VendorKind = VendorKind.IN_HOUSE) -> Vendor:
    """The owner's vendor of this name, made if it is new."""
    return Vendor.objects.get_or_create(owner=owner, name=name, defaults={"kind": kind})[0]


def make_invite(
    *,
    study: Study,
    vendor: Vendor,
    cap: int | None = None,
    judgement_cap: int | None = None,
    provider: str = "invite",
    completion: dict[str, Any] | None = None,
) -> Invite:
    """A new link by which the vendor's workers reach the study; raises InvalidInput.

    ``judgement_cap`` is the vendor's in this study: it goes for the links made before as well, and
    a link made without one keeps the vendor's.
    """
    must_be_provider(provider)
    must_be_completion(completion or {})
    others = Invite.objects.filter(study=study, vendor=vendor)
    if judgement_cap is None:
        judgement_cap = others.values_list("judgement_cap", flat=True).first()
    else:
        others.update(judgement_cap=judgement_cap)
    return Invite.objects.create(
        study=study,
        vendor=vendor,
        cap=cap,
        judgement_cap=judgement_cap,
        provider=provider,
        completion=completion or {},
    )


def token_of(enrolment: Enrolment) -> str:
    """The signed text that carries a worker's session in the URL; it ends with TOKEN_DAYS."""
    return signing.dumps([enrolment.uuid.hex, enrolment.token_round], salt=_SALT, compress=False)


def named_in(token: str) -> tuple[str, int]:
    """The enrolment's uuid and round that a worker's token was made for; raises LinkInvalid."""
    try:
        uuid, token_round = signing.loads(token, salt=_SALT, max_age=TOKEN_DAYS * 86_400)
    except (signing.BadSignature, ValueError):
        raise LinkInvalid(
            _("This link is not valid. Open the link you were invited with.")
        ) from None
    return uuid, token_round


def link_ended() -> LinkInvalid:
    return LinkInvalid(_("This link has been ended. Open the link you were invited with."))


def enrolment_of(token: str) -> Enrolment:
    """The enrolment of a worker's token; raises LinkInvalid."""
    enrolment = find_enrolment(*named_in(token))
    if enrolment is None:
        raise link_ended()
    return enrolment


@transaction.atomic
def arrive(
    *,
    invite: Invite,
    external_id: str = "",
    session_id: str = "",
    simulated: bool = False,
    languages: tuple[str, ...] = (),
) -> Enrolment:
    """Enrol the one who comes by an invite; the same external id is the same worker.

    An invite for one person is that person's own link: who opens it again goes on.

    Locks the invite, so that its cap holds under any number of arrivals.
    """
    locked = Invite.objects.select_for_update().select_related("vendor").get(pk=invite.pk)
    if external_id:
        known = (
            WorkerIdentity.objects.filter(vendor=locked.vendor, external_id=external_id)
            .select_related("worker")
            .first()
        )
        if known:
            enrolment = Enrolment.objects.filter(study=locked.study, worker=known.worker).first()
            if enrolment:
                return _came_again(enrolment, session_id)
    if not external_id and locked.cap == 1:
        enrolment = locked.enrolments.select_related("worker", "study").first()
        if enrolment:
            return enrolment
    if locked.closed_at:
        raise LinkInvalid(_("This invitation is closed."))
    if locked.cap is not None and locked.enrolments.count() >= locked.cap:
        raise LinkInvalid(_("This invitation is full. Thank you for your interest."))
    if external_id and known:
        worker = known.worker
    else:
        worker = Worker.objects.create(
            vendor=locked.vendor, simulated=simulated, languages=list(languages)
        )
        if external_id:
            WorkerIdentity.objects.create(
                worker=worker, vendor=locked.vendor, external_id=external_id
            )
    return Enrolment.objects.create(
        study=locked.study, worker=worker, invite=locked, session_id=session_id
    )


def _came_again(enrolment: Enrolment, session_id: str) -> Enrolment:
    """Keep the platform's newest visit: its completion is what the platform waits for."""
    if session_id and session_id != enrolment.session_id:
        Enrolment.objects.filter(pk=enrolment.pk).update(session_id=session_id)
        enrolment.session_id = session_id
    return enrolment


@transaction.atomic
def consent_version(*, study: Study, text: str, language: str = "") -> ConsentText:
    """The stored version of a consent's very words, made when they are new. Locks the study."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    known = ConsentText.objects.filter(study=study, digest=digest).first()
    if known:
        return known
    Study.objects.select_for_update().get(pk=study.pk)
    number = ConsentText.objects.filter(study=study).count() + 1
    return ConsentText.objects.get_or_create(
        study=study, digest=digest, defaults={"number": number, "language": language, "text": text}
    )[0]


def give_consent(*, enrolment: Enrolment, text: str) -> None:
    """Note the consent with the very text that was shown, and the time; once."""
    version = consent_version(study=enrolment.study, text=text, language=enrolment.language)
    Enrolment.objects.filter(pk=enrolment.pk, stage=Stage.ARRIVED).update(
        stage=Stage.CONSENTED,
        consented_at=timezone.now(),
        consent=version,
        consent_hash=version.digest,
    )
    enrolment.refresh_from_db()


def decline_consent(*, enrolment: Enrolment) -> None:
    """Note that the worker does not take part; nothing of them is measured."""
    Enrolment.objects.filter(pk=enrolment.pk, stage=Stage.ARRIVED).update(
        stage=Stage.NO_CONSENT, finished_at=timezone.now()
    )
    enrolment.refresh_from_db()


def finish(*, enrolment: Enrolment, stage: Stage) -> None:
    """End a worker's way with an outcome; the first end stays."""
    Enrolment.objects.filter(pk=enrolment.pk, finished_at=None).update(
        stage=stage, finished_at=timezone.now()
    )
    enrolment.refresh_from_db()


def begin_work(*, enrolment: Enrolment) -> None:
    """Note that the instructions were read."""
    Enrolment.objects.filter(pk=enrolment.pk, stage=Stage.CONSENTED).update(stage=Stage.WORKING)
    enrolment.refresh_from_db()


def choose_language(*, enrolment: Enrolment, language: str) -> None:
    """Keep the language of the pages, which no cookie can."""
    Enrolment.objects.filter(pk=enrolment.pk).update(language=language)
    enrolment.language = language


def leave_out_high_risk(*, enrolment: Enrolment, leave_out: bool) -> None:
    """Keep away, from now on, what the content warning announces; it costs the worker nothing."""
    Enrolment.objects.filter(pk=enrolment.pk).update(no_high_risk=leave_out)
    enrolment.no_high_risk = leave_out

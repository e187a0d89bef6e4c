"""Raising alerts once, telling people, and noting that they were seen."""

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any, Final

import httpx2
import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.accounts.roles import Role
from jeoul.conduct.figures import watched
from jeoul.conduct.models import ONCE, Alert, AlertKind, AlertRoute
from jeoul.conduct.rules import Found, findings
from jeoul.refusals import in_words
from jeoul.results.progress import study_progress
from jeoul.studies.generation.addresses import AddressRefused, AnswerTooLarge
from jeoul.studies.generation.network import http_client
from jeoul.studies.models import Study

log = structlog.get_logger()
_AGAIN_AFTER: Final = timedelta(days=1)
_MOST_ATTEMPTS: Final = 8
_TIMEOUT_SECONDS: Final = 10


def words(kind: str, facts: dict[str, Any]) -> str:
    """An alert as a sentence with its numbers."""
    sentences = {
        AlertKind.BUDGET: _("%(spent)s of the budget of %(budget)s are spent."),
        AlertKind.AGREEMENT: _(
            "Two people agree in %(recent).0f %% of the newest pairs of votes (n = %(n)d), before "
            "in %(before).0f %% (n = %(n_before)d)."
        ),
        AlertKind.GOLD: _(
            "Known answers are right in %(recent).0f %% of the newest (n = %(n)d), before in "
            "%(before).0f %% (n = %(n_before)d)."
        ),
        AlertKind.CONNECTION: _("The connection “%(connection)s” fails: %(reason)s"),
        AlertKind.PAY: _(
            "At the median time an hour earns %(hourly)s, under the floor of %(floor)s (n = %(n)d)."
        ),
        AlertKind.FINISHED: _("All %(judged)d planned judgements are there."),
    }
    shown = {k: 100 * v if isinstance(v, float) else v for k, v in facts.items()}
    if "reason" in shown:
        shown["reason"] = in_words(str(shown["reason"]))
    return sentences[AlertKind(kind)] % shown


def raise_alerts(*, study: Study) -> list[Alert]:
    """Store what holds now and is not told yet; returns the new ones."""
    found = findings(watched(study, study_progress(study)))
    return [alert for finding in found if (alert := _raise(study, finding)) is not None]


def _raise(study: Study, finding: Found) -> Alert | None:
    now = timezone.now()
    told = Alert.objects.filter(study=study, kind=finding.kind, key=finding.key)
    if finding.kind not in ONCE:
        told = told.filter(created_at__gt=now - _AGAIN_AFTER) | told.filter(seen_at=None)
    if told.exists():
        return None
    try:
        with transaction.atomic():
            return Alert.objects.create(
                study=study, kind=finding.kind, key=finding.key, facts=finding.facts, due_at=now
            )
    except IntegrityError:
        return None  # another worker was faster by a moment


def due_alerts(limit: int = 50) -> list[int]:
    return list(
        Alert.objects.filter(due_at__lte=timezone.now())
        .order_by("due_at")
        .values_list("pk", flat=True)[:limit]
    )


@transaction.atomic
def deliver_alert(*, alert_id: int) -> None:
    """Send by mail and webhook what is not sent yet; a failure is tried again, later and later.

    Locks the alert's row, so that two workers never send it twice; one that holds it is let be.
    """
    alert = (
        Alert.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("study")
        .filter(pk=alert_id, due_at__lte=timezone.now())
        .first()
    )
    if alert is None:
        return
    route = AlertRoute.objects.filter(study=alert.study).first()
    errors = [e for e in (_mail(alert, route), _call(alert, route)) if e]
    alert.attempts += 1
    alert.last_error = "; ".join(errors)[:500]
    again = errors and alert.attempts < _MOST_ATTEMPTS
    alert.due_at = timezone.now() + timedelta(minutes=2**alert.attempts) if again else None
    alert.save(update_fields=["mailed_at", "hooked_at", "attempts", "last_error", "due_at"])


def _addresses(alert: Alert, route: AlertRoute | None) -> list[str]:
    if route is not None and (route.emails or route.webhook_url):
        return list(route.emails)
    owners = User.objects.filter(memberships__study=alert.study, memberships__role=Role.OWNER)
    return [email for email in owners.values_list("email", flat=True) if email]


def _link(alert: Alert) -> str:
    return f"{settings.SITE_URL}{reverse('study-detail', args=[alert.study.uuid])}"


def _mail(alert: Alert, route: AlertRoute | None) -> str:
    """Empty when it is sent, or nobody is to get one."""
    addresses = _addresses(alert, route)
    if alert.mailed_at or not addresses:
        return ""
    with translation.override(settings.LANGUAGE_CODE):
        subject = f"{alert.get_kind_display()}: {alert.study.title}"
        body = f"{words(alert.kind, alert.facts)}\n\n{_link(alert)}\n"
    try:
        send_mail(" ".join(subject.split()), body, None, addresses)
    except OSError as error:  # what smtplib raises, and what a socket does
        log.warning("alert_mail_failed", alert=str(alert.uuid), error=repr(error))
        return f"mail: {error}"
    alert.mailed_at = timezone.now()
    return ""


def _call(alert: Alert, route: AlertRoute | None) -> str:
    """POST the alert to the study's webhook, signed over its body."""
    if alert.hooked_at or route is None or not route.webhook_url:
        return ""
    with translation.override(settings.LANGUAGE_CODE):
        message = words(alert.kind, alert.facts)
    body = json.dumps(
        {
            "id": str(alert.uuid),
            "kind": alert.kind,
            "study": str(alert.study.uuid),
            "title": alert.study.title,
            "message": message,
            "facts": alert.facts,
            "url": _link(alert),
            "raised_at": alert.created_at.isoformat(),
        }
    ).encode()
    try:
        headers = {
            "Content-Type": "application/json",
            # The same for every attempt: a receiver that got it already can tell.
            "Idempotency-Key": str(alert.uuid),
            "X-Jeoul-Signature": sign(route.webhook_secret, body),
        }
        asyncio.run(_post(route.webhook_url, body, headers)).raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL, AddressRefused, AnswerTooLarge) as error:
        log.warning("alert_webhook_failed", alert=str(alert.uuid), error=repr(error))
        return f"webhook: {error}"
    alert.hooked_at = timezone.now()
    return ""


async def _post(url: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    """Through the guard of providers' addresses: a researcher typed this one as well."""
    async with http_client(timeout=_TIMEOUT_SECONDS) as client:
        return await client.post(url, content=body, headers=headers)


def sign(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def set_route(*, study: Study, actor: User, emails: list[str], webhook_url: str) -> AlertRoute:
    """Say where the study's alerts go."""
    route, _new = AlertRoute.objects.update_or_create(
        study=study, defaults={"emails": emails, "webhook_url": webhook_url}
    )
    record(actor=actor, verb="study.alerts", target=study, study_uuid=study.uuid)
    return route


def mark_seen(*, alert: Alert, actor: User) -> None:
    """Take an alert off the page; a second time changes nothing."""
    Alert.objects.filter(pk=alert.pk, seen_at=None).update(
        seen_at=timezone.now(), seen_by=actor, due_at=None
    )

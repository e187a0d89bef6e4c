"""Where annotators come from: a vendor's terms, and opening and closing its links."""

from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.studies.models import Study
from jeoul.workers.completion import must_be_completion
from jeoul.workers.models import Invite, Vendor

# What may change; judgements point to the row, so a vendor is never deleted.
_TERMS: Final = frozenset(
    {
        "name", "kind", "contact", "currency", "rate", "agreed_accuracy", "agreed_days",
        "completion",
    }
)  # fmt: skip


@transaction.atomic
def update_vendor(*, vendor: Vendor, actor: User, terms: dict[str, Any]) -> None:
    """Set some of a vendor's terms; raises InvalidInput for an unknown one or a taken name."""
    if unknown := set(terms) - _TERMS:
        raise InvalidInput(f"A vendor has no {sorted(unknown)[0]}.", field=sorted(unknown)[0])
    if "completion" in terms:
        must_be_completion(terms["completion"])
    name = terms.get("name", vendor.name).strip()
    taken = Vendor.objects.filter(owner=vendor.owner_id, name=name).exclude(pk=vendor.pk)
    if not name or taken.exists():
        raise InvalidInput("Give a name that none of your other vendors has.", field="name")
    for field, value in (terms | {"name": name}).items():
        setattr(vendor, field, value)
    vendor.save(update_fields=[*terms, "name"])
    # Codes are worth money to whoever reads them: only that they changed is noted.
    said = {k: str(v) for k, v in terms.items() if k not in {"completion", "contact"}}
    record(actor=actor, verb="vendor.update", target=vendor, data={"set": sorted(terms), **said})


@transaction.atomic
def cap_vendor(*, study: Study, vendor: Vendor, actor: User, cap: int | None) -> None:
    """How many judgements a vendor may give to a study by all its links; None for any number."""
    Invite.objects.filter(study=study, vendor=vendor).update(judgement_cap=cap)
    record(
        actor=actor,
        verb="vendor.cap",
        target=vendor,
        study_uuid=study.uuid,
        data={"judgement_cap": cap},
    )


@transaction.atomic
def close_invite(*, invite: Invite, actor: User, closed: bool = True) -> None:
    """Let nobody new come by this link, or open it again; who came already goes on."""
    invite.closed_at = timezone.now() if closed else None
    invite.save(update_fields=["closed_at"])
    record(
        actor=actor,
        verb="invite.close" if closed else "invite.open",
        target=invite,
        study_uuid=invite.study.uuid,
        data={"vendor": invite.vendor.name},
    )

"""Doors to vendors and links: only what is the researcher's own or the study's, else 404."""

from uuid import UUID

from django.http import Http404

from jeoul.accounts.models import User
from jeoul.studies.models import Study
from jeoul.workers.models import Invite, Vendor


def get_own_vendor(owner: User, uuid: UUID) -> Vendor:
    """One of this researcher's vendors."""
    found = Vendor.objects.filter(owner=owner, uuid=uuid).first()
    if found is None:
        raise Http404("No such vendor.")
    return found


def get_link(study: Study, uuid: UUID) -> Invite:
    """One of the study's links, with its vendor."""
    found = study.invites.filter(uuid=uuid).select_related("vendor", "study").first()
    if found is None:
        raise Http404("No such link.")
    return found

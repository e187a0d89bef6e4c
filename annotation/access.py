"""Doors of the annotator: only what belongs to the address, else 404."""

import uuid

from django.http import Http404
from jeoul.comparisons.first_steps import trial_of
from jeoul.comparisons.models import Assignment, Judgement, Kind
from jeoul.comparisons.reading import find_item
from jeoul.workers.actions import link_ended, named_in
from jeoul.workers.models import Enrolment, Invite


def get_invite(token: str) -> Invite:
    invite = Invite.objects.select_related("study").filter(token=token).first()
    if invite is None:
        raise Http404("No such invitation.")
    return invite


def get_assignment(token: str, assignment: uuid.UUID) -> Assignment:
    """One of the token's own assignments, with all that it belongs to."""
    enrolment, held = find_item(*named_in(token), assignment)
    if enrolment is None:
        raise link_ended()
    if held is None:
        raise Http404("No such comparison.")
    return held


def last_judgement(enrolment: Enrolment) -> Judgement:
    """The worker's latest judgement in force; practice and a trial that is over stay."""
    closed = {Kind.TRAINING}
    if enrolment.prepared_at or trial_of(enrolment).done == 0:
        closed.add(Kind.QUALIFICATION)
    found = (
        Judgement.objects.filter(assignment__enrolment=enrolment, superseded_by=None)
        .exclude(comparison__kind__in=closed)
        .select_related("assignment__comparison")
        .order_by("-judged_at", "-id")
        .first()
    )
    if found is None:
        raise Http404("Nothing to change yet.")
    return found

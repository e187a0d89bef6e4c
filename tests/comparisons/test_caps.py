"""Caps of worker, vendor and study under many claims at once, and for answers that come late."""

import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from jeoul.comparisons.actions import (
    AssignmentExpired,
    NothingLeft,
    claim_comparison,
    submit_and_claim,
    submit_judgement,
)
from jeoul.comparisons.holding import expire_assignments
from jeoul.comparisons.models import Assignment, AssignmentState, Judgement
from jeoul.workers.actions import arrive, begin_work, get_vendor, give_consent, make_invite
from jeoul.workers.models import Enrolment
from jeoul.workers.vendors import cap_vendor

from tests import factories
from tests.comparisons.test_promises import in_threads
from tests.waiting import until

WORKER, VENDOR, STUDY = 5, 17, 41


def come(invite) -> Enrolment:
    enrolment = arrive(invite=invite)
    give_consent(enrolment=enrolment, text="yes")
    begin_work(enrolment=enrolment)
    return enrolment


def links(study, name: str, count: int, **caps) -> list:
    vendor = get_vendor(owner=factories.owner_of(study), name=name)
    return [make_invite(study=study, vendor=vendor, **caps) for _ in range(count)]


@pytest.mark.django_db(transaction=True)
def test_no_cap_is_passed_by_many_who_claim_at_once():
    study = factories.make_study(
        prompts=30, systems=("a", "b", "c"), overlap=2, worker_cap=WORKER, judgement_cap=STUDY
    )
    ways = links(study, "Capped", 3, judgement_cap=VENDOR) + links(study, "Free", 2)
    crowd = [come(ways[at % len(ways)]) for at in range(20)]
    start, passed = threading.Barrier(10), []

    def look():
        """What is given out at this moment, held and judged together."""
        given = Assignment.objects.filter(state__in=["reserved", "submitted"]).values_list(
            "enrolment__invite__vendor__name", "enrolment_id"
        )
        vendors, workers = (Counter(column) for column in zip(*given, strict=True))
        passed.append((vendors.total(), vendors["Capped"], max(workers.values())))

    def work(pair):
        start.wait()
        for enrolment in pair:
            given = claim(enrolment)
            while isinstance(given, Assignment):
                given = submit_and_claim(
                    assignment=given, client_key=uuid.uuid4(), answers=factories.say(study, 1)
                )
                look()

    def claim(enrolment):
        def found():
            try:
                return claim_comparison(enrolment_id=enrolment.pk)
            except NothingLeft as nothing:
                return nothing if nothing.final else None

        return until(found)

    in_threads(work, list(zip(crowd[::2], crowd[1::2], strict=True)), threads=10)
    assert len(passed) == Judgement.objects.count() == STUDY
    of_study, of_vendor, of_worker = (max(column) for column in zip(*passed, strict=True))
    assert of_study <= STUDY
    assert of_vendor <= VENDOR
    assert of_worker <= WORKER
    capped = Judgement.objects.filter(assignment__enrolment__invite__vendor__name="Capped")
    assert 0 < capped.count() <= VENDOR


@pytest.mark.django_db
@pytest.mark.parametrize("cap", ["study", "vendor", "worker"])
def test_a_late_answer_passes_no_cap(cap):
    settings = {"study": {"judgement_cap": 1}, "worker": {"worker_cap": 1}}.get(cap, {})
    study = factories.make_study(prompts=6, **settings)
    late = factories.worker_for(study)
    if cap == "vendor":
        invite = late.invite
        cap_vendor(study=study, vendor=invite.vendor, actor=factories.owner_of(study), cap=1)
    held = claim_comparison(enrolment_id=late.pk)
    expire_assignments(now=timezone.now() + timedelta(days=1))
    other = late if cap == "worker" else factories.worker_for(study)
    taken = claim_comparison(enrolment_id=other.pk)
    submit_judgement(assignment=taken, client_key=uuid.uuid4(), answers=factories.say(study, 1))
    held.refresh_from_db()
    assert held.state == AssignmentState.EXPIRED
    with pytest.raises(AssignmentExpired):
        submit_judgement(assignment=held, client_key=uuid.uuid4(), answers=factories.say(study, 1))
    assert Judgement.objects.count() == 1


@pytest.mark.django_db
def test_a_vendors_links_share_one_cap_whichever_it_was_set_on():
    study = factories.make_study(prompts=6)
    first, second = links(study, "Agency", 2)
    (third,) = links(study, "Agency", 1, judgement_cap=3)
    (later,) = links(study, "Agency", 1)
    (other,) = links(study, "Other", 1)
    for link, cap in ((first, 3), (second, 3), (third, 3), (later, 3), (other, None)):
        link.refresh_from_db()
        assert link.judgement_cap == cap
    given = []
    for link in (first, second, later, other):
        worker = come(link)
        for _ in range(2):
            try:
                factories.judge(worker)
            except NothingLeft:
                break
            given.append(link.vendor.name)
    assert Counter(given) == {"Agency": 3, "Other": 2}

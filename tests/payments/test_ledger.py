"""What is owed is written once, moved by people only, and never changed."""

import csv
import io
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from jeoul.accounts.roles import Role
from jeoul.base import InvalidInput
from jeoul.comparisons.actions import claim_comparison
from jeoul.comparisons.holding import skip_assignment
from jeoul.payments.actions import approve_owed, note_owed, settle
from jeoul.payments.models import LedgerEntry, Step
from jeoul.payments.reading import balances
from jeoul.quality.actions import exclude_worker
from jeoul.results.actions import analyse_study
from jeoul.results.costs import study_costs
from jeoul.results.progress import study_progress
from jeoul.studies.actions import set_member
from jeoul.studies.models import Study
from jeoul.workers.models import Vendor

from tests import factories
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid():
    """Two people with three judgements each at 0.50, one of whom also declined an item."""
    study = factories.make_study(prompts=5, pay_per_judgement=Decimal("0.50"))
    people = [factories.worker_for(study, external_id=f"=pid{n}") for n in range(2)]
    for person in people:
        for _ in range(3):
            factories.judge(person)
    declined = claim_comparison(enrolment_id=people[0].pk)
    skip_assignment(assignment=declined, reason="content_declined")
    skipped = claim_comparison(enrolment_id=people[1].pk)
    skip_assignment(assignment=skipped, reason="too_hard")
    return study


def vendor_of(study):
    return study.enrolments.first().worker.vendor


def balance(study):
    return balances(study)[vendor_of(study).pk]


def test_each_answer_and_each_declined_item_is_owed_once(paid):
    assert note_owed(study=paid) == 7
    assert note_owed(study=paid) == 0
    assert balance(paid).owed == Decimal("3.50")
    judged = factories.worker_for(paid)
    factories.judge(judged)
    assert note_owed(study=paid) == 1


def test_simulated_people_and_unpaid_studies_are_owed_nothing():
    study = factories.make_study(pay_per_judgement=Decimal(1))
    factories.judge(factories.worker_for(study, simulated=True))
    free = factories.make_study()
    factories.judge(factories.worker_for(free))
    assert note_owed(study=study) == note_owed(study=free) == 0


def test_money_moves_by_steps_and_a_repeat_moves_nothing(paid):
    note_owed(study=paid)
    owner, vendor = factories.owner_of(paid), vendor_of(paid)
    assert approve_owed(study=paid, vendor=vendor, actor=owner) == Decimal("3.50")
    assert approve_owed(study=paid, vendor=vendor, actor=owner) == 0
    assert settle(study=paid, vendor=vendor, actor=owner, step=Step.CONFIRMED) == 0  # not sent
    assert settle(study=paid, vendor=vendor, actor=owner, step=Step.SENT) == Decimal("3.50")
    assert settle(study=paid, vendor=vendor, actor=owner, step=Step.SENT) == 0
    settle(study=paid, vendor=vendor, actor=owner, step=Step.UNKNOWN, note="time-out")
    assert settle(study=paid, vendor=vendor, actor=owner, step=Step.SENT) == 0  # never again
    assert balance(paid).unknown == Decimal("3.50")
    settle(study=paid, vendor=vendor, actor=owner, step=Step.CONFIRMED)
    now = balance(paid)
    assert (now.owed, now.approved, now.sent, now.unknown) == (0, 0, 0, 0)
    assert now.confirmed == Decimal("3.50")
    with pytest.raises(InvalidInput):
        settle(study=paid, vendor=vendor, actor=owner, step=Step.OWED)


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_refuses_to_change_the_ledger(paid, verb):
    note_owed(study=paid)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        if verb == "update":
            LedgerEntry.objects.update(amount=0)
        else:
            LedgerEntry.objects.all()._raw_delete(using="default")


def test_costs_are_per_judgement_per_valid_one_and_per_decision(paid):
    person = paid.enrolments.order_by("pk").first().worker
    exclude_worker(study=paid, worker=person, actor=factories.owner_of(paid), reason="a test")
    costs = study_costs(paid, analyse_study(study=paid).results)
    assert (costs.judgements, costs.valid) == (6, 3)
    assert costs.people == study_progress(paid).people_cost == Decimal("3.50")  # one is excused
    assert costs.per_valid == costs.total / 3
    assert costs.per_decision is None or costs.per_decision == costs.total / costs.decisions


def test_a_vendors_own_price_goes_before_the_studys_pay_and_currencies_are_never_added(paid):
    vendors = Vendor.objects.filter(pk=vendor_of(paid).pk)
    vendors.update(rate=Decimal("0.8"))
    costs = study_costs(paid, None)
    assert costs.people == study_progress(paid).people_cost == 7 * Decimal("0.8")
    vendors.update(currency="EUR")
    said = Caller(factories.owner_of(paid)).get(f"studies/{paid.uuid}/costs/")
    assert (said["people"], said["other"]) == ("0.00000000", {"EUR": "5.60000000"})
    assert (said["vendors"][0]["cost"], said["vendors"][0]["currency"]) == ("5.6000", "EUR")


def test_where_the_study_says_so_another_than_the_approver_sends(paid):
    Study.objects.filter(pk=paid.pk).update(two_people=True)
    paid.refresh_from_db()
    note_owed(study=paid)
    owner, second, vendor = factories.owner_of(paid), factories.make_user(), vendor_of(paid)
    set_member(study=paid, actor=owner, user=second, role=Role.OWNER)
    approve_owed(study=paid, vendor=vendor, actor=owner)
    step = f"studies/{paid.uuid}/money/{vendor.uuid}/"
    refused = Caller(owner).post(step, {"step": "sent"}, status=409)
    assert refused["code"] == "second_person_needed"
    client = Client()
    client.force_login(owner)
    place = reverse("money-step", args=[paid.uuid, vendor.uuid])
    for step_said, wrong in (("sent", "Another owner"), ("given", "no such step")):
        page = client.post(place, {"step": step_said, "note": "by wire, 25 November"})
        assert page.status_code == 422
        assert wrong in page.text
        assert "by wire, 25 November" in page.text
    assert Caller(second).post(step, {"step": "sent"}, status=200)["amount"] == "3.5000"


def test_a_program_reads_the_ledger_and_takes_its_steps_once(paid):
    note_owed(study=paid)
    caller, base = Caller(factories.owner_of(paid)), f"studies/{paid.uuid}"
    address = f"{base}/money/{vendor_of(paid).uuid}/"
    assert caller.post(address, {"step": "approved"}, status=200)["amount"] == "3.5000"
    assert caller.post(address, {"step": "approved"}, status=200)["amount"] == "0.0000"
    caller.post(address, {"step": "owed"}, status=422)
    rows = caller.get(f"{base}/ledger/", step="approved")["results"]
    assert sum(Decimal(r["amount"]) for r in rows) == Decimal("3.50")
    assert {r["by"] for r in rows} == {caller.user.username}


def test_the_page_is_for_members_and_the_money_for_the_owner(paid):
    note_owed(study=paid)
    client = Client()
    client.force_login(factories.owner_of(paid))
    page = reverse("study-money", args=[paid.uuid])
    step = reverse("money-step", args=[paid.uuid, vendor_of(paid).uuid])
    assert "3.50" in client.get(page).content.decode()
    assert client.post(step, {"step": "approved"}).status_code == 302
    assert balance(paid).approved == Decimal("3.50")
    rows = list(csv.reader(io.StringIO(
        client.get(reverse("money-list", args=[paid.uuid])).content.decode())))  # fmt: skip
    assert {row[3] for row in rows[1:]} == {"2.0000", "1.5000"}
    assert all(row[2].startswith("'=") for row in rows[1:])  # no spreadsheet runs it
    analyst, stranger = factories.make_user(), factories.make_user()
    paid.memberships.create(user=analyst, role="analyst")
    for user, sees, may in ((analyst, 200, 403), (stranger, 404, 404)):
        client.force_login(user)
        assert client.get(page).status_code == sees
        assert client.post(step, {"step": "sent"}).status_code == may
        assert client.get(reverse("money-list", args=[paid.uuid])).status_code == may

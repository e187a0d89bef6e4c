"""A vendor's terms on its page and over the API; links that close and open again."""

import pytest
from django.test import Client
from django.urls import reverse
from jeoul.conduct.vendors import work_of
from jeoul.results.actions import analyse_study
from jeoul.results.models import Analysis
from jeoul.workers.actions import get_vendor, make_invite
from jeoul.workers.completion import exit_of
from jeoul.workers.models import Stage

from tests import factories
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db
TERMS = {"kind": "agency", "contact": "Ms Kim", "currency": "EUR", "rate": "0.25"}


@pytest.fixture
def enrolment():
    return factories.worker_for(factories.make_study())


@pytest.fixture
def team(enrolment):
    client = Client()
    client.force_login(factories.owner_of(enrolment.study))
    return client


def test_the_terms_of_a_vendor_are_kept_and_a_taken_name_is_refused(team, enrolment):
    vendor = enrolment.invite.vendor
    page = reverse("vendor-detail", args=[vendor.uuid])
    assert team.post(page, TERMS | {"name": "Agency"}).status_code == 302
    vendor.refresh_from_db()
    assert (vendor.name, vendor.kind, str(vendor.rate)) == ("Agency", "agency", "0.2500")
    get_vendor(owner=vendor.owner, name="Other")
    refused = team.post(page, TERMS | {"name": "Other", "contact": "Mr Lee"})
    assert refused.status_code == 422
    assert "Mr Lee" in refused.content.decode()
    stranger = Client()
    stranger.force_login(factories.make_user())
    assert stranger.get(page).status_code == 404


def test_a_vendors_way_out_goes_before_the_studys_and_a_links_before_both(team, enrolment):
    study, invite = enrolment.study, enrolment.invite
    enrolment.stage = Stage.COMPLETED
    study.completion = {"completed": {"code": "STUDY"}}
    page = reverse("vendor-detail", args=[invite.vendor.uuid])
    team.post(page, {"completion": "1", "completed_code": "VENDOR"})
    invite.vendor.refresh_from_db()
    assert exit_of(enrolment).code == "VENDOR"
    caller = Caller(factories.owner_of(study))
    link = f"studies/{study.uuid}/invites/{invite.uuid}/"
    caller.post(link, {"completion": {"completed": {"code": "LINK"}}}, 200, "patch")
    invite.refresh_from_db()
    assert exit_of(enrolment).code == "LINK"
    unsafe = {"completion": {"completed": {"url": "http://evil.example/"}}}
    assert "https://" in str(caller.post(link, unsafe, 422, "patch"))
    given = caller.post(f"vendors/{invite.vendor.uuid}/", {"rate": "1.5"}, 200, "patch")
    assert given["rate"] == "1.5000"


def test_a_closed_link_lets_nobody_new_in_and_those_who_came_go_on(team, client, enrolment):
    invite = make_invite(study=enrolment.study, vendor=enrolment.invite.vendor)
    close = reverse("invite-close", args=[enrolment.study.uuid, invite.uuid])
    came = client.post(f"/join/{invite.token}/")
    team.post(close)
    assert client.post(f"/join/{invite.token}/").status_code == 404
    assert client.get(came["Location"]).status_code == 200
    assert "Open again" in team.get(f"/studies/{enrolment.study.uuid}/").content.decode()
    team.post(close, {"open": "1"})
    assert client.post(f"/join/{invite.token}/").status_code == 302


def test_what_was_agreed_stands_beside_what_was_done(team, enrolment):
    study, vendor = enrolment.study, enrolment.invite.vendor
    factories.judge(enrolment)
    analysis = analyse_study(study=study)
    rows = analysis.results["workers"]
    rows[0] |= {"gold_right": 2, "gold_n": 10}
    Analysis.objects.filter(pk=analysis.pk).update(results=analysis.results | {"workers": rows})
    terms = TERMS | {"name": vendor.name, "agreed_accuracy": "0.9", "agreed_days": "3"}
    page = reverse("vendor-detail", args=[vendor.uuid])
    assert team.post(page, terms | {"agreed_accuracy": "90"}).status_code == 422
    team.post(page, terms)
    vendor.refresh_from_db()
    (work,) = work_of(vendor)
    assert (work.judgements, work.gold_right, work.gold_n) == (1, 2, 10)
    assert work.gold_high == pytest.approx(0.5561, abs=1e-4)
    assert (work.short_of_accuracy, work.late) == (True, False)
    assert "Below what was agreed" in team.get(page).content.decode()

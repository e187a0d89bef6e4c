"""Figures of a running study, and alerts that are raised once and sent once."""

import hmac
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from jeoul.conduct.alerts import deliver_alert, due_alerts, mark_seen, raise_alerts, set_route
from jeoul.conduct.facts import facts_of
from jeoul.conduct.figures import count, figures, watched
from jeoul.conduct.models import Alert
from jeoul.conduct.parts import count_parts
from jeoul.conduct.rules import Share, Watched, findings, has_fallen
from jeoul.results.progress import study_progress
from jeoul.studies.models import Output, OutputState, Prompt
from jeoul.studies.running import problems_before_start
from jeoul.studies.systems_actions import create_connection, create_system_version

from tests import factories
from tests.waiting import until


def kinds(**facts):
    return [f.kind for f in findings(Watched(**facts))]


def test_each_rule_speaks_at_its_line_and_not_before():
    assert kinds(budget=Decimal(100), spent=Decimal("79.99")) == []
    assert kinds(budget=Decimal(100), spent=Decimal(80)) == ["budget"]
    assert kinds(hourly_pay=Decimal(8), floor=Decimal(9), timed=20) == ["pay"]
    assert kinds(hourly_pay=Decimal(8), floor=Decimal(9), timed=19) == []
    assert kinds(hourly_pay=Decimal(9), floor=Decimal(9), timed=99) == []
    assert kinds(planned=10, judged=9) == []
    assert kinds(planned=10, judged=10) == ["finished"]
    assert kinds(planned=0, judged=0) == []
    assert kinds(failing={"local": "429"}) == ["connection"]


def test_a_fall_must_be_large_and_unlikely():
    assert has_fallen(Share(160, 200), Share(60, 100))
    assert not has_fallen(Share(160, 200), Share(72, 100))  # 8 points
    assert not has_fallen(Share(48, 60), Share(20, 30))  # 13 points by chance
    assert not has_fallen(Share(160, 200), Share(0, 29))  # too few
    assert kinds(gold=(Share(190, 200), Share(60, 100))) == ["gold"]
    assert kinds(agreement=(Share(190, 200), Share(60, 100))) == ["agreement"]


@pytest.mark.django_db
def test_what_is_charged_in_another_currency_is_named_and_never_added():
    owner = factories.make_user()
    study = factories.make_study(owner=owner, budget=Decimal(10), currency="EUR")
    for version, currency in zip(study.systems.order_by("pk"), ("EUR", "USD"), strict=True):
        connection = create_connection(
            owner=owner, name=currency, protocol="openai", base_url="http://127.0.0.1:1/v1",
            currency=currency, price_in=Decimal(1000), price_out=Decimal(1000),
        )  # fmt: skip
        type(version).objects.filter(pk=version.pk).update(connection=connection)
        Output.objects.filter(system_version=version).update(cost=Decimal("1.5"))
    progress = study_progress(study)
    assert (progress.generation_cost, progress.other_costs) == (6, {"USD": 6})
    assert watched(study, progress).spent == 6
    client = Client()
    client.force_login(owner)
    page = client.get(reverse("study-detail", args=[study.uuid])).text
    assert "and 6.00 USD, not in the sums" in page
    # The plan of what is still to be made: by currency too, and said aloud.
    found = facts_of(study.prompt_set_version, list(study.systems.all()), 2)
    assert found.generation_costs == {"EUR": Decimal(6), "USD": Decimal(6)}
    study.generation_cap = Decimal(5)
    assert "EUR, USD" in problems_before_start(study)[0]


@pytest.mark.django_db
def test_figures_count_by_pair_and_slice_and_time_the_work():
    study = factories.make_study(systems=("alpha", "beta", "gamma"), pay_per_judgement=Decimal(1),
                                 pay_floor_per_hour=Decimal(9))  # fmt: skip
    for _ in range(2):
        worker = factories.worker_for(study)
        for _turn in range(5):
            factories.judge(worker)
    parts = count_parts(study)
    assert len(parts.pairs) == 3
    assert sum(p.judged for p in parts.pairs) == 10 == sum(s.judged for s in parts.slices["risk"])
    assert sum(p.planned for p in parts.pairs) == 36
    found = figures(study, count(study), None)
    assert found.spent == 10
    assert found.timed == 10
    assert found.hourly_pay == Decimal(3600) / Decimal(found.median_seconds)
    assert not found.under(study.pay_floor_per_hour)


@pytest.mark.parametrize(("prompts", "named"), [(9, 9), (10, 8)])
@pytest.mark.django_db
def test_the_smallest_of_many_values_are_summed_but_never_one_alone(prompts, named):
    study = factories.make_study(prompts=prompts)
    for prompt in Prompt.objects.filter(versions=study.prompt_set_version):
        Prompt.objects.filter(pk=prompt.pk).update(category=f"c{prompt.pk}")
    values = count_parts(study).slices["category"]
    assert len(values) == 9
    assert sum(v.name.startswith("c") for v in values) == named
    assert sum(v.planned for v in values) == 3 * prompts


@pytest.mark.django_db
def test_a_fall_of_agreement_is_seen_in_the_stored_votes():
    study = factories.make_study(prompts=130, overlap=2)
    workers = [factories.worker_for(study) for _ in range(2)]
    for turn in range(130):
        for number, worker in enumerate(workers):
            factories.judge(worker, -1 if turn >= 100 and number else 1)
    before, recent = watched(study, study_progress(study)).agreement
    assert before.value > recent.value + 0.3
    assert {a.kind for a in raise_alerts(study=study)} == {"agreement", "finished"}


@pytest.mark.django_db
def test_pay_under_the_floor_and_falling_gold_are_seen_in_the_stored_rows():
    study = factories.make_study(prompts=130, overlap=1, pay_per_judgement=Decimal("0.01"),
                                 pay_floor_per_hour=Decimal(9_999_999))  # fmt: skip
    worker = factories.worker_for(study)
    for turn in range(130):
        factories.judge(worker, -1 if turn >= 100 else 1)
    # As if all had a known answer: what is claimed at random otherwise takes many people.
    study.comparisons.update(kind="gold", gold_sign=1)
    raised = {a.kind: a.facts for a in raise_alerts(study=study)}
    assert set(raised) == {"gold", "pay"}
    assert raised["gold"]["recent"] < 0.2 < 0.9 < raised["gold"]["before"]
    assert Decimal(raised["pay"]["hourly"]) < 9_999_999


@pytest.fixture
def short():
    """A study whose two judgements finish it over its budget."""
    study = factories.make_study(prompts=1, overlap=2, budget=Decimal("0.02"),
                                 pay_per_judgement=Decimal("0.01"))  # fmt: skip
    owner = factories.owner_of(study)
    owner.email = "owner@example.org"
    owner.save()
    for _ in range(2):
        factories.judge(factories.worker_for(study))
    return study


def deliver_all():
    for pk in due_alerts():
        deliver_alert(alert_id=pk)


@pytest.mark.django_db
def test_an_alert_is_raised_once_and_mailed_once(short):
    assert {a.kind for a in raise_alerts(study=short)} == {"budget", "finished"}
    assert raise_alerts(study=short) == []
    deliver_all()
    deliver_all()
    assert len(mail.outbox) == 2
    assert mail.outbox[0].to == ["owner@example.org"]
    assert str(short.uuid) in mail.outbox[0].body
    # Seen, these two stay told: they are true only once.
    for alert in Alert.objects.all():
        mark_seen(alert=alert, actor=factories.owner_of(short))
    assert raise_alerts(study=short) == []


@pytest.mark.django_db
def test_a_webhook_is_signed_and_tried_again_until_it_takes_it(short, httpserver):
    owner = factories.owner_of(short)
    httpserver.expect_ordered_request("/hook").respond_with_data("busy", status=503)
    httpserver.expect_ordered_request("/hook").respond_with_data("ok")
    route = set_route(study=short, actor=owner, emails=[], webhook_url=httpserver.url_for("/hook"))
    alert = next(a for a in raise_alerts(study=short) if a.kind == "finished")
    Alert.objects.exclude(pk=alert.pk).delete()
    deliver_all()
    alert.refresh_from_db()
    assert alert.hooked_at is None
    assert "503" in alert.last_error
    assert alert.due_at > timezone.now()  # later, not at once
    deliver_all()
    assert len(httpserver.log) == 1
    Alert.objects.update(due_at=timezone.now())
    deliver_all()
    alert.refresh_from_db()
    assert alert.hooked_at
    assert alert.due_at is None
    assert mail.outbox == []
    first, second = (request for request, _ in httpserver.log)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == str(alert.uuid)
    body = second.get_data()
    digest = hmac.new(route.webhook_secret.encode(), body, "sha256").hexdigest()
    assert second.headers["X-Jeoul-Signature"] == f"sha256={digest}"
    assert json.loads(body)["kind"] == "finished"


@pytest.mark.django_db
def test_a_webhook_reaches_no_closed_network(short, httpserver, settings):
    settings.PROVIDER_NETWORKS = []
    owner = factories.owner_of(short)
    set_route(study=short, actor=owner, emails=[], webhook_url=httpserver.url_for("/hook"))
    raise_alerts(study=short)
    deliver_all()
    assert "an address inside this network" in Alert.objects.first().last_error
    assert httpserver.log == []


@pytest.mark.django_db
def test_a_connection_that_holds_back_what_is_due_is_told():
    study = factories.make_study()
    owner = factories.owner_of(study)
    local = create_connection(owner=owner, name="local", base_url="http://127.0.0.1:9/v1")
    version = create_system_version(owner=owner, name="late", connection=local, model="m")
    study.entries.create(system_version=version, position=9)
    prompt = study.prompt_set_version.prompts.first()
    Output.objects.create(system_version=version, prompt=prompt, state=OutputState.DUE)
    assert raise_alerts(study=study) == []
    local.hold_until, local.hold_reason = timezone.now() + timedelta(hours=1), "429"
    local.save()
    (alert,) = raise_alerts(study=study)
    assert (alert.kind, alert.facts["reason"]) == ("connection", "429")


@pytest.mark.django_db
def test_the_overview_shows_alerts_until_they_are_seen(short):
    client = Client()
    client.force_login(factories.owner_of(short))
    raise_alerts(study=short)
    address = reverse("study-detail", args=[short.uuid])
    assert "All 2 planned judgements are there." in client.get(address).content.decode()
    for alert in Alert.objects.all():
        where = reverse("alert-seen", args=[short.uuid, alert.uuid])
        stranger = Client()
        stranger.force_login(factories.make_user())
        assert stranger.post(where).status_code == 404
        assert client.post(where).status_code == 302
    assert "planned judgements are there" not in client.get(address).content.decode()
    form = {"emails": "a@example.org\nno address", "webhook_url": ""}
    client.post(reverse("alert-route", args=[short.uuid]), form)
    assert not hasattr(type(short).objects.get(pk=short.pk), "alert_route")
    form["emails"] = "a@example.org\nb@example.org"
    client.post(reverse("alert-route", args=[short.uuid]), form)
    assert type(short).objects.get(pk=short.pk).alert_route.emails == form["emails"].split()


@pytest.mark.django_db(transaction=True)
def test_the_sweep_watches_and_sends_by_itself(celery_worker):
    study = factories.make_study(prompts=1, overlap=1)
    factories.judge(factories.worker_for(study))
    until(Alert.objects.filter(kind="finished", attempts=1, due_at=None).exists)

"""What a plan asks for and tells, before anyone is paid."""

import uuid
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from jeoul.analysis.power import Design, half_width, power
from jeoul.comparisons.actions import claim_comparison, submit_judgement
from jeoul.comparisons.building import build_comparisons
from jeoul.conduct.facts import is_dated
from jeoul.conduct.piloting import pilot_of
from jeoul.conduct.planning import ASSUMED, Draft, estimate, prompts_needed, smaller
from jeoul.studies.actions import amend_study
from jeoul.studies.models import Output, StudyState
from jeoul.studies.pilot import prompts_in_play
from jeoul.studies.running import due_outputs, move_study
from jeoul.studies.systems_actions import create_connection, create_system_version

from tests import factories

DRAFT = Draft(
    prompts=200, systems=4, against_baseline=False, samples=1, overlap=3, seconds=60.0,
    pay=Decimal("0.10"), generation_cost=Decimal(12), smallest_difference=0.1,
)  # fmt: skip


def test_a_plan_counts_its_work_and_its_money():
    plan = estimate(DRAFT)
    assert (plan.comparisons, plan.judgements, plan.people) == (1200, 3600, 120)
    assert plan.hours == pytest.approx(60)
    assert plan.people_cost == Decimal("360.00")
    assert plan.cost == Decimal("372.00")
    against = estimate(Draft(**DRAFT.__dict__ | {"against_baseline": True}))
    assert against.comparisons == 600


def test_certainty_is_that_of_the_analysis_module():
    plan = estimate(DRAFT)
    design = Design(200, 3, 120)
    assert plan.half_width == half_width(ASSUMED, design)
    assert plan.power == power(ASSUMED, design, 0.6)


def test_the_prompts_it_names_are_enough_and_one_fewer_is_not():
    needed = prompts_needed(DRAFT)
    assert needed is not None

    def chance(prompts):
        return estimate(Draft(**DRAFT.__dict__ | {"prompts": prompts})).power

    assert chance(needed) >= 0.8 > chance(needed - 1)


def test_smaller_plans_are_smaller_and_less_sure():
    plan = estimate(DRAFT)
    for less in smaller(DRAFT):
        assert less.judgements < plan.judgements
        assert less.cost < plan.cost
        assert less.half_width > plan.half_width


@pytest.mark.parametrize(
    ("model", "dated"),
    [
        ("gpt-4o-2024-08-06", True), ("claude-sonnet-20250514", True), ("gpt-4-0613", True),
        ("gemini-2026.01", True), ("llama-3.1-70b", False), ("gpt-4o", False), ("", False),
        ("mixtral-8x22b-v0.1", False),
    ],
)  # fmt: skip
def test_a_date_in_a_model_id_is_seen(model, dated):
    assert is_dated(model) is dated


def _form(study, **more):
    criterion = study.criteria.get()
    return {
        "title": "A plan", "prompt_set": study.prompt_set_version.prompt_set.uuid,
        "systems": [v.uuid for v in study.systems.all()], "design": "all_pairs", "overlap": 1,
        "samples": 1, "currency": "USD", "difference": "5", "pay_per_judgement": "0.01",
        "pay_floor_per_hour": "9", "criterion-TOTAL_FORMS": 1, "criterion-INITIAL_FORMS": 1,
        "criterion-0-name": criterion.name, "criterion-0-question": "Which is <b>kinder</b>?",
        "criterion-0-scale": "7", "criterion-0-chips": "warmer",
    } | more  # fmt: skip


@pytest.mark.django_db
def test_the_page_says_what_the_plan_takes_and_what_speaks_against_it():
    study = factories.make_study(start=False)
    owner = factories.owner_of(study)
    local = create_connection(owner=owner, name="local", base_url="http://127.0.0.1:9/v1",
                              price_in=Decimal(1), price_out=Decimal(2))  # fmt: skip
    priced = create_system_version(
        owner=owner, name="fresh", connection=local, model="some-model",
        sampling={"max_tokens": 100_000},
    )  # fmt: skip
    client = Client()
    client.force_login(owner)
    form = _form(study)
    form["systems"].append(priced.uuid)
    page = client.post(reverse("study-plan"), form).content.decode()
    assert "<dd>12</dd>" in page  # 4 prompts, 3 pairs
    assert "0.80" in page  # 4 answers of 100,000 tokens at 2 per million
    for problem in ("no high-risk prompts", "fresh", "One judgement per comparison", "floor"):
        assert problem in page, problem
    # Without JavaScript the same stands on the page, and nothing is stored.
    before = owner.memberships.count()
    whole = client.post(reverse("study-create"), form | {"look": "1"})
    assert whole.status_code == 200
    assert "One judgement per comparison" in whole.content.decode()
    assert owner.memberships.count() == before


@pytest.mark.django_db
def test_the_preview_is_the_annotators_page_with_the_words_typed_so_far():
    study = factories.make_study(start=False)
    client = Client()
    client.force_login(factories.owner_of(study))
    page = client.post(reverse("study-preview"), _form(study)).content.decode()
    assert "Which is &lt;b&gt;kinder&lt;/b&gt;?" in page
    assert "warmer" in page
    assert "Reply" in page  # a real answer of the chosen systems
    assert "alpha" not in page  # blind here too
    stranger = Client()
    stranger.force_login(factories.make_user())
    assert "Reply" not in stranger.post(reverse("study-preview"), _form(study)).content.decode()
    assert Client().post(reverse("study-preview"), _form(study)).status_code == 302


@pytest.mark.django_db
def test_a_pilot_asks_a_few_prompts_and_going_on_changes_nothing_made():
    study = factories.make_study(start=False, prompts=8, pilot_prompts=3)
    owner = factories.owner_of(study)
    whole = factories.make_study(owner=owner, prompts=8)
    move_study(study=study, to=StudyState.RUNNING, actor=owner)
    build_comparisons(study=study)
    asked = prompts_in_play(study)
    assert len(asked) == 3 == study.comparisons.count()
    factories.judge(factories.worker_for(study))
    before = list(study.comparisons.values_list("uuid", "position", "a_first"))
    amend_study(study=study, actor=owner, reason="The pilot is over.",
                change={"pilot_prompts": None})  # fmt: skip
    build_comparisons(study=study)
    after = list(study.comparisons.values_list("uuid", "position", "a_first"))
    assert set(before) <= set(after)
    assert len(after) == 8
    # The same plan without a pilot gives the same order and sides.
    assert sorted(r[1:] for r in after) == sorted(
        whole.comparisons.values_list("position", "a_first")
    )


@pytest.mark.django_db
def test_a_pilot_generates_only_what_it_asks():
    study = factories.make_study(start=False, prompts=8, pilot_prompts=3)
    owner = factories.owner_of(study)
    local = create_connection(owner=owner, name="local", base_url="http://127.0.0.1:9/v1")
    from jeoul.studies.actions import set_systems

    versions = [create_system_version(owner=owner, name=n, connection=local, model="m")
                for n in ("one", "two")]  # fmt: skip
    set_systems(study=study, systems=versions)
    due_outputs(study=study)
    assert Output.objects.filter(system_version__in=versions).count() == 6


@pytest.mark.django_db
def test_a_pilots_own_variances_take_the_place_of_the_assumed_ones():
    """All agree on every prompt here, so that prompts are all the variance there is."""
    study = factories.make_study(prompts=40, pilot_prompts=12, overlap=4)
    owner = factories.owner_of(study)
    assert pilot_of(study) is None
    cache.clear()
    client = Client()
    client.force_login(owner)
    detail = reverse("study-detail", args=[study.uuid])
    assert "With thirty judgements" in client.get(detail).content.decode()
    order = {c: at for at, c in enumerate(study.comparisons.values_list("pk", flat=True))}
    for _ in range(4):
        worker = factories.worker_for(study)
        for _turn in range(12):
            held = claim_comparison(enrolment_id=worker.pk)
            says = factories.say(study, 1 if order[held.comparison_id] % 2 else -1)
            submit_judgement(assignment=held, client_key=uuid.uuid4(), answers=says)
    cache.clear()
    pilot = pilot_of(study)
    assert pilot.judgements == 48
    assert pilot.variances.prompt == pytest.approx(0.25, abs=0.05)
    assert max(pilot.variances.worker, pilot.variances.rest) < 0.01
    page = client.get(detail).content.decode()
    assert "its 48 judgements so far" in page
    form = _form(study, variances=study.uuid)
    planned = client.post(reverse("study-plan"), form).content.decode()
    assert "in 48 judgements of" in planned
    assert "assumed variances" not in planned

"""Real items, checks and repeats as they reach workers: mixed, capped, apart, and even."""

import random
import uuid
from collections import Counter

import pytest
from django.utils import timezone
from jeoul.comparisons.actions import NothingLeft, claim_comparison, submit_judgement
from jeoul.comparisons.holding import expire_assignments, release_assignment, skip_assignment
from jeoul.comparisons.models import Assignment, Comparison, Judgement, Kind
from jeoul.comparisons.pairing import MAX_LEAD
from jeoul.results.data import read_study
from jeoul.studies.models import Prompt
from jeoul.workers.models import Enrolment, Invite

from tests import factories

pytestmark = pytest.mark.django_db


def add_checks(study, count: int = 4) -> None:
    """Known items of the study's own outputs."""
    for at, row in enumerate(study.comparisons.filter(kind=Kind.REAL)[:count]):
        row.pk, row.uuid, row.kind = None, uuid.uuid4(), Kind.GOLD
        row.gold_sign, row.target, row.taken, row.judged = 1, 1_000_000, 0, 0
        row.position = at
        row.save(force_insert=True)


def work(enrolment, pages: int) -> list[Assignment]:
    """Judge so many pages; the assignments in their order."""
    done = []
    for _ in range(pages):
        try:
            held = claim_comparison(enrolment_id=enrolment.pk)
        except NothingLeft:
            break
        submit_judgement(
            assignment=held, client_key=uuid.uuid4(), answers=factories.say(enrolment.study, 1)
        )
        done.append(held)
    return done


def test_checks_and_repeats_are_mixed_in_and_capped():
    study = factories.make_study(
        prompts=30, systems=("a", "b", "c"), gold_share=0.2, gold_max=3, repeat_share=0.2,
        repeat_max=2,
    )  # fmt: skip
    add_checks(study, 8)
    for _ in range(4):
        done = work(factories.worker_for(study), 45)
        kinds = ["repeat" if h.repeat else h.comparison.kind for h in done]
        assert kinds[0] == "real"
        assert 1 <= kinds.index("gold") <= 4
        assert kinds.count("gold") == 3
        assert kinds.count("repeat") == 2
        assert len({(h.comparison_id, h.repeat) for h in done}) == len(done)
        first = {h.comparison_id: (at, h) for at, h in enumerate(done) if not h.repeat}
        for at, held in enumerate(done):
            if held.repeat:
                before, original = first[held.comparison_id]
                assert held.a_on_left is not original.a_on_left, "the sides are swapped"
                assert at - before > 5
    # Repeats take no place of the plan, and are no vote.
    for row in study.comparisons.filter(kind=Kind.REAL):
        votes = Judgement.objects.filter(comparison=row, assignment__repeat=0).count()
        assert row.taken == row.judged == votes
    table, _ = read_study(study)
    real = Judgement.objects.filter(comparison__kind=Kind.REAL, assignment__repeat=0).count()
    assert int(table.is_kind("real").sum()) == real
    assert int(table.is_kind("repeat").sum()) == 8


def test_a_study_stopped_at_any_moment_is_balanced():
    rng = random.Random(11)
    study = factories.make_study(
        prompts=10, systems=("a", "b", "c"), overlap=3, seed=rng.randrange(99)
    )
    workers = [factories.worker_for(study) for _ in range(5)]
    skipped = 0
    for turn in range(88):
        worker = rng.choice(workers)
        try:
            held = claim_comparison(enrolment_id=worker.pk)
        except NothingLeft:
            continue
        luck = rng.random()
        if luck < 0.06:
            skip_assignment(assignment=held, reason="other")
            skipped += 1
        elif luck < 0.12:
            release_assignment(assignment=held)
        elif luck < 0.16:
            Assignment.objects.filter(pk=held.pk).update(expires_at=timezone.now())
            assert expire_assignments() == 1
        else:
            submit_judgement(
                assignment=held, client_key=uuid.uuid4(), answers=factories.say(study, 1)
            )
        if turn % 11 == 10:
            assert_balanced(study, slack=2)


def assert_balanced(study, slack: int) -> None:
    rows = list(study.comparisons.all())
    filled = [row.taken for row in rows]
    # Whoever skipped a row leaves it to others for a while: one level behind, never two.
    assert max(filled) - min(filled) <= slack
    for name in ("prompt_id", "pair"):
        sums = Counter()
        for row in rows:
            sums[row.prompt_id if name == "prompt_id" else (row.system_a_id, row.system_b_id)] += (
                row.taken
            )
        assert max(sums.values()) - min(sums.values()) <= 2 + slack, name
    sides = Counter()
    shown = Assignment.objects.filter(comparison__study=study, state__in=["reserved", "submitted"])
    for held in shown.select_related("comparison"):
        pair = (held.comparison.system_a_id, held.comparison.system_b_id)
        sides[pair] += 1 if held.a_on_left else -1
    assert all(abs(lead) <= 3 + 5 * MAX_LEAD / 2 for lead in sides.values()), sides


def test_caps_hold_for_worker_link_and_study():
    study = factories.make_study(prompts=12, worker_cap=3, judgement_cap=10)
    invite = None
    counts = []
    for _ in range(6):
        worker = factories.worker_for(study)
        if invite is None:
            invite = worker.invite
            Invite.objects.filter(pk=invite.pk).update(judgement_cap=8)
        counts.append(len(work(worker, 20)))
    assert counts == [3, 3, 2, 0, 0, 0]
    Invite.objects.filter(pk=invite.pk).update(judgement_cap=None)
    late = factories.worker_for(study)
    held = claim_comparison(enrolment_id=late.pk)
    # What is held counts: the ninth is reserved, so only one more is given out.
    assert len(work(factories.worker_for(study), 20)) == 1
    assert len(work(late, 20)) == 1
    with pytest.raises(NothingLeft) as nothing:
        claim_comparison(enrolment_id=late.pk)
    assert nothing.value.final
    assert held.enrolment_id == late.pk
    assert Judgement.objects.count() == 10


def test_languages_are_matched():
    study = factories.make_study(prompts=6, languages=["en", "ko"])
    prompts = list(Prompt.objects.order_by("pk"))
    tags = ["ko", "ko-KR", "en", "en_GB", "", "de"]
    for prompt, tag in zip(prompts, tags, strict=True):
        Prompt.objects.filter(pk=prompt.pk).update(language=tag)
        Comparison.objects.filter(prompt=prompt).update(language=tag[:2])
    expected = {("ko-KR",): {"ko", "ko-KR", ""}, ("en", "de"): {"en", "en_GB", "de", ""}}
    for known, tags_seen in expected.items():
        worker = factories.worker_for(study, languages=known)
        seen = {
            Prompt.objects.get(pk=held.comparison.prompt_id).language for held in work(worker, 9)
        }
        assert seen == tags_seen
    anyone = factories.worker_for(study)
    assert len(work(anyone, 9)) == 6


def test_the_language_of_a_comparison_is_its_prompts():
    study = factories.make_study(prompts=2)
    assert set(study.comparisons.values_list("language", flat=True)) == set(
        Prompt.objects.values_list("language", flat=True)
    )


def test_two_items_of_one_prompt_stand_apart():
    study = factories.make_study(prompts=8, systems=("a", "b", "c"), prompt_distance=4, overlap=2)
    worker = factories.worker_for(study)
    prompts = [held.comparison.prompt_id for held in work(worker, 24)]
    assert len(prompts) == 24
    for at, prompt in enumerate(prompts):
        assert prompt not in prompts[max(0, at - 4) : at]


def test_a_page_shown_twice_does_not_move_the_slots():
    """A worker can't ask again and again until a check is gone."""
    study = factories.make_study(prompts=20, gold_share=0.3)
    add_checks(study, 6)
    worker = factories.worker_for(study)
    held = claim_comparison(enrolment_id=worker.pk)
    assert claim_comparison(enrolment_id=worker.pk).pk == held.pk
    given = Enrolment.objects.get(pk=worker.pk)
    assert (given.given_real, given.given_gold) == (1, 0)

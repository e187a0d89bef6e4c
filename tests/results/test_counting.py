"""Counts kept per pair and slice are those of the rows, whatever is under way or undone."""

import re
import threading
import uuid
from collections import Counter

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.urls import reverse
from jeoul.comparisons.actions import claim_comparison, revise_judgement, submit_judgement
from jeoul.comparisons.models import Answer
from jeoul.quality.actions import exclude_worker, include_worker
from jeoul.results import counting
from jeoul.results.actions import is_current, studies_to_analyse
from jeoul.results.counting import advance_counts, counts_of, named_counts, seen
from jeoul.results.fingerprints import fingerprint
from jeoul.studies.models import Output, OutputState

from tasks.analyses import analyse, judgement_came
from tests import factories
from tests.api.caller import Caller
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The mark waits for every transaction of the server, also those of the tests beside these."""
    monkeypatch.setattr(counting, "_PATIENCE_SECONDS", PATIENCE)


def by_rows(study, *, without=()):
    """The same counts from the rows, one by one."""
    found = Counter()
    rows = Answer.objects.filter(judgement__study=study, judgement__superseded_by=None)
    rows = rows.exclude(judgement__worker__in=without)
    for answer in rows.select_related("judgement__comparison__prompt"):
        c, side = answer.judgement.comparison, 1 if answer.judgement.a_on_left else -1
        values = [("", "")] + [(s, getattr(c.prompt, s)) for s in counting.SLICES]
        for name, value in values:
            if value or not name:
                key = (name, value, c.system_a_id, c.system_b_id, side, answer.outcome)
                found[key] += 1
    return found


def kept(study):
    return Counter(
        {
            (r["slice"], r["value"], r["system_a_id"], r["system_b_id"], r["side"], r["outcome"]):
            r["n"] for r in counts_of(study)
        }
    )  # fmt: skip


def revise(judgement, study, grade):
    revise_judgement(
        assignment=judgement.assignment,
        client_key=uuid.uuid4(),
        answers=factories.say(study, grade),
    )


@pytest.mark.django_db(transaction=True)
def test_counts_follow_judgements_corrections_and_exclusions():
    study = factories.make_study(prompts=6, systems=("alpha", "beta", "gamma"))
    first, second = factories.worker_for(study), factories.worker_for(study)
    said = [factories.judge(first, (1, -1, 0, None)[turn % 4]) for turn in range(8)]
    assert kept(study) == by_rows(study)
    assert advance_counts(study)
    revise(said[0], study, -1)
    said += [factories.judge(second, 1) for _ in range(6)]
    # Some counted, some behind the mark, one of the counted ones superseded behind it.
    assert kept(study) == by_rows(study)
    assert sum(r["n"] for r in counts_of(study) if not r["slice"]) == 14
    assert (seen(study).judgements, seen(study).last) == (15, study.judgements.latest("pk").pk)
    assert advance_counts(study)
    assert advance_counts(study)
    assert (seen(study).judgements, kept(study)) == (15, by_rows(study))
    owner = study.memberships.get(role="owner").user
    exclude_worker(study=study, worker=first.worker, actor=owner, reason="Guessed throughout.")
    assert kept(study) == by_rows(study, without=[first.worker])
    include_worker(study=study, worker=first.worker, actor=owner)
    assert kept(study) == by_rows(study)
    named = [r for r in named_counts(study) if not r["slice"] and r["choice"] == "both_bad"]
    assert sum(r["n"] for r in named) == sum(n for k, n in by_rows(study).items()
                                             if not k[0] and k[-1] == 3)  # fmt: skip
    assert {r["criterion"] for r in named} == {study.criteria.get(is_overall=True).key}


@pytest.mark.django_db(transaction=True)
def test_the_most_disputed_stand_first_and_a_correction_moves_them(client):
    study = factories.make_study(prompts=4, overlap=4)
    wanted = {0: (1, -1, 1, 1), 1: (1, 1, 1, 1), 2: (1, -1, 1, -1), 3: (1, -1, 0, 0)}
    people = [factories.worker_for(study) for _ in range(4)]
    said = {}
    for at, person in enumerate(people):
        for _turn in range(4):
            held = claim_comparison(enrolment_id=person.pk)
            prompt = int(held.comparison.prompt.key[1:])
            answers = factories.say(study, wanted[prompt][at])
            made, _new = submit_judgement(assignment=held, client_key=uuid.uuid4(), answers=answers)
            said[prompt, at] = made
    client.force_login(factories.owner_of(study))
    at = reverse("comparison-list", args=[study.uuid]) + "?show=disputed"

    def listed():
        return re.findall(r'/comparisons/[0-9a-f-]{36}/">p(\d)', client.get(at).text)

    assert (listed(), "being counted" in client.get(at).text) == ([], True)
    assert advance_counts(study)
    # Two against two, three against one, one against one with two ties; all for one is no dispute.
    assert (listed(), "being counted" in client.get(at).text) == (["2", "0", "3"], False)
    program, path = Caller(factories.owner_of(study)), f"studies/{study.uuid}/comparisons/"
    page = program.get(path, order="dispute", page_size=2)
    assert [c["prompt_id"] for c in page["results"]] == ["p2", "p0"]
    after = page["next"].partition("/api/v1/")[2]
    assert [c["prompt_id"] for c in program.get(after)["results"]] == ["p3"]
    assert {c["prompt_id"] for c in program.get(path, disputed="false")["results"]} == {"p1"}
    assert "order" in program.get(path, order="price", status=422)["errors"]
    revise(said[2, 1], study, 1)
    revise(said[2, 3], study, 1)
    assert advance_counts(study)
    assert listed() == ["0", "3"]


@pytest.mark.django_db(transaction=True)
def test_the_mark_waits_for_a_judgement_whose_transaction_is_not_over(monkeypatch):
    monkeypatch.setattr(counting, "_PATIENCE_SECONDS", 0.2)
    study = factories.make_study(prompts=4)
    early, late = factories.worker_for(study), factories.worker_for(study)
    stored, go = threading.Event(), threading.Event()

    def slowly():
        with transaction.atomic():
            factories.judge(early, 1)
            stored.set()
            go.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=slowly)
    thread.start()
    assert stored.wait(PATIENCE)
    factories.judge(late, -1)
    # The later id is there, the earlier one is not: passing it would lose it for good.
    assert not advance_counts(study)
    assert sum(kept(study).values()) > 0
    go.set()
    thread.join()
    monkeypatch.setattr(counting, "_PATIENCE_SECONDS", PATIENCE)
    assert advance_counts(study)
    assert kept(study) == by_rows(study)
    assert seen(study).judgements == 2


@pytest.mark.django_db(transaction=True)
def test_a_submit_brings_the_analysis_about_and_a_process_asks_once():
    study = factories.make_study(prompts=4)
    factories.judge(factories.worker_for(study), 1)
    judgement_came(study.pk)
    assert cache.get(f"analysis:{study.pk}")
    cache.delete(f"analysis:{study.pk}")
    judgement_came(study.pk)
    assert cache.get(f"analysis:{study.pk}") is None
    analyse(study.pk)
    assert study.count_mark.judgements == 1
    assert is_current(study.analyses.first(), study)
    assert study not in studies_to_analyse()


@pytest.mark.django_db
def test_the_fingerprint_sees_refusals_slices_and_texts():
    study = factories.make_study(prompts=4)
    digests = {fingerprint(study, {})}
    Output.objects.filter(pk=Output.objects.first().pk).update(state=OutputState.REFUSED)
    digests.add(fingerprint(study, {}))
    version = study.prompt_set_version
    version.content_hash = "1" * 64
    digests.add(fingerprint(study, {}))
    study.imported = True
    digests.add(fingerprint(study, {}))
    Output.objects.filter(pk=Output.objects.last().pk).update(text_missing=True)
    digests.add(fingerprint(study, {}))
    entry = study.entries.first()
    study.entries.filter(pk=entry.pk).update(is_baseline=not entry.is_baseline)
    digests.add(fingerprint(study, {}))
    assert len(digests) == 5
    assert fingerprint(study, {}) in digests

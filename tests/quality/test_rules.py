"""Each rule: it fires on a planted worker, is silent without enough data and spares the honest."""

from dataclasses import replace

import numpy as np
import pytest
from jeoul.quality import rules
from jeoul.quality.rules import WorkerFacts, findings

HONEST = WorkerFacts(
    worker=0,
    n=60,
    median_seconds=40.0,
    reading_share=1.2,
    timed=60,
    left=25,
    right=23,
    ties=12,
    others_tie_share=0.2,
    gold_n=6,
    gold_right=6,
    agreement=0.65,
    agreement_n=120,
)


def crowd(*planted: WorkerFacts, honest: int = 20) -> list[WorkerFacts]:
    return [
        *(replace(HONEST, worker=i) for i in range(honest)),
        *(replace(f, worker=100 + i) for i, f in enumerate(planted)),
    ]


def fired(*planted: WorkerFacts) -> list[tuple[int, str]]:
    return [(f.worker, f.rule) for f in findings(crowd(*planted))]


PLANTED = {
    "too_fast": replace(HONEST, reading_share=0.1, median_seconds=3.0),
    "one_side": replace(HONEST, left=47, right=1),
    "fails_gold": replace(HONEST, gold_right=0),
    "disagrees": replace(HONEST, agreement=0.3),
    "always_tie": replace(HONEST, left=1, right=1, ties=58),
}
TOO_LITTLE = {
    "too_fast": replace(PLANTED["too_fast"], timed=rules.MIN_TIMED - 1),
    "one_side": replace(HONEST, left=rules.MIN_JUDGEMENTS - 1, right=0),
    "fails_gold": replace(HONEST, gold_n=rules.MIN_GOLD - 1, gold_right=0),
    "disagrees": replace(HONEST, agreement=0.0, agreement_n=rules.MIN_JUDGEMENTS - 1),
    "always_tie": replace(
        HONEST, n=rules.MIN_JUDGEMENTS - 1, left=0, right=0, ties=rules.MIN_JUDGEMENTS - 1
    ),
}


def test_an_honest_crowd_is_left_alone():
    assert fired() == []
    assert findings([]) == []


@pytest.mark.parametrize("rule", PLANTED)
def test_fires_on_the_planted_worker_and_on_nobody_else(rule):
    assert fired(PLANTED[rule]) == [(100, rule)]


@pytest.mark.parametrize("rule", TOO_LITTLE)
def test_silent_under_its_minimum(rule):
    assert fired(TOO_LITTLE[rule]) == []


def test_the_evidence_names_the_numbers():
    said = {f.rule: f.evidence for f in findings(crowd(*PLANTED.values()))}
    assert "Median 3.0 s" in said["too_fast"]
    assert "10%" in said["too_fast"]
    assert "left answer 47 of 48" in said["one_side"]
    assert "0 of 6 known answers" in said["fails_gold"]
    assert "30% of 120" in said["disagrees"]
    assert "tie 58 of 60" in said["always_tie"]
    assert all(len(text) <= 500 for text in said.values())


def test_right_handed_is_named_right():
    (found,) = findings(crowd(replace(HONEST, left=2, right=46)))
    assert "right answer 46 of 48" in found.evidence


def test_too_fast_without_texts_is_measured_by_the_crowd():
    textless = [replace(f, reading_share=None) for f in crowd(PLANTED["too_fast"])]
    (found,) = findings(textless)
    assert (found.worker, found.rule) == (100, "too_fast")
    assert "over all workers" in found.evidence
    # Four workers have no median to speak of.
    assert findings(textless[-4:]) == []


def test_a_slight_habit_is_no_finding_however_certain():
    """60 % left over 2,000 choices is significant, and harmless since sides are balanced."""
    assert fired(replace(HONEST, n=2000, left=1200, right=800)) == []


def test_gold_needs_an_interval_under_the_mark_not_a_share():
    # 2 of 4: the exact interval reaches 93 %.
    assert fired(replace(HONEST, gold_n=4, gold_right=2)) == []
    assert fired(replace(HONEST, gold_n=20, gold_right=7)) == [(100, "fails_gold")]


def test_disagreement_needs_a_crowd_of_three():
    assert findings(crowd(PLANTED["disagrees"], honest=1)) == []


def test_false_discoveries_over_many_honest_workers():
    """40 studies of 200 honest workers: families of tests with a finding stay near the rate."""
    rng = np.random.default_rng(1)
    hit = 0
    for _ in range(40):
        left = rng.binomial(48, 0.5, 200)
        ties = rng.binomial(60, 0.2, 200)
        agreed = rng.binomial(120, 0.65, 200)
        people = [
            replace(
                HONEST,
                worker=w,
                left=int(left[w]),
                right=48 - int(left[w]),
                ties=int(ties[w]),
                agreement=int(agreed[w]) / 120,
            )
            for w in range(200)
        ]
        hit += bool(findings(people))
    # Three families at 5 % each; two of them also ask for a large effect.
    assert hit <= 6

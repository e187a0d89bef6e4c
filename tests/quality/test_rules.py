"""Each rule: it fires on a planted worker, is silent without enough data and spares the honest."""

import re
from dataclasses import replace

import numpy as np
import pytest
from django.utils.translation import override
from jeoul.analysis.quality_signals import longest_run
from jeoul.quality import rules
from jeoul.quality.rules import WorkerFacts, findings
from jeoul.quality.words import EVIDENCE
from jeoul.saying import said

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
    excess=0.01,
    excess_error=0.05,
    compared=60,
    unanimous=35,
    dissent=9,
    alone=15,
    longest_run=6,
    repeats=8,
    repeats_same=7,
    reliability=0.8,
    reliability_high=0.9,
    reliability_n=60,
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
    "disagrees": replace(HONEST, agreement=0.3, dissent=25),
    "always_tie": replace(HONEST, left=1, right=1, ties=58),
    "long_run": replace(HONEST, longest_run=26),
    "low_information": replace(HONEST, left=57, right=1, ties=2),
    "repeats_differ": replace(HONEST, repeats=8, repeats_same=0),
    "copies_majority": replace(HONEST, excess=0.22, excess_error=0.03),
    "unreliable": replace(HONEST, reliability=0.35, reliability_high=0.48),
}
TOO_LITTLE = {
    "too_fast": replace(PLANTED["too_fast"], timed=rules.MIN_TIMED - 1),
    "one_side": replace(HONEST, left=rules.MIN_JUDGEMENTS - 1, right=0),
    "fails_gold": replace(HONEST, gold_n=rules.MIN_GOLD - 1, gold_right=0),
    "disagrees": replace(HONEST, unanimous=rules.MIN_UNANIMOUS - 1, dissent=7),
    "long_run": replace(HONEST, left=14, right=0, longest_run=14),
    "low_information": replace(HONEST, left=14, right=0, ties=0),
    "repeats_differ": replace(HONEST, repeats=rules.MIN_REPEATS - 1, repeats_same=0),
    "copies_majority": replace(HONEST, excess=0.6, alone=0, compared=rules.MIN_JUDGEMENTS - 1),
    "unreliable": replace(PLANTED["unreliable"], reliability_n=rules.MIN_JUDGEMENTS - 1),
    "always_tie": replace(
        HONEST, n=rules.MIN_JUDGEMENTS - 1, left=0, right=0, ties=rules.MIN_JUDGEMENTS - 1
    ),
}


def test_an_honest_crowd_is_left_alone():
    assert fired() == []
    assert findings([]) == []


@pytest.mark.parametrize("rule", PLANTED)
def test_fires_on_the_planted_worker_and_on_nobody_else(rule):
    # Nothing but ties carries no information either: two rules may see the same habit.
    also = {"always_tie": [(100, "low_information")], "low_information": [(100, "one_side")]}
    expected = {(100, rule), *also.get(rule, [])}
    assert set(fired(PLANTED[rule])) == expected


@pytest.mark.parametrize("rule", TOO_LITTLE)
def test_silent_under_its_minimum(rule):
    assert fired(TOO_LITTLE[rule]) == []


def test_its_evidence_is_told_in_korean_too():
    told = {f.evidence for f in findings(crowd(*PLANTED.values()))}
    slow = replace(PLANTED["too_fast"], reading_share=None)
    told |= {f.evidence for f in findings(crowd(slow, replace(HONEST, left=1, right=47)))}
    with override("ko"):
        assert [t for t in told if not re.search("[가-힣]", said(t, EVIDENCE))] == []


def test_the_evidence_names_the_numbers():
    said = {f.rule: f.evidence for f in findings(crowd(*PLANTED.values()))}
    assert "Median 3.0 s" in said["too_fast"]
    assert "10%" in said["too_fast"]
    assert "left answer 57 of 58" in said["one_side"]
    assert "0 of 6 known answers" in said["fails_gold"]
    assert "25 of the 35" in said["disagrees"]
    assert "26 times in a row" in said["long_run"]
    assert "0.33 bits" in said["low_information"]
    assert "0 of 8 repeated" in said["repeats_differ"]
    assert "22% more often" in said["copies_majority"]
    assert "35% of 60" in said["unreliable"]
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


def test_never_being_alone_with_an_answer_gives_a_copier_away():
    (found,) = findings(crowd(replace(HONEST, alone=1)))
    assert (found.worker, found.rule) == (100, "copies_majority")
    assert "in 1 of 60 comparisons" in found.evidence
    # A crowd that always agrees has no copiers, nor has one too small for a median.
    assert findings([replace(f, alone=0) for f in crowd()]) == []
    assert findings(crowd(replace(HONEST, alone=1), honest=rules.MIN_CROWD - 2)) == []


def test_with_two_judges_each_the_crowd_is_the_measure():
    """Without a second other judge nothing says how hard the comparisons are."""
    pairs = [replace(f, unanimous=0, dissent=0)
             for f in crowd(PLANTED["disagrees"])]  # fmt: skip
    (found,) = findings(pairs)
    assert (found.worker, found.rule) == (100, "disagrees")
    assert "30% of 120" in found.evidence


def test_false_discoveries_over_many_honest_workers():
    """40 studies of 200 honest workers: families of tests with a finding stay near the rate."""
    rng = np.random.default_rng(1)
    hit = 0
    for _ in range(40):
        left = rng.binomial(48, 0.5, 200)
        ties = rng.binomial(60, 0.2, 200)
        dissent = rng.binomial(35, 0.25, 200)
        alone = rng.binomial(60, 0.25, 200)
        excess = rng.standard_t(59, 200) * 0.05
        sides = rng.random((200, 48)) < 0.5
        runs = [longest_run(s.astype(int)).length for s in sides]
        people = [
            replace(
                HONEST,
                worker=w,
                left=int(left[w]),
                right=48 - int(left[w]),
                ties=int(ties[w]),
                excess=float(excess[w]),
                dissent=int(dissent[w]),
                alone=int(alone[w]),
                longest_run=int(runs[w]),
            )
            for w in range(200)
        ]
        hit += bool(findings(people))
    # Six families at 5 % each would make ten of them; most also ask for a large effect.
    assert hit <= 10

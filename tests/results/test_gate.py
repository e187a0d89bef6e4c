"""The gate: pass, fail, not yet; protected while running; frozen with the plan; exit codes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jeoul.base import InvalidInput
from jeoul.results.data import Table
from jeoul.results.gate import evaluate
from jeoul.results.gate_state import NoGate, gate_of
from jeoul.results.inputs import Asked, Inputs, Person
from jeoul.studies.gate_actions import set_gate
from jeoul.studies.gate_rule import normal_rule
from jeoul.studies.models import StudyState
from jeoul.studies.running import move_study

from tests import factories
from tests.api.caller import Caller

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db
CONDITION = {
    "system": "new", "baseline": "old", "claim": "better", "criterion": "overall", "where": {},
    "margin": 0.0, "confidence": 0.95, "ties": "half", "both_bad": "tie", "min_grade": 0.0,
}  # fmt: skip


def inputs(win_rate: float, n: int = 4000, prompts: int = 200, workers: int = 60) -> Inputs:
    """A study of two systems in which `new` (code 1, stored as B) wins this share."""
    rng = np.random.default_rng(5)
    prompt = rng.integers(0, prompts, n)
    columns = {
        "criterion": np.ones(n, int), "judgement": np.arange(n), "comparison": prompt,
        "kind": np.zeros(n, np.int8), "gold_sign": np.full(n, np.nan),
        "prompt": prompt, "worker": rng.integers(0, workers, n),
        "system_a": np.zeros(n, int), "system_b": np.ones(n, int), "output_a": prompt,
        "output_b": prompt + 1000, "outcome": (rng.random(n) < win_rate).astype(int),
        "grade": np.full(n, np.nan), "left": np.ones(n, int), "seconds": np.full(n, 9.0),
    }  # fmt: skip
    return Inputs(
        study={"simulated": False}, table=Table(columns), excluded=frozenset(),
        labels=["old", "new"], criteria=[Asked(1, "overall", "Overall", 3, True)],
        slices={p: ("high" if p % 2 else "realistic", "", "", "", "")
                for p in range(prompts)},
        people=[Person(f"w{i}", "Team", False) for i in range(workers)],
        features=np.zeros((0, 5)), baseline=0, violating=np.zeros(0, bool),
        refused=np.zeros(0, bool),
    )  # fmt: skip


def asked(data: Inputs, *conditions, closed=False, looks="protected"):
    rule = {"looks": looks, "conditions": [CONDITION | c for c in conditions]}
    return evaluate(data, rule, closed=closed)


def test_a_clear_winner_passes_a_clear_loser_fails_and_a_close_race_waits():
    assert asked(inputs(0.65), {})["state"] == "pass"
    assert asked(inputs(0.35), {})["state"] == "fail"
    close = asked(inputs(0.51), {})
    assert close["state"] == "not_yet"
    assert close["missing"] > 1000
    assert asked(inputs(0.51), {}, closed=True)["state"] == "fail"


def test_looking_while_it_runs_costs_width_and_closing_gives_it_back():
    (running,) = asked(inputs(0.53), {})["conditions"]
    (closed,) = asked(inputs(0.53), {}, closed=True)["conditions"]
    (fixed,) = asked(inputs(0.53), {}, looks="fixed")["conditions"]
    assert running["low"] < closed["low"] == fixed["low"]
    assert (running["state"], closed["state"]) == ("not_yet", "pass")
    assert "confidence sequence" in running["method"]


def test_not_worse_within_a_margin_and_in_a_slice():
    even = inputs(0.5)
    high = {"claim": "not_worse", "where": {"risk": "high"}}
    wide, narrow = asked(even, high | {"margin": 0.15}, high | {"margin": 0.001})["conditions"]
    assert (wide["state"], narrow["state"]) == ("pass", "not_yet")
    assert 0 < wide["n"] < len(even.table)
    none = asked(even, {"where": {"risk": "no such"}})
    assert (none["state"], none["conditions"][0]["n"]) == ("not_yet", 0)
    assert none["missing"] > 0


def test_missing_judgements_are_those_that_then_decide_and_prompts_set_a_floor():
    """What is told is held against a study of that size with the same people and prompts."""
    few = inputs(0.52, n=1500)
    (told,) = asked(few, {}, looks="fixed")["conditions"]
    assert (told["state"], told["code"]) == ("not_yet", "holds")
    distance = told["estimate"] - 0.5
    more = 1500 + told["missing"]
    many = inputs(0.52, n=more, workers=60 * more // 1500)
    (then,) = asked(many, {}, looks="fixed")["conditions"]
    assert then["estimate"] - then["low"] == pytest.approx(distance, rel=0.25)
    # Half of the prompts are always won, half always lost: asking the same ones again is no use.
    stubborn = inputs(0.5, n=4000)
    prompt = stubborn.table.columns["prompt"]
    stubborn.table.columns["outcome"] = (prompt % 20 < 11).astype(int)
    (floor,) = asked(stubborn, {}, looks="fixed")["conditions"]
    assert (floor["state"], floor["code"]) == ("not_yet", "prompts")
    assert floor["missing"] > 1000
    under = asked(inputs(0.5, n=400, workers=20), {}, looks="fixed")["conditions"][0]
    assert under["missing"] is None or under["estimate"] > 0.5
    grades = asked(few, {"min_grade": 2.0})["conditions"][0]
    assert (grades["state"], grades["code"]) == ("not_yet", "unknown")


def test_all_conditions_must_hold_and_one_that_fails_decides():
    data = inputs(0.65)
    assert asked(data, {}, {"claim": "not_worse"})["state"] == "pass"
    assert asked(data, {}, {"margin": 0.3})["state"] == "fail"
    assert asked(data, {}, {"margin": 0.14})["state"] == "not_yet"


def test_excluded_workers_and_few_people_do_not_count():
    data = inputs(0.65)
    all_out = replace(data, excluded=frozenset(range(60)))
    assert asked(all_out, {})["conditions"][0]["n"] == 0
    few = asked(inputs(0.65, workers=8), {})
    assert few["state"] == "not_yet"
    (told,) = few["conditions"]
    assert (told["code"], told["needs"]) == ("too_few", {"prompts": 0, "people": 22})
    assert few["missing"] >= 22
    (told,) = asked(inputs(0.65, n=90, prompts=40, workers=8), {})["conditions"]
    assert told["missing"] > 90  # what the plan would ask for
    (told,) = asked(inputs(0.65, prompts=20), {})["conditions"]
    assert (told["code"], told["asked"], told["missing"]) == ("few_prompts", 20, None)
    (told,) = asked(inputs(1.0), {})["conditions"]
    assert (told["code"], told["needs"]) == ("no_width", None)
    assert asked(inputs(0.65, workers=1, prompts=1), {}, closed=True)["state"] == "fail"
    assert asked(inputs(0.65, workers=8), {}, closed=True)["state"] == "pass"


def test_the_rule_is_part_of_the_plan_and_changes_only_by_amendment():
    study = factories.make_study(start=False)
    owner = factories.owner_of(study)
    with pytest.raises(NoGate):
        gate_of(study)
    assert set_gate(study=study, actor=owner, rule={"conditions": [{"claim": "better"}]})
    assert gate_of(study)["state"] == "not_yet"
    move_study(study=study, to=StudyState.RUNNING, actor=owner)
    assert study.plan["gate"]["conditions"][0]["system"] == "beta"
    same = {"conditions": [{"system": "beta", "baseline": "alpha"}]}
    assert not set_gate(study=study, actor=owner, rule=same)
    stricter = {"conditions": [{"margin": 0.05}]}
    with pytest.raises(InvalidInput):
        set_gate(study=study, actor=owner, rule=stricter)
    set_gate(study=study, actor=owner, rule=stricter, reason="A smaller gain is not worth it.")
    change = study.amendments.get().change["gate"]
    assert change["from"]["conditions"][0]["margin"] == 0
    assert change["to"]["conditions"][0]["margin"] == 0.05
    assert gate_of(study)["amendments"] == 1


@pytest.mark.parametrize(
    "rule",
    [
        [], "x", {"conditions": "x"}, {"conditions": [1]}, {"looks": "often", "conditions": [{}]},
        {"conditions": [{"margin": True}]}, {"conditions": [{"confidence": 1}]},
        {"conditions": [{"where": {"colour": "red"}}]}, {"conditions": [{"claim": "best"}]},
        {"conditions": [{"system": "nobody"}]}, {"conditions": [{"system": "alpha"}]},
        {"conditions": [{"criterion": "taste"}]}, {"more": 1},
        {"conditions": [{"where": {"category": "no prompt's"}}]},
    ],
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(rule):
    study = factories.make_study(start=False)
    with pytest.raises(InvalidInput):
        set_gate(study=study, actor=factories.owner_of(study), rule=rule)


def test_a_program_sets_the_rule_and_asks():
    caller = Caller(factories.make_user())
    study = factories.make_study(owner=caller.user)
    path = f"studies/{study.uuid}/gate/"
    assert caller.get(path, status=409)["code"] == "no_gate"
    rule = {"conditions": [{"claim": "not_worse", "margin": 0.1}]}
    caller.post(path, {"rule": rule}, method="put", status=422)
    made = caller.post(path, {"rule": rule, "reason": "why"}, method="put", status=200)
    assert (made["state"], made["study_state"]) == ("not_yet", "running")
    factories.judge(factories.worker_for(study))
    assert caller.get(path)["conditions"][0]["n"] == 1
    assert Caller(factories.make_user()).get(path, status=404)
    assert normal_rule(study, {"conditions": []}) is None


@pytest.mark.django_db(transaction=True)
def test_the_command_answers_a_pipeline_by_its_exit_code(process_env, tmp_path):
    study = factories.make_study(prompts=12, overlap=6)
    owner = factories.owner_of(study)

    def run(*args):
        done = subprocess.run(
            [sys.executable, "manage.py", "gate", *args],
            cwd=ROOT, env=process_env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    assert run("no-such-study")[0] == 3
    assert run()[0] == 3
    code, _, error = run(study.slug)
    assert (code, "no gate" in error) == (3, True)
    rule = tmp_path / "rule.json"
    rule.write_text(json.dumps({"conditions": [{"system": "alpha", "baseline": "beta"}]}))
    code, out, _ = run(study.slug, "--set", str(rule), "--reason", "a test", "--json")
    assert (code, json.loads(out)["state"]) == (2, "not_yet")
    for _ in range(6):
        worker = factories.worker_for(study)
        for _ in range(12):
            factories.judge(worker, 1)
    move_study(study=study, to=StudyState.CLOSED, actor=owner)
    code, out, _ = run(study.slug)
    assert (code, out.split("\n")[0]) == (0, "PASS")
    set_gate(
        study=study, actor=owner, reason="the other way round",
        rule={"conditions": [{"system": "beta", "baseline": "alpha"}]},
    )  # fmt: skip
    assert run(study.slug)[:2][0] == 1

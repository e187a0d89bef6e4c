"""What every program may rely on: repeats, errors, entity tags, tokens, rates, every noun."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from jeoul.accounts.actions import forget_answers, make_token
from jeoul.accounts.models import StoredAnswer
from jeoul.api.throttling import PersonRate, StrangerRate
from jeoul.conduct.alerts import raise_alerts
from jeoul.quality.actions import exclude_worker, include_worker
from jeoul.risk.models import Report
from jeoul.studies.models import Study
from jsonschema import Draft202012Validator

from tests import factories
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db


def test_a_repeated_write_gives_the_first_answer_and_makes_nothing_new(caller):
    first = caller.call("studies/", {"title": "Once"}, key="k1")
    again = caller.call("studies/", {"title": "Once"}, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert again["Content-Type"] == first["Content-Type"]
    assert Study.objects.count() == 1
    other = caller.call("studies/", {"title": "Other"}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    # Another person's key of the same text is another key.
    assert Caller(factories.make_user()).call("studies/", {"title": "Once"}, key="k1").status_code == 201  # fmt: skip  # noqa: E501


def test_a_write_that_would_have_a_second_effect_needs_a_key(caller):
    study = factories.make_study(owner=caller.user)
    for path in ("studies/", f"studies/{study.uuid}/invites/", f"studies/{study.uuid}/amendments/"):
        refused = caller.call(path, {"title": "x", "reason": "x"}, key=None)
        assert (refused.status_code, refused.json()["code"]) == (400, "key_missing"), path
        assert refused["Content-Type"] == "application/problem+json"
    assert caller.call("studies/", {"title": "x"}, key="ä" * 3).json()["code"] == "key_invalid"
    assert Client().post("/api/v1/studies/").status_code == 401


def test_a_refused_write_leaves_its_key_free_and_an_old_key_is_forgotten(caller):
    assert caller.call("studies/", {"overlap": 0}, key="k").status_code == 422
    assert caller.call("studies/", {"title": "x"}, key="k").status_code == 201
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert caller.call("studies/", {"title": "y"}, key="k").status_code == 201
    assert Study.objects.count() == 2
    assert forget_answers() == 0
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert forget_answers() == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_first_request_is_worked_on_its_repeat_is_told_to_wait():
    from jeoul.api import idempotency

    caller = Caller(factories.make_user())
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            number = idempotency.lock_number(f"{caller.user.pk}:busy")
            cursor.execute("SELECT pg_advisory_lock(%s)", [number])
            waiting = caller.call("studies/", {"title": "x"}, key="busy")
            assert (waiting.status_code, waiting.json()["code"]) == (409, "in_flight")
            assert waiting["Retry-After"] == "1"
    finally:
        other.close()
    assert Study.objects.count() == 0
    assert caller.call("studies/", {"title": "x"}, key="busy").status_code == 201


def test_what_has_not_changed_is_not_sent_again(caller):
    study = factories.make_study(owner=caller.user)
    for path in (f"studies/{study.uuid}/", "studies/", f"studies/{study.uuid}/results/"):
        first = caller.client.get(f"/api/v1/{path}")
        tag = first["ETag"]
        again = caller.client.get(f"/api/v1/{path}", headers={"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b""), path
    Study.objects.update(title="Changed")
    changed = caller.client.get(
        f"/api/v1/studies/{study.uuid}/", headers={"if-none-match": first["ETag"]}
    )
    assert changed.status_code == 200
    assert "private" in changed["Cache-Control"]


def test_every_error_has_the_one_shape(caller):
    study = factories.make_study()
    asked = {
        404: caller.client.get(f"/api/v1/studies/{study.uuid}/"),
        401: Client().get("/api/v1/studies/"),
        405: caller.client.put("/api/v1/studies/"),
        422: caller.call("studies/", {"overlap": 0}),
        400: caller.client.post("/api/v1/studies/", "{", content_type="application/json",
                                headers={"idempotency-key": "x"}),
        415: caller.client.post("/api/v1/systems/", "a", content_type="text/plain"),
    }  # fmt: skip
    asked["404, no address"] = caller.client.get("/api/v1/nowhere/")
    asked["404, no such page"] = caller.client.get("/api/v1/studies/", {"cursor": "nonsense"})
    for name, response in asked.items():
        status = int(str(name)[:3])
        body = json.loads(response.content)
        assert response.status_code == body["status"] == status, name
        assert response["Content-Type"] == "application/problem+json", name
        assert set(body) >= {"type", "title", "status", "code", "detail"}, name
    assert "Allow" in asked[405]
    assert "WWW-Authenticate" in asked[401]


def test_a_token_ends_when_its_time_or_its_owner_says(caller):
    past = timezone.now() - timedelta(seconds=1)
    Caller(caller.user, expires_at=past).get("me/", status=401)
    other = Caller(caller.user)
    mine = {t["id"]: t for t in caller.get("tokens/")["results"]}
    assert caller.token not in json.dumps(mine)
    (wanted,) = [i for i, t in mine.items() if t["prefix"] == other.token[:10]]
    caller.post(f"tokens/{wanted}/", status=204, method="delete")
    other.get("me/", status=401)
    stranger, _ = make_token(user=factories.make_user(), name="theirs")
    caller.post(f"tokens/{stranger.uuid}/", status=404, method="delete")


def test_a_person_is_slowed_down_by_rate_over_all_tokens(caller, monkeypatch):
    cache.clear()
    monkeypatch.setattr(PersonRate, "rate", "3/day", raising=False)
    assert caller.client.get("/api/v1/me/").status_code == 200
    other = Caller(caller.user)
    answers = [other.client.get("/api/v1/me/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_a_stranger_is_slowed_down_with_and_without_a_wrong_token(client, monkeypatch):
    cache.clear()
    monkeypatch.setattr(StrangerRate, "rate", "2/day", raising=False)
    wrong = {"Authorization": "Bearer jeoul_wrong"}
    answers = [client.get("/api/v1/me/", headers=h) for h in ({}, wrong, {}, wrong)]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "throttled"
    cache.clear()


def test_every_noun_of_a_study_can_be_read_and_no_stranger_reads_it(caller):
    study = factories.make_study(owner=caller.user)
    worker = factories.worker_for(study)
    judgement = factories.judge(worker)
    exclude_worker(study=study, worker=worker.worker, actor=caller.user, reason="a test")
    include_worker(study=study, worker=worker.worker, actor=caller.user)
    c = judgement.comparison
    Report.objects.create(
        study=study, prompt=c.prompt, output_a=c.output_a, output_b=c.output_b,
        reporter=worker.worker.pseudonym, reason="harmful",
    )  # fmt: skip
    base = f"studies/{study.uuid}/"
    event = caller.get(f"{base}audit/")["results"][0]
    read = {
        "plan/": "plan",
        "members/": "results",
        "enrolments/": "results",
        "exclusions/": "results",
        "reports/": "results",
        f"outputs/{c.output_a.uuid}/": "text",
        f"comparisons/{c.uuid}/": "target",
        f"judgements/{judgement.uuid}/": "answers",
        f"workers/{worker.worker.pseudonym}/": "facts",
        f"audit/{event['id']}/": "verb",
    }
    stranger = Caller(factories.make_user())
    for path, key in read.items():
        assert caller.get(base + path)[key], path
        assert stranger.get(base + path, status=404)["code"] == "not_found"
    assert caller.get(f"{base}exclusions/")["results"][0]["lifted_by"] == caller.user.username
    assert caller.get("vendors/")["results"][0]["workers"] == 1
    assert stranger.get("vendors/")["results"] == []


def test_lists_are_filtered_by_the_names_they_show(caller):
    study = factories.make_study(owner=caller.user, systems=("alpha", "beta", "gamma"))
    worker = factories.worker_for(study)
    for _ in range(3):
        factories.judge(worker)
    base = f"studies/{study.uuid}/"

    def count(path, **query):
        return len(caller.get(base + path, page_size=100, **query)["results"])

    assert count("comparisons/", system="alpha") == 8
    assert count("comparisons/", prompt_id="p1") == 3
    assert count("outputs/", system="beta", prompt_id="p0") == 1
    assert count("judgements/", worker=worker.worker.pseudonym) == 3
    assert count("judgements/", worker="nobody") == 0
    assert count("judgements/", since="2200-01-01T00:00:00Z") == 0
    assert caller.get(f"{base}judgements/", since="yesterday", status=422)["errors"]["since"]


def test_a_draft_is_changed_as_a_whole_and_a_frozen_plan_is_not(caller):
    study = factories.make_study(owner=caller.user, start=False)
    base = f"studies/{study.uuid}/"
    alpha, beta = (str(v.uuid) for v in study.systems.order_by("pk"))
    changed = caller.post(
        base,
        {"title": "New", "design": "baseline", "systems": [beta, alpha], "baseline": alpha,
         "criteria": [{"key": "tone", "name": "Tone", "question": "Whose?", "scale": 7}]},
        method="patch", status=200,
    )  # fmt: skip
    assert [s["id"] for s in changed["systems"]] == [beta, alpha]
    assert (changed["title"], changed["criteria"][0]["scale"]) == ("New", 7)
    caller.post(f"{base}start/", status=200)
    frozen = caller.post(base, {"title": "Newer"}, method="patch", status=409)
    assert frozen["code"] == "plan_frozen"
    for state in ("pause", "start", "close", "archive"):
        assert caller.post(f"{base}{state}/", status=200)["id"] == str(study.uuid)


def test_the_schema_shows_examples_and_the_error_shape(client):
    schema = client.get("/api/schema/?format=json").json()
    made = schema["paths"]["/api/v1/studies/"]["post"]
    assert made["requestBody"]["content"]["application/json"]["examples"]
    assert "application/problem+json" in made["responses"]["422"]["content"]
    header = next(p for p in made["parameters"] if p["name"] == "Idempotency-Key")
    assert header["required"] is True
    # Every operation tells what it does.
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (path, method)


# Answers that depend on what a test has no part for, or are no JSON.
_WITHOUT = {
    "GET /api/v1/studies/{study}/exports/{what}.{form}",
}


def test_a_program_follows_a_study_as_its_pages_do(caller):
    study = factories.make_study(owner=caller.user, prompts=4, pilot_prompts=2, overlap=1)
    worker = factories.worker_for(study)
    judgement = factories.judge(worker)
    factories.judge(worker)
    raise_alerts(study=study)
    base = f"studies/{study.uuid}/"
    (alert,) = caller.get(f"{base}alerts/", kind="finished")["results"]
    assert "2 planned judgements" in alert["message"]
    assert caller.post(f"{base}alerts/{alert['id']}/seen/", status=200)["seen_by"]
    route = {"emails": ["a@example.org"], "webhook_url": "https://example.org/hook"}
    caller.post(f"{base}alert-route/", route, method="put", status=200)
    assert caller.get(f"{base}alert-route/") == route
    wrong = {"emails": ["nobody"]}
    caller.post(f"{base}alert-route/", wrong, method="put", status=422)
    right = f"{base}comparisons/{judgement.comparison.uuid}/adjudication/"
    for outcome in ("0", "1"):
        caller.post(right, {"outcome": outcome, "note": "sources"}, method="put", status=200)
    (held,) = caller.get(f"{base}adjudications/")["results"]
    assert (held["outcome"], held["by"]) == (1, caller.user.username)
    trail = f"{base}workers/{worker.worker.pseudonym}/trail/"
    caller.post(trail, {"kind": "contest", "text": "I read it all."}, status=204)
    assert caller.get(trail)["results"][0]["data"] == {"text": "I read it all."}
    assert study.comparisons.count() == 2
    over = {"reason": "The pilot is over.", "pilot_prompts": None}
    caller.post(f"{base}amendments/", over)
    assert study.comparisons.count() == 4


def test_every_operation_has_a_real_example_that_the_schema_allows(client):
    schema = client.get("/api/schema/?format=json").json()
    rooted = _for_jsonschema(schema)
    missing, seen = [], 0
    for path, methods in rooted["paths"].items():
        for method, operation in methods.items():
            places = [operation.get("requestBody", {})]
            places += [a for status, a in operation["responses"].items() if status[0] == "2"]
            for place in places:
                content = place.get("content", {}).get("application/json")
                if content is None:
                    continue
                if not content.get("examples"):
                    missing.append(f"{method.upper()} {path}")
                for example in content.get("examples", {}).values():
                    seen += 1
                    wanted = content["schema"] | {"components": rooted["components"]}
                    problems = Draft202012Validator(wanted).iter_errors(example["value"])
                    found = [f"{'.'.join(map(str, e.path))}: {e.message[:200]}" for e in problems]
                    assert not found, (method, path, found)
    assert sorted(set(missing) - _WITHOUT) == []
    assert seen > 80


def _for_jsonschema(node):
    """OpenAPI 3.0's ``nullable`` as JSON Schema says it."""
    if isinstance(node, list):
        return [_for_jsonschema(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {k: v if k == "value" else _for_jsonschema(v) for k, v in node.items()}
    if node.pop("nullable", False) is True:
        return {"anyOf": [node, {"type": "null"}]}
    return node


def test_reading_a_page_of_judgements_costs_the_same_queries_for_few_and_many(
    caller, django_assert_max_num_queries
):
    study = factories.make_study(owner=caller.user, prompts=12)
    worker = factories.worker_for(study)
    for _ in range(12):
        factories.judge(worker)
    with django_assert_max_num_queries(12):
        assert len(caller.get(f"studies/{study.uuid}/judgements/")["results"]) == 12
    assert connection.queries_limit

"""Known items, ways out and links by the machine's door and by command."""

import json

import pytest
from django.core.management import CommandError, call_command
from jeoul.studies.models import Study

from tests import factories
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db
ITEM = {"kind": "gold", "prompt": "1+1?", "output_a": "2", "output_b": "3", "right": "a"}


def test_a_program_brings_known_items_links_and_ways_out():
    study = factories.make_study(start=False)
    caller = Caller(factories.owner_of(study))
    place = f"studies/{study.uuid}/"
    done = caller.post(f"{place}known-items/import/", {"rows": [ITEM, ITEM | {"right": "b"}]})
    assert (done["added"], done["bad"]) == (1, [])
    bad = caller.post(f"{place}known-items/import/", {"rows": [{"kind": "real"}]}, status=422)
    assert bad["code"] == "bad_rows"
    settings = {"qualification_items": 3, "contact": "team@example.org", "nudges": False}
    answer = caller.post(place, settings, status=200, method="patch")
    assert {name: answer[name] for name in settings} == settings
    invite = caller.post(f"{place}invites/", {"vendor": "Prolific", "provider": "prolific"})
    assert invite["url"].endswith("SESSION_ID={{%SESSION_ID%}}")
    ways = {"completed": {"code": "C1"}, "screened_out": {"url": "https://app.prolific.com/x"}}
    assert caller.post(f"{place}completion/", ways, status=200, method="put") == ways
    assert caller.get(f"{place}completion/") == ways
    unsafe = {"completed": {"url": "https://evil.example/"}}
    refused = caller.post(f"{place}completion/", unsafe, status=422, method="put")
    assert "COMPLETION_HOSTS" in refused["detail"]
    stranger = Caller(factories.make_user())
    for path in ("completion/", "known-items/import/"):
        assert stranger.call(f"{place}{path}", {"rows": [ITEM]}).status_code in {404, 405}
    stranger.get(f"{place}completion/", status=404)


def test_a_token_that_only_reads_learns_no_codes():
    study = factories.make_study(start=False)
    reader = Caller(factories.owner_of(study), scopes=["read"])
    reader.get(f"studies/{study.uuid}/completion/", status=403)


def test_the_command_takes_any_setting_of_the_plan(capsys):
    other = factories.make_study(start=False)
    owner = factories.owner_of(other)
    words = [
        "create_study", "Trial", "--prompts", other.prompt_set_version.prompt_set.name,
        "--systems", "alpha", "beta", "--owner", owner.username,
    ]  # fmt: skip
    call_command(*words, "--further", '{"qualification_items": 4, "break_every": 20}', "--json")
    made = Study.objects.get(slug=json.loads(capsys.readouterr().out)["slug"])
    assert (made.qualification_items, made.break_every) == (4, 20)
    for wrong in ("[]", "{", '{"quality": 1}'):
        with pytest.raises(CommandError):
            call_command(*words, "--further", wrong)


def test_a_vendors_cap_is_set_on_any_of_its_links():
    study = factories.make_study()
    caller = Caller(factories.owner_of(study))
    place = f"studies/{study.uuid}/"
    asked = {"vendor": "Agency"}
    first = caller.post(f"{place}invites/", asked)
    assert caller.post(f"{place}invites/", asked | {"judgement_cap": 40})["judgement_cap"] == 40
    for cap in (7, None):
        link = f"{place}invites/{first['id']}/"
        answer = caller.post(link, {"judgement_cap": cap}, status=200, method="patch")
        assert answer["judgement_cap"] == cap
        listed = caller.get(f"{place}invites/")["results"]
        assert {row["judgement_cap"] for row in listed} == {cap}
    change = {"reason": "Enough.", "judgement_cap": 90}
    caller.post(f"{place}amendments/", change)
    assert caller.get(place)["judgement_cap"] == 90

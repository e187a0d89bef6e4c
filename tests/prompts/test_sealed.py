"""A sealed set's texts, and the answers to them, reach annotators only, until the study ends."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from jeoul.accounts.actions import make_token
from jeoul.accounts.models import AuditEvent
from jeoul.results.exports import export_stream
from jeoul.studies.models import Output, Study, StudyState
from jeoul.studies.prompt_sets import seal
from jeoul.studies.running import move_study

from tests import factories

pytestmark = pytest.mark.django_db
WORD = "Quizzical"


@pytest.fixture
def study():
    study = factories.make_study()
    Output.objects.update(text=f"{WORD} answer.", html=f"<p>{WORD} answer.</p>")
    seal(prompt_set=study.prompt_set_version.prompt_set, actor=factories.owner_of(study))
    return Study.objects.get(pk=study.pk)


def places(client, study, capfdbinary):
    """What a researcher gets to read, by place."""
    client.force_login(factories.owner_of(study))
    _, token = make_token(user=factories.owner_of(study), name="t")
    output, row = Output.objects.first(), study.comparisons.first()

    def page(name, *args, query=""):
        return client.get(reverse(name, args=[study.uuid, *args]) + query).content.decode()

    def api(path):
        headers = {"authorization": f"Bearer {token}"}
        return client.get(f"/api/v1/studies/{study.uuid}/{path}", headers=headers).content.decode()

    call_command("export", study.slug, "--what", "outputs")
    return {
        "comparison": page("comparison-detail", row.uuid),
        "difference": page("comparison-detail", row.uuid, query="?diff"),
        "comparisons": page("comparison-list", query=f"?text={WORD}"),
        "output": page("output-detail", output.uuid),
        "outputs": page("output-list"),
        "api outputs": api("outputs/"),
        "api output": api(f"outputs/{output.uuid}/"),
        "export": b"".join(export_stream(study=study, what="outputs", form="jsonl")).decode(),
        "csv": b"".join(export_stream(study=study, what="outputs", form="csv")).decode(),
        "command": capfdbinary.readouterr().out.decode(),
    }


def test_no_door_shows_them_before_and_each_look_afterwards_is_recorded(client, study, capfdbinary):
    prompt = study.prompt_set_version.prompts.first().last_user_text()
    before = places(client, study, capfdbinary)
    assert [name for name, text in before.items() if f"{WORD} answer" in text] == []
    assert [name for name, text in before.items() if prompt in text] == []
    # A search for a word would tell what stands in the texts.
    row = study.comparisons.first()
    assert str(row.uuid) not in before["comparisons"]
    rows = [json.loads(line) for line in before["export"].splitlines()]
    assert {row["text"] for row in rows} == {None}
    assert all(row["content_hash"] is not None for row in rows)
    assert not AuditEvent.objects.filter(verb="prompts.read").exists()
    move_study(study=study, to=StudyState.CLOSED, actor=factories.owner_of(study))
    after = places(client, study, capfdbinary)
    shown = {name for name, text in after.items() if f"{WORD} answer" in text}
    assert str(row.uuid) in after["comparisons"]
    assert shown >= set(after) - {"comparisons", "difference"}
    looks = AuditEvent.objects.filter(verb="prompts.read").values_list("data__what", flat=True)
    assert set(looks) == {"comparison", "output", "outputs", "export outputs"}

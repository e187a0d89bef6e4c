"""The review list, a prompt set's pages and a large upload, as a researcher meets them."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from jeoul.accounts.models import AuditEvent
from jeoul.risk.contamination.actions import check_contamination
from jeoul.studies.models import PromptSet, PromptUpload
from jeoul.studies.prompt_import import import_prompts
from jeoul.studies.uploads import read_upload

from tests import factories
from tests.risk.test_standing import NAMED, PLAIN, study_of

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_what_is_held_is_looked_at_decided_and_recorded():
    study = study_of([PLAIN, NAMED])
    owner = factories.owner_of(study)
    client = client_of(owner)
    item = study.review_items.get()
    listed = reverse("review-list", args=[study.uuid])
    assert item.prompt.key in client.get(listed).content.decode()
    assert item.prompt.key not in client.get(listed, {"source": "report"}).content.decode()
    detail = reverse("review-detail", args=[study.uuid, item.uuid])
    text = client.get(detail).content.decode()
    assert "<mark" in text
    assert "As ChatGPT" in text
    assert AuditEvent.objects.filter(verb="review.look").count() == 1
    decide = reverse("review-decide", args=[study.uuid, item.uuid])
    stranger = client_of(factories.make_user())
    for address in (listed, detail):
        assert stranger.get(address).status_code == 404
    assert stranger.post(decide, {"verdict": "allowed", "reason": "r"}).status_code == 404
    assert client.post(decide, {"verdict": "allowed", "reason": "A quotation."}).status_code == 302
    assert study.comparisons.filter(ready=True).count() == 2
    policy = {"identical": "leave_out", "self_naming": "show", "reason": "Agreed."}
    client.post(reverse("review-policy", args=[study.uuid]), policy)
    study.refresh_from_db()
    assert study.risk_policy == {"identical": "leave_out", "self_naming": "show"}
    assert study.amendments.get().reason == "Agreed."


def test_a_prompt_set_shows_versions_likeness_and_contamination(tmp_path):
    owner = factories.make_user()
    client = client_of(owner)
    long = "What is the name of the river that flows through the old town of Heidelberg in Germany"
    rows = [{"id": "a", "prompt": long}, {"id": "b", "prompt": long + "?"}]
    import_prompts(owner=owner, name="S", text="\n".join(map(json.dumps, rows)))
    rows[0]["prompt"] = long.replace("river", "castle")
    version, _ = import_prompts(owner=owner, name="S", text="\n".join(map(json.dumps, rows)))
    corpus = tmp_path / "pages.txt"
    corpus.write_text(f"Some words. {long}. More words.")
    check_contamination(version=version, corpus=[str(corpus)], actor=owner)
    found = version.prompt_set
    page = client.get(reverse("prompt-set-detail", args=[found.uuid])).content.decode()
    assert "pages.txt" in page
    assert "no high-risk prompt" in page
    changed = client.get(reverse("version-difference", args=[found.uuid]), {"old": 1}).content
    assert b"<del>river </del>" in changed
    assert b"<ins>castle </ins>" in changed
    alike = client.get(reverse("alike-list", args=[found.uuid]), {"version": 1}).content.decode()
    assert "the same" in alike
    dirty = client.get(reverse("contamination-list", args=[found.uuid]), {"state": "dirty"})
    assert "old town of heidelberg" in dirty.content.decode()
    client.post(reverse("version-tag", args=[found.uuid]), {"version": 2, "tag": "golden"})
    place = reverse("prompt-set-detail", args=[found.uuid])
    asked = {"golden": 200, "2": 200, "3": 404, "²": 404, "a\x00b": 422}
    assert {v: client.get(place, {"version": v}).status_code for v in asked} == asked
    client.post(reverse("prompt-set-seal", args=[found.uuid]))
    for name in ("prompt-set-detail", "version-difference", "alike-list", "contamination-list"):
        text = client.get(reverse(name, args=[found.uuid]), {"old": 1}).content.decode()
        assert "eidelberg" not in text, name
        assert client_of(factories.make_user()).get(
            reverse(name, args=[found.uuid])
        ).status_code == 404  # fmt: skip


def test_a_large_file_is_read_by_a_job_and_its_bad_rows_are_named():
    owner = factories.make_user()
    client = client_of(owner)
    text = "\n".join(
        json.dumps({"id": f"p{i}", "prompt": f"Question {i}?", "language": "en", "pad": "x" * 4000})
        for i in range(600)
    )
    file = SimpleUploadedFile("big.jsonl", text.encode() + b'\n{"id": "bad"}')
    response = client.post(
        reverse("prompt-set-import"), {"name": "Big", "file": file, "take_good": "on"}
    )
    upload = PromptUpload.objects.get()
    assert response.url == reverse("prompt-upload-detail", args=[upload.uuid])
    assert "is being read" in client.get(response.url).content.decode()
    assert not PromptSet.objects.filter(name="Big").exists()
    assert read_upload(upload_id=upload.pk)
    assert not read_upload(upload_id=upload.pk)
    upload.refresh_from_db()
    assert (upload.rows, upload.parts.count()) == (600, 0)
    page = client.get(response.url).content.decode()
    assert "600 prompts read" in page
    assert "give either prompt or messages" in page
    assert client_of(factories.make_user()).get(response.url).status_code == 404

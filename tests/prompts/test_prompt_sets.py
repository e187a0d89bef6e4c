"""Prompt sets: every file form says the same, versions differ readably, what is alike is shown."""

import gc
import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from jeoul.accounts.actions import make_token
from jeoul.accounts.models import AuditEvent
from jeoul.base import InvalidInput
from jeoul.studies.access import prompt_texts_hidden
from jeoul.studies.hashing import content_hash
from jeoul.studies.importing import BadRows, PromptRow
from jeoul.studies.key_places import Places
from jeoul.studies.likeness import find_alike
from jeoul.studies.models import PromptSet, PromptSetVersion
from jeoul.studies.prompt_import import import_prompts
from jeoul.studies.prompt_sets import difference, picture, tag_version
from jeoul.studies.reading_files import stream_rows

from tests import factories

pytestmark = pytest.mark.django_db

ROWS = [
    {"id": "a", "prompt": "What is the capital of France and why?", "category": "facts"},
    {"id": "b", "prompt": "대한민국의 수도는 어디이고 왜 그곳인가요?", "risk": "high",
     "hazard": "other: politics"},
    {"id": "c", "messages": [{"role": "user", "content": "Hallo, wie geht es dir heute?"},
                             {"role": "assistant", "content": "Gut!"},
                             {"role": "user", "content": "Und was machst du morgen?"}]},
    {"id": "d", "prompt": "2 + 2 =", "language": "en", "difficulty": "easy", "level": "one"},
]  # fmt: skip


def as_file(kind: str) -> io.BytesIO:
    if kind == "jsonl":
        return io.BytesIO("\n".join(map(json.dumps, ROWS)).encode())
    flat = [r | {"messages": json.dumps(r["messages"])} if "messages" in r else r for r in ROWS]
    names = sorted({k for row in ROWS for k in row})
    if kind == "parquet":
        target = io.BytesIO()
        columns = {n: [row.get(n) for row in ROWS] for n in names}
        pq.write_table(pa.table(columns), target)
        target.seek(0)
        return target
    import csv

    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(flat)
    return io.BytesIO(text.getvalue().encode("utf-8-sig"))


def test_jsonl_csv_and_parquet_say_the_same_and_a_second_time_nothing():
    owner = factories.make_user()
    hashes = set()
    for kind in ("jsonl", "csv", "parquet"):
        version, done = import_prompts(owner=owner, name="One", source=as_file(kind), kind=kind)
        hashes.add((version.pk, version.content_hash))
        assert (done.added, done.unchanged) == ((4, 0) if kind == "jsonl" else (0, 4))
    assert len(hashes) == PromptSetVersion.objects.count() == 1
    entries = version.entries.order_by("position").values_list(
        "prompt__key", "prompt__content_hash"
    )
    assert version.content_hash == content_hash([list(row) for row in entries])
    told = {p.key: (p.language, p.language_detected) for p in version.prompts.all()}
    assert told == {"a": ("en", True), "b": ("ko", True), "c": ("de", True), "d": ("en", False)}


def test_bad_rows_and_broken_files_are_named_and_leave_nothing():
    owner = factories.make_user()
    for row, says in (
        ({"id": "x", "prompt": True}, "must be text"),
        ({"id": "x", "prompt": "?", "hazard": "other"}, "other: NAME"),
        ({"id": "a", "prompt": "again"}, "stands already in row 1"),
    ):
        text = "\n".join(map(json.dumps, [*ROWS, row]))
        with pytest.raises(BadRows, match=says) as error:
            import_prompts(owner=owner, name="Two", text=text)
        assert error.value.rows[0].number == 5
        version, done = import_prompts(owner=owner, name="Good", text=text, take_good=True)
        assert (version.number, len(done.bad)) == (1, 1)
    assert not PromptSet.objects.filter(name="Two").exists()
    with pytest.raises(InvalidInput, match="not Parquet"):
        import_prompts(owner=owner, name="Two", source=io.BytesIO(b"PAR0"), kind="parquet")
    with pytest.raises(BadRows, match="not UTF-8"):
        import_prompts(owner=owner, name="Two", source=io.BytesIO(b'{"id": "\xff"}'), kind="jsonl")


def test_parquet_is_read_in_pieces_whatever_its_row_groups():
    class Watched(io.BytesIO):
        most = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.most = max(self.most, len(data))
            return data

    rng = random.Random(1)
    table = pa.table({"id": [str(n) for n in range(12)], "prompt": [
        rng.randbytes(1 << 19).hex() for _ in range(12)
    ]})  # fmt: skip
    for group in (1, 12):
        file = Watched()
        pq.write_table(
            table, file, row_group_size=group, data_page_size=1 << 18, write_batch_size=1
        )
        file.seek(0)
        assert file.getbuffer().nbytes > 6 << 20
        assert sum(isinstance(row, dict) for _, row in stream_rows(file, "parquet")) == 12
        assert file.most <= 2 << 20, group


def test_no_more_than_a_batch_of_rows_is_held_at_a_time():
    class Watched(io.RawIOBase):
        """A file that counts the rows alive whenever it is asked for another."""

        at, alive = 0, 0

        def readline(self, size: int = -1) -> bytes:
            self.at += 1
            if self.at % 300 == 0:
                here = sum(type(o) is PromptRow for o in gc.get_objects())
                self.alive = max(self.alive, here)
            if self.at > 1800:
                return b""
            row = {"id": str(self.at), "prompt": f"Question {self.at}?", "language": "en"}
            return json.dumps(row).encode()

    file = Watched()
    _, done = import_prompts(owner=factories.make_user(), name="n", source=file, kind="jsonl")
    assert done.added == 1800
    assert 0 < file.alive <= 1000


def test_what_is_alike_is_found_in_words_and_in_characters():
    texts = {
        1: "What is the capital of France, and why did it become the capital?",
        2: "what is the capital of  France and why did it become the capital",
        3: "What is the capital of France, and why did it become its capital?",
        4: "Name three rivers that flow through the middle of Africa.",
        5: "하이델베르크 구시가지를 지나는 강의 이름은 무엇인지 알려 주세요",
        6: "하이델베르크 구시가지를 지나는 강의 이름은 무엇인가 알려 주세요",
        7: "서울에서 부산까지 기차로 얼마나 걸리는지 알려 주세요",
    }
    found = {
        (a, b): like
        for a, b, like in find_alike(texts.items(), lambda ids: {i: texts[i] for i in ids})
    }
    assert set(found) == {(1, 2), (1, 3), (2, 3), (5, 6)}
    assert found[1, 2] == 1.0
    assert 0.8 <= found[5, 6] < 1


def test_many_texts_of_one_template_are_alike_without_comparing_each_with_each():
    said = "One question that is asked in very many ways, and each of them ends with a number: "
    texts = {n: f"{said}{n}" for n in range(100, 200)} | {1: "Not like them."}
    pairs = find_alike(texts.items(), lambda ids: {i: texts[i] for i in ids})
    assert {pk for a, b, _ in pairs for pk in (a, b)} == set(range(100, 200))
    assert all(0.8 <= like < 1 for _, _, like in pairs)
    assert find_alike([], dict) == []


def test_the_row_of_a_key_is_known_however_many_there_are():
    places = Places()
    assert [places.add(f"k{n}", n + 1) for n in range(10_000)] == [0] * 10_000
    assert [places.add(f"k{n}", 1) for n in (0, 4096, 9_999)] == [1, 4097, 10_000]


def test_two_versions_differ_readably_and_tags_move_with_a_trace():
    owner = factories.make_user()
    one, _ = import_prompts(owner=owner, name="Set", text="\n".join(map(json.dumps, ROWS)))
    rows = [ROWS[1], ROWS[0] | {"prompt": "What is the capital of Spain and why?"},
            {"id": "new", "prompt": "A new one"}]  # fmt: skip
    two, _ = import_prompts(owner=owner, name="Set", text="\n".join(map(json.dumps, rows)))
    made = difference(one, two)
    assert (made.added, made.removed, made.changed) == (["new"], ["c", "d"], ["a"])
    assert (made.same, made.moved) == (1, True)
    change = made.changes(["a"])[0]
    assert [p for p in change.text if p[0] != "same"] == [("gone", "France "), ("new", "Spain ")]
    for version in (one, two):
        tag_version(version=version, name="golden", actor=owner)
    assert owner.prompt_sets.get().tags.get().version == two
    assert AuditEvent.objects.filter(verb="prompts.tag").first().data["from"] == 1
    with pytest.raises(InvalidInput):
        tag_version(version=one, name="Not a tag", actor=owner)
    out = io.StringIO()
    call_command("prompt_sets", "diff", "Set", "1", "golden", "--json", stdout=out)
    assert json.loads(out.getvalue())["changed"] == ["a"]
    with pytest.raises(CommandError, match="no version"):
        call_command("prompt_sets", "show", "Set", "7")


def test_the_picture_says_what_is_thin_and_what_is_missing():
    owner = factories.make_user()
    rows = [{"id": f"e{i}", "prompt": f"Plain question number {i}?", "category": "easy",
             "language": "en"} for i in range(40)]  # fmt: skip
    rows += [{"id": "k", "prompt": "한국어 질문입니다", "category": "rare", "language": "ko"}]
    version, _ = import_prompts(owner=owner, name="P", text="\n".join(map(json.dumps, rows)))
    seen = picture(version)
    assert (seen.total, seen.high, seen.turns) == (41, 0, 0)
    assert [(name, s.value) for name, s in seen.thin] == [("category", "rare"), ("language", "ko")]
    assert seen.slices["category"][0].half_width == pytest.approx(0.155, abs=0.001)


def test_a_sealed_set_is_hidden_until_its_studies_have_ended():
    study = factories.make_study()
    found = study.prompt_set_version.prompt_set
    assert not prompt_texts_hidden(found)
    PromptSet.objects.filter(pk=found.pk).update(sealed=True)
    found.refresh_from_db()
    states = {}
    for state in ("draft", "running", "paused", "closed", "archived"):
        type(study).objects.filter(pk=study.pk).update(state=state)
        states[state] = prompt_texts_hidden(found)
    assert states == {
        "draft": True, "running": True, "paused": True, "closed": False, "archived": False
    }  # fmt: skip
    import_prompts(owner=found.owner, name="Alone", text=json.dumps(ROWS[0]), sealed=True)
    assert prompt_texts_hidden(PromptSet.objects.get(name="Alone"))


def test_versions_are_read_compared_tagged_and_sealed_over_the_api(client):
    owner = factories.make_user()
    first, _ = import_prompts(owner=owner, name="S", text=json.dumps(ROWS[0]))
    changed = dict(ROWS[0], prompt="Quite another question?")
    rows = [changed, dict(ROWS[0], id="more", prompt="And one more, of another kind.")]
    import_prompts(owner=owner, name="S", text="\n".join(map(json.dumps, rows)))
    _, token = make_token(user=owner, name="t")

    def ask(method, path, data=None):
        return getattr(client, method)(
            f"/api/v1/prompt-sets/{first.prompt_set.uuid}/{path}",
            data=None if data is None else json.dumps(data),
            content_type="application/json", headers={"authorization": f"Bearer {token}"},
        )  # fmt: skip

    assert ask("put", "tags/golden/", {"version": 1}).json() == {"name": "golden", "version": 1}
    assert ask("put", "tags/Not_good/", {}).status_code == 422
    versions = ask("get", "versions/").json()["results"]
    assert [(v["number"], v["prompts"], v["tags"]) for v in versions] == [
        (2, 2, []), (1, 1, ["golden"]),
    ]  # fmt: skip
    made = ask("get", "difference/?before=golden&after=2").json()
    assert (made["added"], made["removed"], made["changed"]) == (["more"], [], [ROWS[0]["id"]])
    assert made == ask("get", "difference/").json()
    assert any("Quite" in words for kind, words in made["changes"][0]["text"] if kind == "new")
    assert ask("get", "difference/?before=9").status_code == 404
    seen = ask("get", "picture/?version=golden").json()
    assert (seen["version"], seen["total"]) == (1, 1)
    assert ask("get", "alike/").json()["results"] == []
    assert ask("delete", "tags/golden/").status_code == 204
    assert ask("delete", "tags/golden/").status_code == 404
    assert ask("post", "seal/").status_code == 204
    assert ask("get", "difference/").json()["changes"] == []
    _, token = make_token(user=factories.make_user(), name="t")
    for method, path in (("get", "versions/"), ("get", "picture/"), ("put", "tags/golden/")):
        assert ask(method, path, {} if method == "put" else None).status_code == 404

"""Which prompts stand in a training corpus: planted passages are found by each rule, no others."""

import gzip
import io
import json
import random

import pytest
import zstandard
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from jeoul.accounts.actions import make_token
from jeoul.comparisons.building import build_comparisons
from jeoul.results.actions import analyse_study
from jeoul.risk.contamination.actions import check_contamination
from jeoul.risk.contamination.corpus import BREAK, _blocks
from jeoul.risk.contamination.index import Index, Tally
from jeoul.risk.contamination.tokens import bounds, canonical, hashes
from jeoul.risk.models import ContaminationCheck, CorpusJob, CorpusPart, PromptOverlap
from jeoul.studies.actions import create_study
from jeoul.studies.models import StudyState
from jeoul.studies.prompt_actions import import_outputs, import_prompts, system_for_outputs
from jeoul.studies.running import move_study

from tasks.risk import check_corpus
from tests import factories

RIVER = (
    "What is the name of the river that flows through the old town of Heidelberg and into the "
    "Rhine near Mannheim in Germany"
)
NEVER = (
    "Which gardener ever taught seventeen purple hedgehogs to sing a slow waltz beside an empty "
    "lighthouse during winter storms"
)
KOREAN = (
    "하이델베르크 구시가지를 지나 만하임 근처에서 "
    "라인강으로 흘러드는 강의 이름은 무엇인지 알려 주세요"
)


def overlap(prompt: str, text: str, factor: int = 1):
    index = Index([[prompt]], factor)
    tally = Tally(index)
    for block in _blocks(text.encode()):
        tally.add(index.look(block))
    return tally.overlaps()[0]


def waiting() -> list[int]:
    return list(CorpusJob.objects.waiting().values_list("pk", flat=True))


def words_slowly(text: str) -> list[str]:
    """The same tokens by plain Python."""
    out, word = [], ""
    for char in text.lower():
        alone = "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "가" <= char <= "힣"
        if char.isalnum() and not alone:
            word += char
            continue
        if word:
            out.append(word)
            word = ""
        if alone:
            out.append(char)
    return out + [word] * bool(word)


def test_tokens_are_those_of_plain_python_and_hash_alike_on_every_path():
    texts = [
        "Hello, World! foo_bar 3.14", "Caf\u00e9 “quoted” ÉTÉ plain words " + "and so on " * 30,
        "GPT 모델과 日本語のテキスト mixed 문장", "",
    ]  # fmt: skip
    seen: dict[str, int] = {}
    for text in texts:
        flat = canonical(text.encode())
        starts, ends = bounds(flat)
        tokens = [flat[s:e].decode() for s, e in zip(starts, ends, strict=True)]
        assert tokens == words_slowly(text.replace("_", " "))
        for token, value in zip(tokens, hashes(flat, starts, ends).tolist(), strict=True):
            assert seen.setdefault(token, value) == value
    assert len(set(seen.values())) == len(seen)
    # A broken byte is a gap, not the end.
    assert canonical(b"one \xff two").split() == [b"one", b"two"]


def test_each_rule_counts_what_its_paper_says():
    whole = overlap(RIVER, f"Before it. {RIVER.upper()}! After it.")
    assert (whole.gpt3, whole.palm, whole.llama3, whole.llama2) == (True, 1.0, 1.0, 1.0)
    # Two words of 23 changed, both after the tenth: one match with skips, 13-grams broken.
    skipped = overlap(RIVER, RIVER.replace("old", "new").replace("near", "by"))
    assert (skipped.gpt3, skipped.llama2) == (False, 1.0)
    assert 0 < skipped.palm < 0.5
    # A change among the first ten tokens: the match begins behind it.
    late = overlap(RIVER, RIVER.replace("the name", "a name"))
    assert late.llama2 == pytest.approx(20 / 23)
    # Ten equal tokens and no more are no match of more than ten.
    ten = overlap(RIVER, " ".join(RIVER.split()[:10]) + " and then something else happened here")
    assert (ten.llama2, ten.gpt3) == (0.0, False)
    assert ten.palm == pytest.approx(3 / 16)
    # A match never ends in a mismatch, and five differences are too many.
    words = RIVER.split()
    five = overlap(RIVER, " ".join([*words[:11], *["v", "w", "x", "y", "z"], *words[16:]]))
    assert five.llama2 == pytest.approx(11 / 23)
    none = overlap(NEVER, RIVER * 50)
    assert (none.gpt3, none.palm, none.llama3, none.llama2) == (False, 0, 0, 0)


def test_each_prompt_of_a_template_is_shown_its_own_passage():
    start = "please explain in three short sentences for a curious child how"
    prompts = [f"{start} a {word} works and why" for word in ("river", "castle", "loom", "kiln")]
    index = Index([[prompt] for prompt in prompts])
    text = f"Words. {prompts[0]}! {'Filler. ' * 20} {prompts[2]} and more words."
    found = [p for block in _blocks(text.encode()) for p in index.look(block).passages]
    longest = {
        prompt: max((p for p in found if p[0] == prompt), key=lambda p: p[1])[2]
        for prompt in range(4)
    }
    assert "a river works and why" in longest[0]
    assert "a loom works and why" in longest[2]
    # The others share the beginning alone, and are shown no more than that.
    for prompt in (1, 3):
        assert longest[prompt].split() == [*start.split(), "a"]


def test_korean_counts_by_characters_and_a_document_border_ends_a_match():
    whole = overlap(KOREAN, f"앞글입니다. {KOREAN} 뒷글입니다.", 2)
    assert (whole.tokens, whole.gpt3, whole.llama2) == (43, True, 1.0)
    assert overlap(KOREAN, "전혀 다른 이야기를 하는 글입니다. " * 20, 2).llama2 == 0
    half = len(RIVER) // 2
    torn = RIVER[:half].encode() + BREAK + RIVER[half:].encode()
    index = Index([[RIVER]])
    tally = Tally(index)
    tally.add(index.look(canonical(torn)))
    assert tally.overlaps()[0].llama2 < 0.6


def test_a_match_is_found_wherever_a_block_is_cut():
    rng = random.Random(3)
    filler = ["lorem", "ipsum", "dolor", "sit", "amet", "consectetur"]
    text = " ".join(rng.choice(filler) for _ in range(70_000))
    for _ in range(12):
        at = text.index(" ", rng.randrange(len(text) - 200))
        assert overlap(RIVER, f"{text[:at]} {RIVER} {text[at:]}").llama2 == 1.0, at


@pytest.fixture
def version():
    owner = factories.make_user("reader")
    rows = [
        {"id": "river", "prompt": RIVER + "?"}, {"id": "never", "prompt": NEVER + "?"},
        {"id": "korean", "prompt": KOREAN}, {"id": "short", "prompt": "Hello there"},
    ]  # fmt: skip
    made, _ = import_prompts(
        owner=owner, name="asked", text="\n".join(map(json.dumps, rows)), kind="jsonl"
    )
    return made


def corpus(folder, form):
    rng = random.Random(5)
    docs = [" ".join(rng.choice(NEVER.split()) for _ in range(60)) for _ in range(300)]
    docs[120] = f"A quiz. {RIVER}? The Neckar."
    docs[250] = f"{KOREAN} 네카어강입니다."
    if form.startswith("jsonl"):
        text = "\n".join(json.dumps({"text": d}) for d in docs) + "\nnot json\n"
    else:
        text = "\n".join(docs)
    data = text.encode()
    file = folder / f"corpus.{form}"
    if form.endswith("gz"):
        data = gzip.compress(data)
    if form.endswith("zst"):
        data = zstandard.compress(data)
    file.write_bytes(data)
    return file


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["jsonl", "txt", "jsonl.gz", "txt.zst"])
def test_every_form_of_corpus_gives_the_same(version, tmp_path, form):
    file = corpus(tmp_path, form)
    told = []
    check = check_contamination(
        version=version, corpus=[str(file)], actor=version.prompt_set.owner,
        progress=lambda done, whole, name: told.append((done, whole, name)),
    )  # fmt: skip
    states = dict(check.overlaps.values_list("prompt__key", "state"))
    assert states == {"river": "dirty", "korean": "dirty", "never": "clean", "short": "short"}
    passage = check.overlaps.get(prompt__key="river").passages[0]
    assert passage["file"] == file.name
    assert passage["text"] == RIVER.lower()
    korean = check.overlaps.get(prompt__key="korean").passages[0]["text"]
    assert korean.replace(" ", "") == KOREAN.replace(" ", "")
    assert check.bad_lines == form.startswith("jsonl")
    assert told[-1][0] == check.bytes_read
    again = check_contamination(version=version, corpus=[str(file)], actor=version.prompt_set.owner)
    assert again.fingerprint == check.fingerprint
    assert ContaminationCheck.objects.count() == 1
    assert PromptOverlap.objects.count() == 4


@pytest.mark.django_db
def test_the_command_reports_reads_with_two_processes_and_names_what_it_cannot_read(
    version, tmp_path
):
    file = corpus(tmp_path, "jsonl")
    out = io.StringIO()
    call_command(
        "check_contamination", "asked", "--corpus", str(file), "--processes", "2", "--json",
        stdout=out, stderr=io.StringIO(),
    )  # fmt: skip
    report = json.loads(out.getvalue())
    assert report["counts"] == {"dirty": 2, "clean": 1, "short": 1}
    assert {p["id"] for p in report["prompts"]} == {"river", "korean"}
    broken = tmp_path / "torn.txt.gz"
    broken.write_bytes(gzip.compress(b"word " * 100_000)[:-200])
    for name, says in (("pages.html", "must end with"), ("none.txt", "can't be read"),
                       ("torn.txt.gz", "broken after")):  # fmt: skip
        with pytest.raises(CommandError, match=says):
            call_command("check_contamination", "asked", "--corpus", str(tmp_path / name),
                         "--processes", "1", stderr=io.StringIO())  # fmt: skip


@pytest.mark.django_db
def test_a_study_leaves_dirty_prompts_out(version, tmp_path):
    owner = version.prompt_set.owner
    check_contamination(version=version, corpus=[str(corpus(tmp_path, "txt"))], actor=owner)
    rows = [
        {"prompt_id": k, "system": s, "text": f"{s} says {k}"}
        for k in ("river", "never", "korean", "short")
        for s in ("alpha", "beta")
    ]
    import_outputs(
        owner=owner, prompts=version, text="\n".join(map(json.dumps, rows)), kind="jsonl"
    )
    study = create_study(
        owner=owner, title="t", prompts=version,
        systems=[system_for_outputs(owner=owner, name=n) for n in ("alpha", "beta")],
        settings={"contamination": "dirty", "overlap": 2},
    )  # fmt: skip
    move_study(study=study, to=StudyState.RUNNING, actor=owner)
    build_comparisons(study=study)
    assert set(study.comparisons.filter(ready=True).values_list("prompt__key", flat=True)) == {
        "never", "short",
    }  # fmt: skip
    assert set(study.comparisons.filter(standing="left_out").values_list("target")) == {(0,)}
    factories.judge(factories.worker_for(study))
    found = analyse_study(study=study).results["study"]
    assert found["contamination"]["prompts"] == 2
    assert found["contamination"]["corpora"][0]["fingerprint"]
    assert found["not_asked"]["left_out"] == 2
    # The API tells the same, and only to those who may read the set.
    client = Client(headers={"Authorization": f"Bearer {make_token(user=owner, name='t')[1]}"})
    address = f"/api/v1/prompt-sets/{version.prompt_set.uuid}/contamination/"
    rows = client.get(address, {"state": "dirty"}).json()["results"]
    assert {row["prompt_id"] for row in rows} == {"river", "korean"}
    token = make_token(user=factories.make_user(), name="t")[1]
    assert client.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 404


@pytest.fixture
def owned(client, db):
    """A prompt set, its owner signed in, and a token of theirs."""
    owner = factories.make_user()
    rows = [{"id": "d", "prompt": RIVER}, {"id": "c", "prompt": "What is two and two, please?"}]
    text = "\n".join(map(json.dumps, rows))
    version, _ = import_prompts(owner=owner, name="Mine", text=text, kind="jsonl")
    client.force_login(owner)
    _, token = make_token(user=owner, name="t")
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "k"}
    return client, version, headers


@pytest.mark.django_db
def test_a_corpus_is_uploaded_on_the_page_and_read_by_a_job_with_its_progress(owned):
    client, version, _ = owned
    place = reverse("contamination-check", args=[version.prompt_set.uuid])
    lines = (json.dumps({"text": f"Line. {RIVER}"}) + "\n").encode()
    wrong = client.post(place, {"file": SimpleUploadedFile("a.pdf", b"%PDF")})
    assert wrong.status_code == 422
    assert "must end with .jsonl" in wrong.content.decode()
    assert client.post(place, {}).status_code == 422
    files = [SimpleUploadedFile("a.jsonl", lines), SimpleUploadedFile("b.txt", b"Nothing here.")]
    assert client.post(place, {"file": files}).status_code == 302
    job = CorpusJob.objects.get()
    page = reverse("contamination-list", args=[version.prompt_set.uuid])
    assert "A corpus is being read" in client.get(page).content.decode()
    part = client.get(f"{page}?part=jobs", headers={"hx-request": "true"}).content.decode()
    assert part.lstrip().startswith("<div")
    assert waiting() == [job.pk]
    check_corpus(job.pk)
    check_corpus(job.pk)
    assert waiting() == []
    assert not CorpusPart.objects.exists()
    check = version.contamination_checks.get()
    assert [f["name"] for f in check.files] == ["a.jsonl", "b.txt"]
    assert check.overlaps.get(prompt__key="d").state == "dirty"
    assert "The newest check is through" in client.get(page).content.decode()


@pytest.mark.django_db
def test_a_corpus_is_named_only_in_the_operators_folders(owned, tmp_path, settings):
    client, version, headers = owned
    inside, outside = tmp_path / "open", tmp_path / "closed"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "part-1.txt").write_text(RIVER)
    (inside / "link.txt").symlink_to(outside / "part-1.txt")
    settings.CORPUS_FOLDERS = [str(inside)]
    place = f"/api/v1/prompt-sets/{version.prompt_set.uuid}/contamination/checks/"

    def ask(path, key):
        return client.post(
            place, json.dumps({"paths": [path]}), content_type="application/json",
            headers=headers | {"idempotency-key": key},
        )  # fmt: skip

    for number, path in enumerate(
        ["../closed/part-1.txt", str(outside / "part-1.txt"), "link.txt", "none-*.txt", "/"]
    ):
        assert ask(path, f"n{number}").status_code == 422, path
    for number, path in enumerate(["part-*.txt", str(inside / "part-1.txt")]):
        answer = ask(path, f"y{number}")
        assert answer.status_code == 202, answer.content
    assert {tuple(job.paths) for job in CorpusJob.objects.all()} == {(str(inside / "part-1.txt"),)}
    for pk in waiting():
        check_corpus(pk)
    rows = client.get(place, headers=headers).json()["results"]
    assert all(row["finished_at"] and not row["message"] for row in rows)
    # The same corpus twice is one check: the later one.
    assert [bool(row["check"]) for row in rows] == [False, True]
    stranger = Client()
    stranger.force_login(factories.make_user())
    check = reverse("contamination-check", args=[version.prompt_set.uuid])
    assert stranger.post(check, {"paths": "part-1.txt"}).status_code == 404

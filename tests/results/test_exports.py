"""Exports: every kind in every format, marked, defused; the record computes the same again."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from jeoul.base import InvalidInput
from jeoul.comparisons.actions import NothingLeft
from jeoul.comparisons.models import Remark
from jeoul.quality.actions import exclude_worker
from jeoul.results.exports import WHAT, export_stream
from jeoul.results.record import Record

from tests import factories

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db


def written(study, what, form) -> bytes:
    return b"".join(export_stream(study=study, what=what, form=form))


def judged(**settings):
    """A study with two workers' judgements, one of them left out, and a dangerous remark."""
    study = factories.make_study(prompts=12, **settings)
    workers = [factories.worker_for(study) for _ in range(3)]
    for at, worker in enumerate(workers):
        for n in range(12):
            last = factories.judge(worker, 1 if n % (at + 2) else -1)
    Remark.objects.create(
        judgement=last, criterion=study.criteria.get(), text='=cmd()\n"quoted", 한국어 \x07'
    )
    exclude_worker(
        study=study, worker=workers[2].worker, actor=factories.owner_of(study), reason="a test"
    )
    return study


def test_every_export_has_the_same_rows_in_every_format_and_says_what_is_simulated():
    study = judged()
    for what in WHAT:
        if what in {"record", "comparator"}:
            continue
        lines = [json.loads(line) for line in written(study, what, "jsonl").decode().splitlines()]
        cells = list(csv.DictReader(io.StringIO(written(study, what, "csv").decode(), newline="")))
        table = pq.read_table(io.BytesIO(written(study, what, "parquet"))).to_pylist()
        assert len(lines) == len(cells) == len(table), what
        assert bool(lines) == (what not in {"flags"}), what
        for line, cell, row in zip(lines, cells, table, strict=True):
            assert list(line) == list(cell) == list(row), what
            for name, value in line.items():
                if isinstance(value, bool):
                    assert (cell[name].lower(), row[name]) == (str(value).lower(), value)
                elif isinstance(value, int):
                    assert cell[name] == str(value) == str(row[name]), (what, name)
                elif value is None:
                    assert (cell[name], row[name]) == ("", None), (what, name)
        assert "simulated" in lines[0] if lines else True, what
    with pytest.raises(InvalidInput):
        written(study, "judgements", "zip")


def test_a_dangerous_text_survives_whole_and_runs_nowhere():
    study = judged()
    text = '=cmd()\n"quoted", 한국어 \x07'
    lines = [json.loads(line) for line in written(study, "judgements", "jsonl").splitlines()]
    table = pq.read_table(io.BytesIO(written(study, "judgements", "parquet"))).to_pylist()
    cells = list(
        csv.DictReader(io.StringIO(written(study, "judgements", "csv").decode(), newline=""))
    )
    assert [r["reason"] for r in lines if r["reason"]] == [text]
    assert [r["reason"] for r in table if r["reason"]] == [text]
    assert [r["reason"] for r in cells if r["reason"]] == ["'" + text]
    assert sum(r["excluded"] for r in lines) == 12


def test_graded_choices_stay_numbers_that_an_import_reads():
    from jeoul.studies.actions import CriterionSpec

    overall = CriterionSpec("overall", "Overall", "Which?", scale=7, is_overall=True)
    study = factories.make_study(criteria=[overall])
    worker = factories.worker_for(study)
    factories.judge(worker, -3)
    factories.judge(worker, 0)
    choices = [
        json.loads(line)["choice"] for line in written(study, "judgements", "jsonl").splitlines()
    ]
    assert choices == [-3, 0]
    assert ",-3," in written(study, "judgements", "csv").decode()


def test_an_empty_study_exports_headers_and_no_rows():
    study = factories.make_study(start=False)
    assert written(study, "judgements", "csv").count(b"\n") == 1
    assert written(study, "judgements", "jsonl") == b""
    assert pq.read_table(io.BytesIO(written(study, "judgements", "parquet"))).num_rows == 0


@pytest.mark.django_db(transaction=True)
def test_a_download_that_is_given_up_harms_nothing_that_comes_after():
    study = judged()
    for form in ("csv", "parquet"):
        chunks = export_stream(study=study, what="judgements", form=form)
        next(chunks)
        chunks.close()
    never = export_stream(study=study, what="judgements", form="csv")
    del never
    from django.db import connection

    connection.close()
    assert study.judgements.count() == 36


@pytest.fixture
def record(tmp_path):
    study = judged()
    path = tmp_path / "record.zip"
    call_command("export", study.slug, what="record", format="zip", output=str(path))
    return study, path


def test_the_record_gives_the_same_bytes_without_any_database(record, capsys, tmp_path):
    study, path = record
    call_command("results", study.slug, "--json")
    printed = capsys.readouterr().out
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    env["JEOUL_VAR"] = str(tmp_path / "var")
    done = subprocess.run(
        [sys.executable, "manage.py", "results", "--record", str(path), "--json"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed
    assert json.loads(printed)["excluded_judgements"] == 12
    assert not (tmp_path / "var" / "postgres").exists()
    with zipfile.ZipFile(path) as files:
        assert files.read("results.json").decode() == printed
        assert {"plan.json", "chain.jsonl", "data/history.jsonl", "data/audit.jsonl"} <= set(
            files.namelist()
        )
        plan = json.loads(files.read("plan.json"))
        assert plan["plan_hash"] == study.plan_hash


def test_a_record_that_was_changed_is_found_out(record, tmp_path, capsys):
    _, path = record
    call_command("verify_log", record=str(path), json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["links"], found["broken_at"], found["unlike"]) == (36, None, 0)
    forged = tmp_path / "forged.zip"
    _rewrite(path, forged, "data/history.jsonl", b'"choice":"b"', b'"choice":"a"')
    with pytest.raises(CommandError, match="history"):
        call_command("verify_log", record=str(forged))
    # Who forges the digests as well is found by the chain.
    again = tmp_path / "again.zip"
    _rewrite(path, again, "data/history.jsonl", b'"choice":"b"', b'"choice":"a"', sign=True)
    with pytest.raises(CommandError, match="chain"):
        call_command("verify_log", record=str(again))
    with pytest.raises(InvalidInput):
        Record(Path(__file__))


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("inputs/table.parquet", lambda t: t.set_column(
            t.column_names.index("outcome"), "outcome",
            pa.array([2] * len(t), pa.int8())), "choice"),
        ("inputs/table.parquet", lambda t: t.slice(1), "missing"),
        ("inputs/table.parquet", lambda t: t.set_column(
            t.column_names.index("worker"), "worker",
            pa.array([0] * len(t), pa.int32())), "worker"),
        ("inputs/names.json", lambda n: n | {"excluded": []}, "left out"),
        ("inputs/names.json", lambda n: n | {"labels": n["labels"][::-1]}, "system"),
    ],
)  # fmt: skip
def test_inputs_that_are_not_the_judgements_are_found_though_signed(
    record, tmp_path, name, change, word
):
    _, path = record
    with zipfile.ZipFile(path) as files:
        old = files.read(name)
    if name.endswith("json"):
        new = json.dumps(change(json.loads(old))).encode()
    else:
        sink = io.BytesIO()
        pq.write_table(change(pq.read_table(io.BytesIO(old))), sink)
        new = sink.getvalue()
    forged = tmp_path / "forged.zip"
    _rewrite(path, forged, name, old, new, sign=True)
    with pytest.raises(CommandError, match=word):
        call_command("verify_log", record=str(forged))


def _rewrite(path, target, name, old, new, sign=False):
    import hashlib

    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as sink:
        manifest = json.loads(source.read("record.json"))
        for file in source.namelist():
            data = source.read(file)
            if file == name:
                assert old in data
                data = data.replace(old, new)
                if sign:
                    manifest["files"][file] = hashlib.sha256(data).hexdigest()
            if file != "record.json":
                sink.writestr(file, data)
        sink.writestr("record.json", json.dumps(manifest))


def test_tuning_libraries_read_the_preferences_as_they_are(tmp_path, monkeypatch):
    study = judged()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, *_files(study, tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["texts"] == found["messages"] == found["parquet"] > 0
    row = found["first"]
    assert row["prompt"][0]["role"] == "user"
    assert row["chosen"][0]["role"] == row["rejected"][0]["role"] == "assistant"
    # The worker who is left out has no vote.
    assert 0 < row["votes"] <= 2
    assert row["tie_policy"]


_LOAD = """
import json, sys
from datasets import load_dataset
texts, messages, parquet = sys.argv[1:]
one = load_dataset("json", data_files=texts, split="train")
two = load_dataset("json", data_files=messages, split="train")
three = load_dataset("parquet", data_files=parquet, split="train")
assert {"prompt", "chosen", "rejected"} <= set(one.column_names) & set(three.column_names)
assert three[0]["chosen"] == two[0]["chosen"], (three[0], two[0])
first = dict(two[0])
print(json.dumps({"texts": len(one), "messages": len(two), "parquet": len(three), "first": first}))
"""


def _files(study, folder):
    for what, form in (
        ("preferences", "jsonl"), ("preferences-messages", "jsonl"),
        ("preferences-messages", "parquet"),
    ):  # fmt: skip
        path = folder / f"{what}.{form}"
        path.write_bytes(written(study, what, form))
        yield str(path)


def test_llm_comparator_gets_its_own_shape_of_two_systems():
    study = judged()
    found = json.loads(written(study, "comparator", "json"))
    assert [m["name"] for m in found["models"]] == ["alpha", "beta"]
    assert len(found["examples"]) == 12
    example = found["examples"][0]
    raters = example["individual_rater_scores"]
    assert len(raters) == 2
    assert example["score"] == sum(r["score"] for r in raters) / 2
    assert set(example) == {
        "input_text", "tags", "output_text_a", "output_text_b", "score", "individual_rater_scores",
        "custom_fields",
    }  # fmt: skip
    three = factories.make_study(systems=("a", "b", "c"))
    with pytest.raises(InvalidInput):
        written(three, "comparator", "json")
    worker = factories.worker_for(three)
    while True:
        try:
            factories.judge(worker)
        except NothingLeft:
            break
    two = export_stream(study=three, what="comparator", form="json", pair=("a", "c"))
    found = json.loads(b"".join(two))
    assert [m["name"] for m in found["models"]] == ["a", "c"]
    assert len(found["examples"]) == 4
    with pytest.raises(InvalidInput):
        export_stream(study=three, what="comparator", form="json", pair=("a", "x"))


def test_pairs_and_examples_come_in_batches_that_leave_nothing_out(monkeypatch):
    """A batch in which nobody has voted yet breaks neither the JSON nor the pairs."""
    from jeoul.results.exports import preferences

    study = judged()
    whole = written(study, "preferences", "jsonl"), written(study, "comparator", "json")
    monkeypatch.setattr(preferences, "_CHUNK", 5)
    assert (written(study, "preferences", "jsonl"), written(study, "comparator", "json")) == whole
    half = factories.make_study(prompts=8)
    worker = factories.worker_for(half)
    last = factories.judge(worker).comparison
    half.comparisons.filter(pk=last.pk).update(position=99)
    monkeypatch.setattr(preferences, "_CHUNK", 2)
    assert len(json.loads(written(half, "comparator", "json"))["examples"]) == 1


def test_a_sealed_set_gives_no_prompt_away_before_its_end():
    from jeoul.results.exports.preferences import TextsSealed

    study = judged()
    prompt_set = study.prompt_set_version.prompt_set
    prompt_set.sealed = True
    prompt_set.save()
    for what, form in (("preferences", "csv"), ("comparator", "json")):
        with pytest.raises(TextsSealed):
            written(study, what, form)
    text = study.prompt_set_version.prompts.first().messages[0]["content"]
    record = io.BytesIO(written(study, "record", "zip"))
    with zipfile.ZipFile(record) as files:
        assert text.encode() not in files.read("data/prompts.jsonl")

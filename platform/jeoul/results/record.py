"""The evaluation record: one zip from which a third party computes every number again.

It holds plan, amendments, data, results and code version. ``inputs/`` is what the results are
computed from, and ``data/`` the same rows with their names; reading a record needs no database.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jeoul import __version__
from jeoul.base import InvalidInput
from jeoul.comparisons.chain import next_digest
from jeoul.results.compute import compute_from
from jeoul.results.data import Table
from jeoul.results.exports.rows import choice_of
from jeoul.results.inputs import Asked, Inputs, Person

FORMAT: Final = 1
MANIFEST: Final = "record.json"
RESULTS: Final = "results.json"
README: Final = """Evaluation record of Jeoul (format 1)

record.json     what this is: study, plan hash, code version, SHA-256 of every file
plan.json       the plan as it was frozen, and its numbered amendments
results.json    the results, as `manage.py results STUDY --json` printed them
data/           judgements (with history), comparisons, outputs, workers, flags, audit: JSON lines
chain.jsonl     the hash chain over the judgements
inputs/         what the results are computed from, as numbers and their names

Compute the results again, without a database:

    manage.py results --record FILE --json

and compare with results.json; they are the same bytes with the same code version. Whether the
judgements are those of the chain, and the inputs those of the judgements:

    manage.py verify_log --record FILE
"""


def as_json(value: object) -> str:
    """The one way that results are printed."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


class Writer:
    """A zip that is written as it is read: the bytes of every part as they come."""

    def __init__(self, sink: Any, take: Callable[[], bytes]) -> None:
        self._take = take
        self._zip = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self.files: dict[str, str] = {}

    def add(self, name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """One file from its chunks; noted with its digest."""
        digest = hashlib.sha256()
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._zip.open(info, "w", force_zip64=True) as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
                yield self._take()
        self.files[name] = digest.hexdigest()
        yield self._take()

    def end(self) -> bytes:
        self._zip.close()
        return self._take()


def packed(inputs: Inputs) -> dict[str, bytes]:
    """The inputs as files: arrays as Parquet, all else as JSON; whatever fields there are."""
    names: dict[str, Any] = {"arrays": {}}
    files: dict[str, bytes] = {}
    for field in fields(inputs):
        value = getattr(inputs, field.name)
        if isinstance(value, Table):
            files[f"inputs/{field.name}.parquet"] = _parquet(value.columns)
        elif isinstance(value, np.ndarray):
            names["arrays"][field.name] = value.ndim
            columns = {str(i): c for i, c in enumerate(value.T)} if value.ndim > 1 else {"0": value}
            files[f"inputs/{field.name}.parquet"] = _parquet(columns)
        else:
            names[field.name] = _plain(value)
    return {"inputs/names.json": as_json(names).encode()} | files


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, list):
        return [asdict(v) if is_dataclass(v) and not isinstance(v, type) else v for v in value]
    if isinstance(value, dict) and not all(isinstance(k, str) for k in value):
        return [[key, list(values)] for key, values in value.items()]
    return value


def _parquet(columns: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _arrays(data: bytes) -> dict[str, Any]:
    table = pq.read_table(io.BytesIO(data))
    return {n: np.array(table[n].to_numpy(zero_copy_only=False)) for n in table.column_names}


def unpacked(read: Callable[[str], bytes]) -> Inputs:
    """The inputs of a record's files."""
    names = json.loads(read("inputs/names.json"))
    tables = ("table", "ties")
    found: dict[str, Any] = {n: Table(_arrays(read(f"inputs/{n}.parquet"))) for n in tables}
    for name, dimensions in names.pop("arrays").items():
        columns = list(_arrays(read(f"inputs/{name}.parquet")).values())
        found[name] = np.column_stack(columns) if dimensions > 1 else columns[0]
    return Inputs(
        **names
        | found
        | {
            "excluded": frozenset(names["excluded"]),
            "criteria": [Asked(**c) for c in names["criteria"]],
            "people": [Person(**p) for p in names["people"]],
            "slices": {code: tuple(values) for code, values in names["slices"]},
        }
    )


@dataclass(frozen=True)
class Chain:
    """What checking a record's chain found; ``unlike``: answers that it does not vouch for."""

    links: int
    broken_at: int | None
    unlike: int

    @property
    def whole(self) -> bool:
        return self.broken_at is None and not self.unlike


class Record:
    """A record on disk; raises InvalidInput for what is none, or was changed."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = json.loads(self._zip.read(MANIFEST))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InvalidInput(f"{path} is no evaluation record: {error}") from None
        if self.manifest.get("format") != FORMAT:
            raise InvalidInput(f"{path} has a format that this version does not read.")

    def read(self, name: str) -> bytes:
        """One file, checked against its digest."""
        try:
            data = self._zip.read(name)
        except (KeyError, zipfile.BadZipFile) as error:
            raise InvalidInput(f"The record lacks {name}: {error}") from None
        if hashlib.sha256(data).hexdigest() != self.manifest["files"].get(name):
            raise InvalidInput(f"{name} is not what the record says: it was changed.")
        return data

    def changed(self) -> list[str]:
        """Files whose bytes are not those that were written; read in chunks."""
        found = []
        for name, digest in self.manifest["files"].items():
            seen = hashlib.sha256()
            with self._zip.open(name) as file:
                while chunk := file.read(1 << 20):
                    seen.update(chunk)
            if seen.hexdigest() != digest:
                found.append(name)
        return found

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of a JSON-lines file."""
        with self._zip.open(name) as file:
            for line in file:
                yield json.loads(line)

    def results(self) -> dict[str, Any]:
        """Computed now, from the inputs alone."""
        return compute_from(unpacked(self.read))[0] | {"cost": self.manifest["cost"]}

    def chain(self) -> "Chain":
        """The hash chain computed again, and held against the judgements beside it."""
        keys = {c["pk"]: (c["key"], c["scale"]) for c in self._names()["criteria"]}
        said = {(r["id"], r["criterion"]): r["choice"] for r in self.lines("data/history.jsonl")}
        digest, links, unlike = str(self.manifest["study"]["id"]), 0, 0
        for link in self.lines("chain.jsonl"):
            links += 1
            digest = next_digest(digest, link["content"])
            if link["number"] != links or link["digest"] != digest:
                return Chain(links, link["number"], unlike)
            for criterion, outcome, grade, _chips in link["content"]["answers"]:
                key, scale = keys[criterion]
                told = said.pop((link["content"]["uuid"], key), None)
                unlike += told != choice_of(outcome, grade, scale)
        return Chain(links, None, unlike + len(said))

    def _names(self) -> dict[str, Any]:
        return dict(json.loads(self.read("inputs/names.json")))

    @property
    def same_code(self) -> bool:
        return bool(self.manifest["code_version"] == __version__)

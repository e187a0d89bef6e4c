"""Memory and time of importing prompts: 10,000 and 100,000 as JSONL, CSV and Parquet, the latter
in row groups of 10,000 and in one.

`make bench-importing` runs each import in a process of its own on an embedded PostgreSQL and
reads that process's highest memory (VmHWM) before the file is touched and at the end. Constant
memory means that ten times the prompts do not take ten times the memory.
``--kinds parquet one.parquet`` measures some only. Writes bench/out/importing.json.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jeoul import local

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out" / "importing.json"
SIZES = (10_000, 100_000)
KINDS = ("jsonl", "csv", "parquet", "one.parquet")


def rows(count: int) -> list[dict[str, str]]:
    """Prompts of 60 random words with their slices."""
    rng = random.Random(3)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(20_000)]
    return [
        {
            "id": f"p{n}", "prompt": " ".join(rng.choices(words, k=60)), "language": "en",
            "category": f"c{n % 12}", "difficulty": "hard" if n % 3 else "easy",
            "risk": "high" if n % 10 == 0 else "realistic",
        }
        for n in range(count)
    ]  # fmt: skip


def write(folder: Path, count: int) -> None:
    import csv

    import pyarrow as pa
    import pyarrow.parquet as pq

    data = rows(count)
    with (folder / f"{count}.jsonl").open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in data)
    with (folder / f"{count}.csv").open("w", newline="") as file:
        lines = csv.DictWriter(file, data[0].keys())
        lines.writeheader()
        lines.writerows(data)
    table = pa.Table.from_pylist(data)
    pq.write_table(table, folder / f"{count}.parquet", row_group_size=10_000)
    pq.write_table(table, folder / f"{count}.one.parquet", row_group_size=count)


def highest() -> float:
    """VmHWM of this process in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM")


def one(path: Path) -> None:
    """The child: import one file and print what it took."""
    import django

    django.setup()
    from jeoul.accounts.models import User
    from jeoul.studies.prompt_import import import_prompts

    owner, _ = User.objects.get_or_create(username="bench")
    kind = path.suffix[1:]
    # The libraries are loaded by a first row, so that what follows is the file's.
    import_prompts(owner=owner, name=f"warm {path.name}", text='{"id": "a", "prompt": "Hm?"}')
    if kind == "parquet":
        import pyarrow.parquet  # noqa: F401 - for its memory
    before, began = highest(), time.monotonic()
    with path.open("rb") as source:
        _, done = import_prompts(owner=owner, name=path.name, source=source, kind=kind)
    print(
        json.dumps(
            {
                "file": path.name, "megabytes": round(path.stat().st_size / 1e6, 1),
                "added": done.added, "seconds": round(time.monotonic() - began, 1),
                "before_mb": round(before), "highest_mb": round(highest()),
                "load": round(os.getloadavg()[0], 1),
            }
        ),
        flush=True,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--file", type=Path, help="import this one here (the child)")
    options = parser.parse_args()
    if options.file:
        one(options.file)
        return
    folder = Path(tempfile.mkdtemp(prefix="jeoul-import-"))
    services = local.LocalServices(folder, durable=False)
    try:
        os.environ.update(services.open())
        os.environ |= {"JEOUL_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "jeoul.settings"}
        run = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v", "0"]
        subprocess.run(run, check=True, cwd=ROOT)
        found = []
        for count in SIZES:
            write(folder, count)
            for kind in options.kinds:
                done = subprocess.run(
                    [sys.executable, __file__, "--file", str(folder / f"{count}.{kind}")],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                found.append(json.loads(done.stdout.splitlines()[-1]))
                print(json.dumps(found[-1]), flush=True)
    finally:
        services.close()
        shutil.rmtree(folder, ignore_errors=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

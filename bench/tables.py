"""What the benchmarks share: time that is bounded, Markdown tables, and their place in the docs."""

import argparse
import json
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out"
DOCS = ROOT / "docs" / "statistics.md"
Row = dict[str, Any]


def arguments(doc: str | None) -> argparse.Namespace:
    """--quick, --docs and --seconds, alike for every benchmark."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--quick", action="store_true", help="a few runs only, about a minute")
    parser.add_argument("--docs", action="store_true", help="write the tables into the docs")
    parser.add_argument("--seconds", type=float, default=540, help="stop about then (540)")
    return parser.parse_args()


class Budget:
    """Runs until as many as wanted are done or the part's share of the time is used."""

    def __init__(self, seconds: float, parts: int) -> None:
        self.share = seconds / parts

    def runs(self, wanted: int, least: int = 10) -> Iterator[int]:
        end = time.monotonic() + self.share
        for run in range(wanted):
            if run >= least and time.monotonic() > end:
                return
            yield run


def number(value: Any) -> str:
    """Three digits that mean something, thousands apart."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    size = abs(float(value))
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.3g}"


def markdown(rows: list[Row]) -> str:
    """A table with the keys of the first row as heads; the text of the first column is a label."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(number(row.get(h)) for h in heads) + " |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """The machine in words, for the line under a table."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f} at the end, Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}"
    )


def publish(name: str, tables: list[tuple[str, list[Row]]], *, docs: bool, note: str = "") -> None:
    """Prints the tables, keeps them as JSON, and puts them between the marks of the docs."""
    text = "\n\n".join(f"{title}\n\n{markdown(rows)}" for title, rows in tables if rows)
    text += f"\n\n*{note}{machine()}.*"
    print(text)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(dict(tables), indent=1, default=float))
    if docs:
        _write(name, text)


def _write(name: str, text: str) -> None:
    begin, end = f"<!-- bench-{name}: begin -->", f"<!-- bench-{name}: end -->"
    page = DOCS.read_text(encoding="utf-8")
    found = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not found.search(page):
        raise SystemExit(f"{DOCS} has no marks for bench-{name}.")
    DOCS.write_text(found.sub(lambda _: f"{begin}\n{text}\n{end}", page), encoding="utf-8")
    print(f"\nwritten into {DOCS.relative_to(ROOT)}")


def part(title: str, call: Callable[[], list[Row]]) -> tuple[str, list[Row]]:
    """One table, with a line on the terminal while it is being made."""
    began = time.monotonic()
    rows = call()
    print(f"[{time.monotonic() - began:5.0f} s] {title}", flush=True)
    return title, rows

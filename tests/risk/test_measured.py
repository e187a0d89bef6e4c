"""What the pages tell of the detectors is what they do on the texts that lie beside."""

import importlib.util
import json
from pathlib import Path

from jeoul.risk import measured, scanning

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_told_precision_and_recall_are_those_of_the_present_rules():
    spec = importlib.util.spec_from_file_location("bench_risk", ROOT / "bench" / "risk.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    found, _ = bench.measure()
    told = json.loads(Path(measured.__file__).with_name("measured.json").read_text())
    # Names need a model, which an operator installs; what they were measured with is named.
    names = told.pop("names")
    assert told == {"rules": scanning.RULES.split("+")[0]} | found
    assert all(row["model"] and row["there"] for row in names)

"""Precision and recall of the detectors on texts that we wrote; writes what the pages tell.

python bench/risk.py reads tests/risk/labelled.jsonl by kind and labelled_personal.jsonl by rule of
personal data, writes platform/jeoul/risk/measured.json and prints the mistakes. Names of people
are measured with --names where presidio is installed, by the models of NAMES_MODELS; without it
what was measured of them stays.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
os.environ.setdefault("DATABASE_URL", "postgresql://none@localhost/none")
os.environ.setdefault("REDIS_URL", "redis://localhost")

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "tests" / "risk"
TOLD = ROOT / "platform" / "jeoul" / "risk" / "measured.json"
KINDS = ("self_naming", "personal_data", "secret", "harmful")
LOOKED_FOR = ("phone", "resident_number", "email", "card", "ip")
NOT_LOOKED_FOR = ("address", "bank_account", "passport", "licence")


def found_in(text: str) -> set[str]:
    from jeoul.risk.detectors.harmful import harmful
    from jeoul.risk.detectors.naming import self_naming
    from jeoul.risk.detectors.personal import personal_data
    from jeoul.risk.detectors.secrets import secrets

    hangul = any("가" <= c <= "힣" for c in text)
    return {
        f.kind
        for source in (
            self_naming(text), personal_data(text, language="ko" if hangul else "en"),
            secrets(text), harmful(text),
        )
        for f in source
    }  # fmt: skip


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def counted(
    rows: list[dict[str, Any]], told: str, what: Iterable[str], find: Callable[[Any], set[str]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Of each kind or rule precision and recall by text, and the texts judged wrongly."""
    counts = {name: [0, 0, 0] for name in what}
    wrong = []
    for row in rows:
        got = find(row)
        for name, count in counts.items():
            there, said = name in row[told], name in got
            count[0] += there and said
            count[1] += said and not there
            count[2] += there and not said
            if there != said:
                wrong.append(f"{name} {'missed' if there else 'wrongly'}: {row['text']}")
    return {name: figures(*count, len(rows)) for name, count in counts.items()}, wrong


def figures(hit: int, false: int, missed: int, texts: int) -> dict[str, Any]:
    return {
        "precision": round(hit / (hit + false), 3) if hit + false else None,
        "recall": round(hit / (hit + missed), 3) if hit + missed else None,
        "there": hit + missed,
        "texts": texts,
    }


def measure() -> tuple[dict[str, Any], list[str]]:
    """All but the names: by kind, and of Korean texts by rule of personal data."""
    kinds, wrong = counted(
        read(TEXTS / "labelled.jsonl"), "kinds", KINDS, lambda row: found_in(row["text"])
    )
    rows = [row for row in read(TEXTS / "labelled_personal.jsonl") if row["language"] == "ko"]
    by_rule, more = counted(rows, "rules", (*LOOKED_FOR, *NOT_LOOKED_FOR), personal_in)
    personal = [{"rule": rule, "language": "ko"} | found for rule, found in by_rule.items()]
    return {"kinds": kinds, "personal": personal}, wrong + more


def personal_in(row: dict[str, Any]) -> set[str]:
    from jeoul.risk.detectors.personal import personal_data

    found = personal_data(row["text"], language=row["language"])
    return {f.rule.removesuffix("_unchecked") for f in found}


def measure_names() -> tuple[list[dict[str, Any]], list[str]]:
    """Of each language that has a model here and texts with names in it."""
    from jeoul.risk.detectors.names import missing, models, names

    if missing():
        raise SystemExit(missing())
    found, wrong = [], []
    for language, model in models().items():
        rows = [r for r in read(TEXTS / "labelled_personal.jsonl") if r["language"] == language]
        figures, more = counted(
            rows, "rules", ["name"],
            lambda row: {f.rule for f in names(row["text"], language=row["language"])},
        )  # fmt: skip
        found.append({"model": called(model), "language": language} | figures["name"])
        wrong += more
    return found, wrong


def called(model: str) -> str:
    """Its own name and version, wherever it lies."""
    import spacy

    meta = spacy.load(model).meta
    return f"{meta['lang']}_{meta['name']} {meta['version']}"


def main() -> None:
    import django

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", action="store_true", help="measure names of people too")
    options = parser.parse_args()
    django.setup()
    from jeoul.risk.scanning import RULES

    told, wrong = measure()
    before = json.loads(TOLD.read_text()).get("names", [])
    names, more = measure_names() if options.names else ([], [])
    models = {row["model"] for row in names}
    told["names"] = [row for row in before if row["model"] not in models] + names
    TOLD.write_text(json.dumps({"rules": RULES.split("+")[0]} | told, indent=2) + "\n")
    print("\n".join(wrong + more))
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()

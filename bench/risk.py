"""Precision and recall of the detectors on tests/risk/labelled.jsonl; writes what the pages tell.

python bench/risk.py; writes platform/jeoul/risk/measured.json and prints the mistakes.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
os.environ.setdefault("DATABASE_URL", "postgresql://none@localhost/none")
os.environ.setdefault("REDIS_URL", "redis://localhost")

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("self_naming", "personal_data", "secret", "harmful")


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


def measure(path: Path) -> tuple[dict[str, object], list[str]]:
    """By kind precision and recall, and the texts that were judged wrongly."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    counts = {kind: [0, 0, 0] for kind in KINDS}
    wrong = []
    for row in rows:
        got = found_in(row["text"])
        for kind in KINDS:
            there, said = kind in row["kinds"], kind in got
            counts[kind][0] += there and said
            counts[kind][1] += said and not there
            counts[kind][2] += there and not said
            if there != said:
                wrong.append(f"{kind} {'missed' if there else 'wrongly'}: {row['text']}")
    kinds = {
        kind: {
            "precision": round(hit / (hit + false), 3) if hit + false else None,
            "recall": round(hit / (hit + missed), 3) if hit + missed else None,
            "there": hit + missed,
            "texts": len(rows),
        }
        for kind, (hit, false, missed) in counts.items()
    }
    return kinds, wrong


def main() -> None:
    import django

    django.setup()
    from jeoul.risk.scanning import RULES

    kinds, wrong = measure(ROOT / "tests" / "risk" / "labelled.jsonl")
    target = ROOT / "platform" / "jeoul" / "risk" / "measured.json"
    target.write_text(json.dumps({"rules": RULES, "kinds": kinds}, indent=2) + "\n")
    print("\n".join(wrong))
    print(json.dumps(kinds, indent=2))


if __name__ == "__main__":
    main()

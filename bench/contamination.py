"""How fast a corpus is looked through, beside plain reading of the same file.

python bench/contamination.py [megabytes] [prompts] [processes] [files]
files: some of txt jsonl jsonl.zst ko.jsonl, with commas between them.
Writes bench/out/contamination.json.
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import zstandard
from jeoul.risk.contamination.corpus import corpus_file
from jeoul.risk.contamination.engine import Question, examine

ROOT = Path(__file__).resolve().parent.parent


def words(rng: random.Random, letters: str, least: int, most: int, count: int) -> list[str]:
    return ["".join(rng.choices(letters, k=rng.randint(least, most))) for _ in range(count)]


def make(folder: Path, megabytes: int, rng: random.Random) -> tuple[dict[str, Path], list[str]]:
    """The same made-up English as text, JSONL and zst, and Korean as JSONL."""
    english = words(rng, "etaoinshrdlucmfwypvbgkjqxz", 2, 8, 30_000)
    korean = words(rng, "".join(map(chr, range(0xAC00, 0xAC00 + 2000))), 2, 4, 30_000)
    pool = [" ".join(rng.choices(english, k=300)) + " “so” they said." for _ in range(3000)]
    pool_ko = [" ".join(rng.choices(korean, k=300)) + "." for _ in range(1500)]
    files = {name: folder / f"corpus.{name}" for name in ("txt", "jsonl", "jsonl.zst", "ko.jsonl")}
    with files["txt"].open("w") as text, files["jsonl"].open("w") as lines:
        while text.tell() < megabytes * 1_000_000:
            document = " ".join(rng.choices(pool, k=8))
            text.write(document + "\n")
            lines.write(json.dumps({"text": document}, ensure_ascii=False) + "\n")
    files["jsonl.zst"].write_bytes(zstandard.compress(files["jsonl"].read_bytes(), 3))
    with files["ko.jsonl"].open("w") as lines:
        while lines.tell() < megabytes * 1_000_000 / 4:
            document = " ".join(rng.choices(pool_ko, k=8))
            lines.write(json.dumps({"text": document}, ensure_ascii=False) + "\n")
    return files, pool + pool_ko


def plain_reading(path: Path) -> float:
    """Seconds to read the file in the same pieces and do nothing."""
    began = time.perf_counter()
    with path.open("rb") as file:
        while file.read(8 << 20):
            pass
    return time.perf_counter() - began


def main() -> None:
    megabytes, prompts, processes = (
        int(sys.argv[i]) if len(sys.argv) > i else n
        for i, n in ((1, 200), (2, 10_000), (3, os.cpu_count() or 1))
    )
    wanted = sys.argv[4].split(",") if len(sys.argv) > 4 else None
    rng = random.Random(11)
    with tempfile.TemporaryDirectory() as folder:
        files, pool = make(Path(folder), megabytes, rng)
        planted = [p[:300] for p in pool[:20] + pool[-20:]]
        questions = [
            Question([" ".join(rng.choices(rng.choice(pool).split(), k=40))], n % 4 == 0)
            for n in range(prompts - len(planted))
        ] + [Question([p], at >= 20) for at, p in enumerate(planted)]
        rows = []
        for name, path in files.items():
            if wanted and name not in wanted:
                continue
            plain, size = plain_reading(path), path.stat().st_size
            for count in sorted({1, processes}):
                began, cpu = time.perf_counter(), time.process_time()
                report = examine(questions, [corpus_file(path)], processes=count)
                seconds = time.perf_counter() - began
                found = sum(a.overlap.llama2 >= 0.8 for a in report.answers[-len(planted) :])
                rows.append(
                    {
                        "file": name, "processes": count,
                        "megabytes": round(path.stat().st_size / 1e6, 1),
                        "text_megabytes": round(report.bytes_read / 1e6, 1),
                        "seconds": round(seconds, 2),
                        "cpu_seconds_of_parent": round(time.process_time() - cpu, 2),
                        "mb_per_second": round(report.bytes_read / 1e6 / seconds, 1),
                        "plain_reading_mb_per_second": round(path.stat().st_size / 1e6 / plain),
                        "ratio": round(plain / seconds * report.bytes_read / size, 4),
                        "planted_found": found,
                    }
                )  # fmt: skip
                print(json.dumps(rows[-1]), flush=True)
        out = {
            "prompts": prompts, "rows": rows, "load": os.getloadavg(), "cores": os.cpu_count(),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }  # fmt: skip
    target = ROOT / "bench" / "out" / "contamination.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(out, indent=2) + "\n")
    print(f"peak memory of the parent: {out['peak_rss_mb']} MB; load {out['load']}")


if __name__ == "__main__":
    main()

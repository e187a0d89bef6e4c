"""Converters of published judgement sets, which lie beside the project, to Jeoul's format."""

import csv
import json

from tests.lacking import published_set


def llmfao(votes: str = "crowd-comparisons.csv") -> str:
    """8,931 votes on 59 models: no texts, sides known."""
    folder = published_set("llmfao")
    models = {
        str(row["id"]): row["name"]
        for row in map(json.loads, (folder / "models.jsonl").read_text().splitlines())
    }
    lines = []
    with (folder / votes).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            a, b = models[row["model_x"]], models[row["model_y"]]
            winner = row["winner"]
            choice = "tie"
            if winner != "tie":
                choice = "a" if row[winner] == a else "b"
            lines.append(
                json.dumps(
                    {
                        "prompt_id": row["prompt"],
                        "system_a": a,
                        "system_b": b,
                        "worker": row.get("worker", "the judge"),
                        "choice": choice,
                        "left": "a" if row["left"] == a else "b",
                    }
                )
            )
    return "\n".join(lines)


def pandalm() -> str:
    """999 pairs with 3 annotators each, texts included; a boolean text stays a boolean."""
    lines = []
    for item in json.loads((published_set("pandalm") / "testset-v1.json").read_text()):
        a, b = item["cmp_key"].split("_")
        for worker in ("annotator1", "annotator2", "annotator3"):
            # 170 instructions stand behind the 999 items; the clusters are theirs.
            prompt_id = f"{item['instruction'][:60]}|{item['input'][:80]}|{item['idx']}"
            lines.append(
                json.dumps(
                    {
                        "prompt_id": prompt_id,
                        "prompt": f"{item['instruction']}\n\n{item['input']}".strip(),
                        "system_a": a,
                        "system_b": b,
                        "output_a": item["response1"],
                        "output_b": item["response2"],
                        "worker": worker,
                        "choice": {0: "tie", 1: "a", 2: "b"}[int(item[worker])],
                    }
                )
            )
    return "\n".join(lines)

"""A program that reads all of a page but its texts can't tell which side a system is on."""

import random
import re

import pytest
from jeoul.comparisons.models import Assignment

from tests import factories

pytestmark = pytest.mark.django_db
WORKERS, PAGES = 6, 40
_HEX = re.compile(r"[0-9a-f]{8}(?=-[0-9a-f]{4}-)")
_TAG = re.compile(r"<(\w+)([^>]*)>")
_TEXTS = re.compile(r'(<div class="answer-body"[^>]*>).*?(</section>)', re.DOTALL)


def clues(page: int, html: str, headers: str) -> dict[str, float]:
    """Everything on a page that is a number or can be counted, apart from the texts."""
    bare = _TEXTS.sub(r"\1\2", html)
    found = {"page": page, "size": len(bare), "headers": len(headers)}
    found |= {f"page mod {n}": page % n for n in (2, 3, 4, 5)}
    for at, part in enumerate(_HEX.findall(bare)[:12]):
        number = int(part, 16)
        found |= {f"id {at}": number, f"id {at} mod 2": number % 2, f"id {at} mod 3": number % 3}
    for name, attributes in _TAG.findall(bare):
        found[f"<{name}>"] = found.get(f"<{name}>", 0) + 1
        found[f"<{name}> size"] = found.get(f"<{name}> size", 0) + len(attributes)
    return found


def learn(rows: list[tuple[dict[str, float], bool]]):
    """The one clue with a threshold that tells the sides apart best."""
    best = (0, "page", 0.0, True)
    for name in rows[0][0]:
        values = sorted({clue.get(name, 0) for clue, _ in rows})
        for limit in values[:: max(1, len(values) // 12)]:
            hits = sum((clue.get(name, 0) > limit) == left for clue, left in rows)
            best = max(best, (hits, name, limit, True), (len(rows) - hits, name, limit, False))
    return best[1:]


def hits(rule, rows) -> int:
    name, limit, above = rule
    return sum(((clue.get(name, 0) > limit) == above) == left for clue, left in rows)


def cheat(walks: list[list[tuple[dict[str, float], bool]]]) -> float:
    """Its share of right guesses: it learns on the first half of each walk, alone and together."""
    first = [walk[: PAGES // 2] for walk in walks]
    rest = [walk[PAGES // 2 :] for walk in walks]
    own = sum(hits(learn(a), b) for a, b in zip(first, rest, strict=True))
    rule = learn([row for walk in first for row in walk])
    together = sum(hits(rule, walk) for walk in rest)
    return max(own, together) / sum(map(len, rest))


def walk_pages(client, study) -> list[tuple[dict[str, float], bool]]:
    """A worker for whom the first system always wins; its pages and the sides it was on."""
    from jeoul.workers.actions import token_of

    worker = factories.worker_for(study)
    answer = client.get(f"/w/{token_of(worker)}/compare/")
    seen = []
    for page in range(PAGES):
        html = answer.content.decode()
        held = Assignment.objects.get(enrolment=worker, state="reserved")
        head = "".join(f"{k}: {v}" for k, v in answer.headers.items() if k != "Content-Length")
        seen.append((clues(page, html, head), held.a_on_left))
        url = re.search(r'<form id="judgement"[^>]* action="([^"]+)"', html).group(1)
        key = re.search(r'name="client_key" value="([^"]+)"', html).group(1)
        body = {"client_key": key, "choice_overall": "first" if held.a_on_left else "second"}
        answer = client.post(url, body, headers={"HX-Request": "true"})
        assert answer.status_code == 200
    return seen


def test_a_cheating_program_guesses_no_better_than_chance(client):
    study = factories.make_study(prompts=PAGES + 5, overlap=WORKERS, systems=("winner", "loser"))
    walks = [walk_pages(client, study) for _ in range(WORKERS)]
    # 120 guesses: four standard deviations above one half.
    assert cheat(walks) < 0.5 + 4 * 0.5 / (WORKERS * PAGES / 2) ** 0.5


def test_the_cheating_program_finds_a_leak_where_there_is_one():
    rng = random.Random(3)
    sides = [[rng.random() < 0.5 for _ in range(PAGES)] for _ in range(WORKERS)]
    html = "<p data-n='{}'>"
    leak = [
        [(clues(n, html.format("x" * left), ""), left) for n, left in enumerate(walk)]
        for walk in sides
    ]
    assert cheat(leak) > 0.95
    turns = [
        [(clues(n, html, ""), (n + at) % 2 == 0) for n in range(PAGES)] for at in range(WORKERS)
    ]
    assert cheat(turns) > 0.95, "sides in strict turns"

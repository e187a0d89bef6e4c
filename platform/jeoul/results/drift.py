"""Whether a model changed under its name: a round of a watch beside the first one.

At a temperature above 0 answers differ by chance; so a round is held against the rounds before
it, not against nought.
"""

from collections import Counter
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from jeoul.analysis.intervals import wilson
from jeoul.studies.models import OutputState, Watch, WatchRound
from jeoul.studies.watching import outputs_of, rounds_to_close

log = structlog.get_logger()
# Earlier rounds that tell how much answers differ by chance alone.
_ENOUGH_ROUNDS: Final = 2


def close_rounds() -> int:
    """Close the rounds whose outputs have ended; returns how many. Draws charts: for jobs only."""
    rounds = rounds_to_close()
    for made in rounds:
        close_round(made=made)
    return len(rounds)


@transaction.atomic
def close_round(*, made: WatchRound) -> None:
    """Store what the round says, and the chart of all rounds."""
    watch = Watch.objects.select_for_update().get(pk=made.watch_id)
    first = watch.rounds.order_by("number").first()
    assert first is not None  # made itself at least
    before = watch.rounds.filter(number__lt=made.number).order_by("-number").first()
    facts = facts_of(made, first, before)
    earlier = list(watch.rounds.filter(number__lt=made.number, number__gt=first.number))
    facts["alarm"] = alarm(facts, [r.facts for r in earlier])
    made.facts, made.finished_at = facts, timezone.now()
    made.save(update_fields=["facts", "finished_at"])
    watch.chart = draw(watch)
    watch.save(update_fields=["chart"])
    if facts["alarm"]:
        log.warning("watch.changed", watch=str(watch.uuid), why=facts["alarm"])


def facts_of(made: WatchRound, first: WatchRound, before: WatchRound | None) -> dict[str, Any]:
    """Counts and shares of one round; shares of changed answers over prompts answered in both."""
    rows = list(
        outputs_of(made).values_list(
            "prompt_id", "state", "content_hash", "text", "finish_reason", "reported_model", "cost"
        )
    )
    texts = [row[3] for row in rows if row[1] != OutputState.FAILED]
    hashes = {row[0]: row[2] for row in rows if row[1] != OutputState.FAILED}
    answered = len(texts)
    refused = sum(row[1] == OutputState.REFUSED for row in rows)
    changed, both = _changed(hashes, _hashes(first))
    changed_last, both_last = _changed(hashes, _hashes(before)) if before else (0, 0)
    return {
        "prompts": len(rows),
        "answered": answered,
        "failed": len(rows) - answered,
        "refused": refused,
        "refused_share": refused / answered if answered else None,
        "truncated": sum(row[4] == "length" for row in rows),
        "mean_characters": sum(map(len, texts)) / answered if answered else None,
        "changed": changed,
        "compared": both,
        "changed_share": changed / both if both else None,
        "changed_share_last": changed_last / both_last if both_last else None,
        "models": dict(Counter(row[5] for row in rows if row[5])),
        "cost": str(sum(row[6] for row in rows if row[6] is not None)),
    }


def _hashes(made: WatchRound) -> dict[int, str]:
    shown = outputs_of(made).exclude(state=OutputState.FAILED)
    return dict(shown.values_list("prompt_id", "content_hash"))


def _changed(now: dict[int, str], then: dict[int, str]) -> tuple[int, int]:
    both = now.keys() & then.keys()
    return sum(now[p] != then[p] for p in both), len(both)


def alarm(facts: dict[str, Any], earlier: list[dict[str, Any]]) -> str:
    """Why this round looks like another model, or nothing.

    Shares are held against the earlier rounds' pooled share: their Wilson intervals at 95 %
    must not touch.
    """
    known = {name for facts_ in earlier for name in facts_.get("models", {})}
    new = sorted(set(facts["models"]) - known)
    if known and new:
        return f"The provider reports {', '.join(new)}."
    if len(earlier) < _ENOUGH_ROUNDS:
        return ""
    for name, of, words in (("changed", "compared", "changed"), ("refused", "answered", "refused")):
        before, n_before = sum(f[name] for f in earlier), sum(f[of] for f in earlier)
        if not facts[of] or not n_before:
            continue
        low, high = wilson(facts[name], facts[of])
        low_before, high_before = wilson(before, n_before)
        if low > high_before or high < low_before:
            share, usual = facts[name] / facts[of], before / n_before
            return f"{share:.0%} {words}, {usual:.0%} in the rounds before."
    return ""


def draw(watch: Watch) -> str:
    """Changed answers, refusals and length over time as one SVG, shares with their intervals."""
    # The renderer costs 130 MB and a second: only the job that draws loads it.
    from jeoul.results.charts_drift import drift_chart
    from jeoul.results.charts_language import spec_of, to_svg

    rounds = list(watch.rounds.filter(finished_at__isnull=False).order_by("number"))
    rows = [row for made in rounds for row in _points(made, rounds[0])]
    return to_svg(spec_of(drift_chart(rows))) if rows else ""


def _points(made: WatchRound, first: WatchRound) -> list[dict[str, Any]]:
    """What the chart shows of one round; the length has no interval, as every answer is in it."""
    facts, base = made.facts, first.facts["mean_characters"]
    found = []
    for what, k, n in (
        ("Changed since the first round", facts["changed"], facts["compared"]),
        ("Refused", facts["refused"], facts["answered"]),
    ):
        if n:
            low, high = wilson(k, n)
            found.append({"what": what, "share": k / n, "low": low, "high": high})
    if base and facts["mean_characters"]:
        share = facts["mean_characters"] / base
        what = "Length beside the first round"
        found.append({"what": what, "share": share, "low": share, "high": share})
    label = f"{made.number} (n = {facts['answered']})"
    return [row | {"round": label} for row in found]

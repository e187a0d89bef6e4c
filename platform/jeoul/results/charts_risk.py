"""Risk against benefit: a point with two intervals per system version, arrows between versions."""

import re
from typing import Any, Final

import altair as alt

from jeoul.results.charts_language import (
    BAND,
    GROUND_INK,
    MARK,
    MUTED,
    WARN,
    Chart,
    chart_of,
    layered,
    stacked,
)

# "chat v2", as versions of a system are labelled, and what people call systems: "version 2".
_VERSION = re.compile(r"^(.*?)\s*\bv(?:ersion)?\s*(\d+)$", re.IGNORECASE)
_WIDTH: Final = 520
_SIZE: Final = 380
# A line of a label's letters is so high, and a letter at most so wide.
_LINE: Final = 15
_LETTER: Final = 7.5


def risk_chart(hazards: dict[str, Any]) -> Chart:
    """Benefit to the right, risk upwards; false refusals in a panel below."""
    rows = [
        _point(s) for s in hazards["systems"] if s["risk"] and (s["benefit"] or s["is_baseline"])
    ]
    panels = [_plane(rows, hazards["baseline"])]
    refusals = [
        {"label": f"{s['system']} (n = {s['false_refusal']['n']})", **s["false_refusal"]}
        for s in hazards["systems"]
        if s["false_refusal"]
    ]
    if refusals:
        panels.append(_refusals(refusals))
    return stacked(*panels, spacing=28)


def _point(system: dict[str, Any]) -> dict[str, Any]:
    # The baseline against itself is one half by definition, and has no interval.
    benefit = system["benefit"] or {"win_rate": 0.5, "low": 0.5, "high": 0.5, "n": 0}
    risk = system["risk"]
    return {
        "system": system["system"],
        "x": benefit["win_rate"], "x_low": benefit["low"], "x_high": benefit["high"],
        "y": risk["share"], "y_low": risk["low"], "y_high": risk["high"],
        "label": _label(system, benefit["n"], risk["n"]),
        "kind": "baseline" if system["is_baseline"] else "system",
    }  # fmt: skip


def _label(system: dict[str, Any], benefit: int, risk: int) -> str:
    if system["is_baseline"]:
        return f"{system['system']} (baseline; n = {risk})"
    return f"{system['system']} (n = {benefit}; {risk})"


def _plane(rows: list[dict[str, Any]], baseline: str | None) -> Chart:
    base = chart_of(rows)
    benefit = f"Benefit: win rate against {baseline} on realistic prompts"
    risk = "Risk: violating outputs to high-risk prompts"
    # Fewer ticks than would fit by number: their labels need room beside each other.
    shares = alt.Axis(format="%", tickCount=8)
    x = alt.X("x:Q", title=benefit, axis=shares, scale=alt.Scale(zero=False, padding=24))
    y = alt.Y("y:Q", title=risk, axis=shares, scale=alt.Scale(zero=True))
    across = base.mark_rule(strokeWidth=3, color=BAND).encode(
        x=alt.X("x_low:Q", title=benefit), x2=alt.X2("x_high:Q"), y=y
    )
    up = base.mark_rule(strokeWidth=3, color=BAND).encode(
        x=x, y=alt.Y("y_low:Q", title=risk), y2=alt.Y2("y_high:Q")
    )
    # The upper bound is what risk is read by: a bar across the interval's end.
    bound = base.mark_tick(color=WARN, thickness=3, size=22, orient="horizontal").encode(
        x=x, y=alt.Y("y_high:Q")
    )
    point = base.mark_point(filled=True, size=110, color=MARK, opacity=1).encode(
        x=x, y=y,
        shape=alt.Shape("kind:N", legend=None,
                        scale=alt.Scale(domain=["system", "baseline"], range=["circle", "square"])),
    )  # fmt: skip
    texts = [
        chart_of(lane)
        .mark_text(align="left", dx=9, dy=-9 - _LINE * at, color=GROUND_INK, fontSize=12)
        .encode(x=x, y=y, text=alt.Text("label:N"))
        for at, lane in enumerate(_lanes(rows))
    ]
    layers = [across, up, bound, *_arrows(rows), point, *texts]
    return layered(*layers, width=_WIDTH, height=_SIZE)


def _lanes(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows by how many lines their label is raised, so that those of close points are read."""
    if not rows:
        return []
    left, right = min(r["x_low"] for r in rows), max(r["x_high"] for r in rows)
    across = _WIDTH / ((right - left) or 1)
    up = _SIZE / (max(r["y_high"] for r in rows) or 1)
    lanes: list[list[dict[str, Any]]] = []
    placed: list[tuple[float, float, float]] = []
    for row in sorted(rows, key=lambda r: (r["x"], r["system"])):
        start, width = row["x"] * across, _LETTER * len(row["label"])
        at = 0
        while any(
            start < end and begin < start + width and abs(row["y"] * up + _LINE * at - line) < _LINE
            for begin, end, line in placed
        ):
            at += 1
        placed.append((start, start + width, row["y"] * up + _LINE * at))
        lanes += [[] for _ in range(at + 1 - len(lanes))]
        lanes[at].append(row)
    return lanes


def _arrows(rows: list[dict[str, Any]]) -> list[Chart]:
    """From each version of a system to its next."""
    place = {}
    for row in rows:
        found = _VERSION.match(row["system"])
        name, number = (found[1], int(found[2])) if found else (row["system"], 1)
        place[name, number] = row
    ends = [
        {"step": f"{name} v{number}", "x": row["x"], "y": row["y"], "width": width}
        for (name, number), after in sorted(place.items())
        if (before := place.get((name, number - 1)))
        for row, width in ((before, 1), (after, 9))
    ]
    if not ends:
        return []
    # A trail that widens towards the newer version points without a head, whatever the scales.
    trail = chart_of(ends).mark_trail(color=MUTED, opacity=0.45)
    return [
        trail.encode(
            x=alt.X("x:Q"), y=alt.Y("y:Q"), detail="step:N",
            size=alt.Size("width:Q", legend=None, scale=alt.Scale(domain=[1, 9], range=[1, 9])),
            order="width:Q",
        )
    ]  # fmt: skip


def _refusals(rows: list[dict[str, Any]]) -> Chart:
    base = chart_of(rows).encode(y=alt.Y("label:N", sort=None, title=None))
    rule = base.mark_rule(strokeWidth=3, color=BAND).encode(
        x=alt.X("low:Q", title="False refusals: refused outputs to realistic prompts",
                axis=alt.Axis(format="%", tickCount=6), scale=alt.Scale(zero=True)),
        x2=alt.X2("high:Q"),
    )  # fmt: skip
    point = base.mark_point(filled=True, size=90, color=MARK, opacity=1).encode(x=alt.X("share:Q"))
    return layered(rule, point, width=_WIDTH, height={"step": 28})

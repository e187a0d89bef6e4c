"""Charts of stored results as SVG: one visual language, readable in grey, never without n.

Drawn in the job that makes an analysis and stored with it: the renderer costs 130 MB and a
second to start, which no web process should pay.
"""

from typing import Any, Final

import altair as alt
from altair.utils.schemapi import debug_mode

from jeoul.results.charts_language import (
    BAND,
    INK,
    MARK,
    OUTCOMES,
    OWN_INK,
    WIDTH,
    Chart,
    chart_of,
    half_line,
    intervals,
    layered,
    spec_of,
    stacked,
    to_csv,
    to_svg,
)
from jeoul.results.charts_risk import risk_chart

# Beyond these a picture is a wall; the tables hold every row.
MOST_PAIRS: Final = 40
MOST_SYSTEMS: Final = 12
MOST_PANELS: Final = 4


def draw_charts(results: dict[str, Any]) -> dict[str, str]:
    """Texts as NAME.svg and NAME.csv; a chart without data is left out."""
    # Altair checks every call against its schema, in ten times the time of drawing.
    with debug_mode(False):
        charts = {name: spec_of(chart) for name, chart in _charts(results).items()}
        drawn = {f"{name}.svg": to_svg(chart) for name, chart in charts.items()}
        return drawn | {f"{name}.csv": to_csv(chart) for name, chart in charts.items()}


def _charts(results: dict[str, Any]) -> dict[str, Chart]:
    overall = next((c for c in results["criteria"] if c["is_overall"]), None)
    charts: dict[str, Chart] = {}
    for criterion in results["criteria"]:
        if criterion["pairs"]:
            charts[f"pairs-{criterion['key']}"] = pairs_chart(criterion)
        if criterion["ranking"]:
            charts[f"ranking-{criterion['key']}"] = ranking_chart(criterion)
        if any(pair.get("grades") for pair in criterion["pairs"]):
            charts[f"grades-{criterion['key']}"] = grades_chart(criterion)
        style = (criterion.get("models") or {}).get("style", {})
        if style.get("ranking"):
            charts[f"style-{criterion['key']}"] = style_chart(style)
    if overall and len(overall["pairs"]) > 1 and len(overall["ranking"]) <= MOST_SYSTEMS:
        charts["matrix"] = matrix_chart(overall)
    if results["slices"]:
        charts["slices"] = slices_chart(results["slices"])
    hazards = results.get("hazards") or {"systems": []}
    if any(s["benefit"] or s["is_baseline"] for s in hazards["systems"]) and any(
        s["risk"] for s in hazards["systems"]
    ):
        charts["risk"] = risk_chart(hazards)
    return charts


def pair_name(pair: dict[str, Any]) -> str:
    return f"{pair['system_a']} against {pair['system_b']}"


def pairs_chart(criterion: dict[str, Any]) -> Chart:
    """Win, tie, both bad, loss of each pair as shares of its judgements (the Llama 2 figure)."""
    rows = []
    for pair in criterion["pairs"][:MOST_PAIRS]:
        counts = (pair["wins_a"], pair["ties"], pair["both_bad"], pair["wins_b"])
        for at, (outcome, count) in enumerate(zip(OUTCOMES, counts, strict=True)):
            share = count / pair["n"]
            rows.append(
                {
                    "pair": f"{pair_name(pair)} (n = {pair['n']})",
                    "outcome": outcome,
                    "order": at,
                    "share": share,
                    "middle": (sum(counts[:at]) + count / 2) / pair["n"],
                    "label": f"{share:.0%}" if share >= 0.06 else "",
                    "ink": "white" if at == 0 else INK,
                }
            )
    base = chart_of(rows).encode(
        y=alt.Y("pair:N", sort=None, title=None, axis=alt.Axis(labelLimit=420))
    )
    bars = base.mark_bar(height=22, stroke="white", strokeWidth=1).encode(
        x=alt.X("share:Q", stack=True, title="Share of judgements",
                axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("outcome:N", sort=None,
                        scale=alt.Scale(domain=list(OUTCOMES), range=list(OUTCOMES.values()))),
        order=alt.Order("order:Q"),
    )  # fmt: skip
    labels = base.mark_text(fontSize=11).encode(
        x=alt.X("middle:Q"), text=alt.Text("label:N"), color=alt.Color("ink:N", scale=None)
    )
    return layered(bars, half_line(), labels, resolve=OWN_INK, width=WIDTH, height={"step": 34})


def ranking_chart(criterion: dict[str, Any]) -> Chart:
    """Bradley-Terry scores with their 95 % intervals, best first."""
    rows = [
        {**system, "label": f"{system['rank']}. {system['system']}"}
        for system in criterion["ranking"]
    ]
    title = f"Bradley–Terry score with 95 % interval (n = {criterion['judgements']})"
    return intervals(rows, "score:Q", title, None)


def style_chart(style: dict[str, Any]) -> Chart:
    """Raw scores beside those adjusted for length and markdown, on the same judgements."""
    raw = {s["system"]: s for s in style["raw"]}
    rows = [
        {"system": s["system"], "kind": kind, **{k: row[k] for k in ("score", "low", "high")}}
        for s in style["ranking"]
        for kind, row in (("as judged", raw[s["system"]]), ("adjusted for style", s))
        if s["system"] in raw
    ]
    base = chart_of(rows).encode(
        y=alt.Y("system:N", sort=None, title=None), yOffset=alt.YOffset("kind:N", sort=None)
    )
    colours = alt.Color("kind:N", sort=None, scale=alt.Scale(range=[BAND, MARK]))
    title = f"Bradley–Terry score with 95 % interval (n = {style['n']})"
    rule = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(zero=False)),
        x2=alt.X2("high:Q"),
        color=colours,
    )
    point = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("score:Q"), color=colours,
        shape=alt.Shape("kind:N", sort=None, legend=None,
                        scale=alt.Scale(range=["diamond", "circle"])),
    )  # fmt: skip
    return layered(rule, point, width=WIDTH, height={"step": 18})


def grades_chart(criterion: dict[str, Any]) -> Chart:
    """How often each grade was given, positive for the first system of the pair."""
    rows = [
        {"pair": f"{pair_name(pair)} (n = {sum(pair['grades'].values())})", "grade": int(grade),
         "share": n / sum(pair["grades"].values())}
        for pair in criterion["pairs"][:MOST_PANELS]
        if pair.get("grades")
        for grade, n in pair["grades"].items()
    ]  # fmt: skip
    panels = [
        chart_of([r for r in rows if r["pair"] == name], title=name)
        .mark_bar(color=MARK, stroke="white")
        .encode(
            x=alt.X("grade:O", sort="descending", title="Grade, positive for the first",
                    axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", title="Share of judgements", axis=alt.Axis(format="%")),
        )
        .properties(width=WIDTH, height=120)
        for name in dict.fromkeys(r["pair"] for r in rows)
    ]  # fmt: skip
    return stacked(*panels, spacing=20)


def slices_chart(slices: list[dict[str, Any]]) -> Chart:
    """Win rates in every slice with n and interval, of the pairs with the most judgements."""
    rows = [
        {
            "label": f"{part['slice']}: {part['value']} (n = {pair['n']})",
            "pair": pair_name(pair),
            "rate": pair["win_rate_a"],
            "low": pair["low"],
            "high": pair["high"],
            "n": pair["n"],
        }
        for part in slices
        for pair in part["pairs"]
        if pair["win_rate_a"] is not None
    ]
    count: dict[str, int] = {}
    for row in rows:
        count[row["pair"]] = count.get(row["pair"], 0) + row["n"]
    chosen = sorted(count, key=lambda name: -count[name])[:MOST_PANELS]
    panels = [
        intervals([row for row in rows if row["pair"] == pair], "rate:Q",
                  f"Win rate of the first: {pair}", [0, 1], half_line())
        for pair in chosen
    ]  # fmt: skip
    return stacked(*panels, spacing=24)


def matrix_chart(criterion: dict[str, Any]) -> Chart:
    """How often the row's system is preferred to the column's."""
    rows = []
    for pair in criterion["pairs"]:
        if pair["win_rate_a"] is None:
            continue
        for one, other, rate, low, high in (
            (pair["system_a"], pair["system_b"], pair["win_rate_a"], pair["low"], pair["high"]),
            (pair["system_b"], pair["system_a"], 1 - pair["win_rate_a"], 1 - pair["high"],
             1 - pair["low"]),
        ):  # fmt: skip
            rows.append(
                {"row": one, "column": other, "rate": rate, "label": f"{rate:.0%}",
                 "n": f"{low:.0%}–{high:.0%}, n = {pair['n']}",
                 "ink": "white" if rate > 0.62 else INK}
            )  # fmt: skip
    order = [s["system"] for s in criterion["ranking"]]
    base = chart_of(rows).encode(
        x=alt.X("column:N", sort=order or None, title="against",
                axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("row:N", sort=order or None, title="is preferred"),
    )  # fmt: skip
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color("rate:Q", legend=None,
                        scale=alt.Scale(domain=[0, 1], range=["#f4efe6", "#9fb3c4", "#1f4e79"])),
    )  # fmt: skip
    ink = alt.Color("ink:N", scale=None)
    label = base.mark_text(fontSize=14, dy=-7).encode(text=alt.Text("label:N"), color=ink)
    number = base.mark_text(fontSize=10, dy=10).encode(text=alt.Text("n:N"), color=ink)
    return layered(cells, label, number, resolve=OWN_INK, width={"step": 128}, height={"step": 52})

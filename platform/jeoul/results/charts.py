"""Charts of stored results as SVG: one visual language, readable in grey, never without n.

Drawn in the job that makes an analysis and stored with it: the renderer costs 130 MB and a
second to start, which no web process should pay.
"""

from base64 import b64encode
from typing import Any, Final

import altair as alt
import vl_convert

_FONT: Final = "system-ui, 'Noto Sans CJK KR', sans-serif"
_WIDTH: Final = 520
# From dark to light, so that grey print keeps the order.
_OUTCOMES: Final = {
    "First wins": "#1f4e79",
    "Tie": "#9fb3c4",
    "Both bad": "#e3d9c6",
    "Second wins": "#d9822b",
}
_INK: Final = "#1f2428"

Chart = Any  # Altair's charts are dynamic: their classes are made from the schema at run time


def draw_charts(results: dict[str, Any]) -> dict[str, str]:
    """SVG texts as NAME.svg and base64 PNG as NAME.png; a chart without data is left out."""
    overall = next((c for c in results["criteria"] if c["is_overall"]), None)
    charts: dict[str, Chart] = {}
    for criterion in results["criteria"]:
        if criterion["pairs"]:
            charts[f"pairs-{criterion['key']}"] = pairs_chart(criterion)
        if criterion["ranking"]:
            charts[f"ranking-{criterion['key']}"] = ranking_chart(criterion)
    if overall and len(overall["pairs"]) > 1:
        charts["matrix"] = matrix_chart(overall)
    if results["slices"]:
        charts["slices"] = slices_chart(results["slices"])
    drawn = {f"{name}.svg": to_svg(chart) for name, chart in charts.items()}
    # For slides; drawn here as well, since web processes don't load the renderer.
    pictures = {
        name.replace(".svg", ".png"): b64encode(vl_convert.svg_to_png(svg, scale=2)).decode()
        for name, svg in drawn.items()
    }
    return drawn | pictures


def to_svg(chart: Chart) -> str:
    styled = (
        chart.configure(font=_FONT, background="white")
        .configure_axis(
            labelColor=_INK, titleColor=_INK, labelFontSize=12, titleFontSize=12,
            gridColor="#e4e7ea", domainColor="#9aa4ad", tickColor="#9aa4ad", labelLimit=420,
            titleFontWeight="normal",
        )
        .configure_legend(labelFontSize=12, titleFontSize=12, labelColor=_INK, orient="top",
                          title=None)
        .configure_view(stroke=None)
    )  # fmt: skip
    return str(vl_convert.vegalite_to_svg(styled.to_dict()))


def _pair_name(pair: dict[str, Any]) -> str:
    return f"{pair['system_a']} against {pair['system_b']}"


def pairs_chart(criterion: dict[str, Any]) -> Chart:
    """Win, tie, both bad, loss of each pair as shares of its judgements."""
    rows = []
    for pair in criterion["pairs"]:
        counts = (pair["wins_a"], pair["ties"], pair["both_bad"], pair["wins_b"])
        for at, (outcome, count) in enumerate(zip(_OUTCOMES, counts, strict=True)):
            share = count / pair["n"]
            rows.append(
                {
                    "pair": f"{_pair_name(pair)} (n = {pair['n']})",
                    "outcome": outcome,
                    "order": at,
                    "share": share,
                    "start": sum(counts[:at]) / pair["n"],
                    "middle": (sum(counts[:at]) + count / 2) / pair["n"],
                    "label": f"{share:.0%}" if share >= 0.06 else "",
                    "ink": "white" if at == 0 else _INK,
                }
            )
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("pair:N", sort=None, title=None, axis=alt.Axis(labelLimit=420))
    )
    bars = base.mark_bar(height=22).encode(
        x=alt.X("share:Q", stack=True, title="Share of judgements",
                axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("outcome:N", sort=None,
                        scale=alt.Scale(domain=list(_OUTCOMES), range=list(_OUTCOMES.values()))),
        order=alt.Order("order:Q"),
    )  # fmt: skip
    labels = base.mark_text(fontSize=11).encode(
        x="middle:Q",
        text="label:N",
        color=alt.Color("ink:N", scale=None),
    )
    layers = (bars + labels).resolve_scale(color="independent")
    return layers.properties(width=_WIDTH, height=alt.Step(34))


def ranking_chart(criterion: dict[str, Any]) -> Chart:
    """Bradley-Terry scores with their 95 % intervals, best first."""
    rows = [
        {**system, "label": f"{system['rank']}. {system['system']}"}
        for system in criterion["ranking"]
    ]
    title = f"Bradley–Terry score with 95 % interval (n = {criterion['judgements']})"
    return _intervals(rows, "score:Q", title, None)


def _intervals(rows: list[dict[str, Any]], field: str, title: str, domain: Any) -> Chart:
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=alt.Y("label:N", sort=None, title=None))
    scale = alt.Scale(domain=domain) if domain else alt.Scale(zero=False)
    axis = alt.Axis(format="%") if domain else alt.Axis()
    rule = base.mark_rule(strokeWidth=3, color="#9fb3c4").encode(
        x=alt.X("low:Q", title=title, scale=scale, axis=axis), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=90, color="#1f4e79", opacity=1).encode(x=field)
    return (rule + point).properties(width=_WIDTH, height=alt.Step(30))


def slices_chart(slices: list[dict[str, Any]]) -> Chart:
    """Win rates of every pair in every slice, each with its n and interval."""
    rows = [
        {
            "label": f"{part['slice']}: {part['value']} (n = {pair['n']})",
            "pair": _pair_name(pair),
            "rate": pair["win_rate_a"],
            "low": pair["low"],
            "high": pair["high"],
        }
        for part in slices
        for pair in part["pairs"]
    ]
    pairs = list(dict.fromkeys(row["pair"] for row in rows))
    half = (
        alt.Chart(alt.InlineData(values=[{"half": 0.5}]))
        .mark_rule(strokeDash=[4, 3], color="#565f67")
        .encode(x="half:Q")
    )
    panels = [
        (
            _intervals(
                [row for row in rows if row["pair"] == pair],
                "rate:Q",
                f"Win rate of the first: {pair}",
                [0, 1],
            )
            + half
        )
        for pair in pairs
    ]
    return alt.vconcat(*panels, spacing=24)


def matrix_chart(criterion: dict[str, Any]) -> Chart:
    """How often the row's system is preferred to the column's."""
    rows = []
    for pair in criterion["pairs"]:
        for one, other, rate in (
            (pair["system_a"], pair["system_b"], pair["win_rate_a"]),
            (pair["system_b"], pair["system_a"], 1 - pair["win_rate_a"]),
        ):
            rows.append(
                {"row": one, "column": other, "rate": rate, "label": f"{rate:.0%}",
                 "n": f"n = {pair['n']}", "ink": "white" if rate > 0.62 else _INK}
            )  # fmt: skip
    order = [s["system"] for s in criterion["ranking"]]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("column:N", sort=order or None, title="against",
                axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("row:N", sort=order or None, title="is preferred"),
    )  # fmt: skip
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color("rate:Q", legend=None,
                        scale=alt.Scale(domain=[0, 1], range=["#f4efe6", "#9fb3c4", "#1f4e79"])),
    )  # fmt: skip
    ink = alt.Color("ink:N", scale=None)
    label = base.mark_text(fontSize=14, dy=-7).encode(text="label:N", color=ink)
    number = base.mark_text(fontSize=10, dy=10).encode(text="n:N", color=ink)
    layers = (cells + label + number).resolve_scale(color="independent")
    return layers.properties(width=alt.Step(110), height=alt.Step(52))

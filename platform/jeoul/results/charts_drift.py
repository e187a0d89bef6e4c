"""A watch over time: shares with their intervals, round by round."""

from typing import Any, Final

import altair as alt

from jeoul.results.charts_language import MARK, MUTED, WARN, WIDTH, Chart, chart_of, layered

_COLOURS: Final = {
    "Changed since the first round": MARK,
    "Refused": WARN,
    "Length beside the first round": MUTED,
}


def drift_chart(rows: list[dict[str, Any]]) -> Chart:
    """Rounds in order, each with its n; every line has a shape of its own for grey print."""
    scale = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    shapes = alt.Scale(domain=list(_COLOURS), range=["circle", "diamond", "square"])
    # Side by side within a round, so that no interval hides another.
    base = chart_of(rows).encode(
        x=alt.X(
            "round:N", sort=None, title="Round", axis=alt.Axis(labelAngle=0, labelOverlap=True)
        ),
        xOffset=alt.XOffset("what:N", sort=list(_COLOURS)),
        color=alt.Color("what:N", scale=scale, sort=None),
    )
    rule = base.mark_rule(strokeWidth=3, opacity=0.45).encode(
        y=alt.Y("low:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(zero=True)),
        y2="high:Q",
    )
    line = base.mark_line(strokeWidth=1.5).encode(y="share:Q")
    point = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="share:Q", shape=alt.Shape("what:N", scale=shapes, sort=None)
    )
    return layered(rule, line, point, width=WIDTH, height=240)

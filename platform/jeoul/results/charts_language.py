"""One visual language for all charts: greys that keep their order, shapes beside colours."""

import csv
import io
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar, Final

import altair as alt
import vl_convert

from jeoul.results.exports.encoders import defused
from jeoul.results.pictures import FONT, MEASURED, named

WIDTH: Final = 520
INK: Final = "#1f2428"
# Of words beside a mark, on the page's own ground: they turn light in the dark, those on a bar not.
GROUND_INK: Final = "#20252a"
MUTED: Final = "#565f67"
MARK: Final = "#1f4e79"
BAND: Final = "#9fb3c4"
WARN: Final = "#d9822b"
# From dark to light, so that grey print keeps the order; the last is told by its place.
OUTCOMES: Final = {
    "First wins": "#1f4e79",
    "Tie": "#9fb3c4",
    "Both bad": "#e3d9c6",
    "Second wins": "#d9822b",
}
# Columns that say where a mark stands or what colour it has, and nothing of the result.
_DRAWING: Final = {"half", "ink", "middle", "order", "start", "end", "width", "step"}

Chart = Any  # Altair's charts are dynamic: their classes are made from the schema at run time


# Words on a bar have an ink of their own beside the bar's colour.
OWN_INK: Final = {"scale": {"color": "independent"}}

# Charts are written with their rows in them, once each.
alt.data_transformers.consolidate_datasets = False


class _Rows:
    """Altair copies a chart with all its rows at every step, half the time of drawing: these it
    passes on as they are."""

    _schema: ClassVar[dict[str, Any]] = {}

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def to_dict(self) -> list[dict[str, Any]]:
        return self.rows


def chart_of(rows: list[dict[str, Any]], **settings: Any) -> Chart:
    """A chart with its rows in it."""
    values: Any = _Rows(rows)
    return alt.Chart(alt.InlineData(values=values), **settings)


@cache
def _dress() -> dict[str, Any]:
    """How every chart is dressed: asked of Altair once, which copies a chart with each setting."""
    styled = (
        # The browser's font may be wider than the one that measured: labels need room to the left.
        alt.Chart(alt.InlineData(values=[])).mark_point().configure(
            font=MEASURED,
            background="white",
            padding={"left": 32, "top": 5, "right": 24, "bottom": 5},
        )
        .configure_axis(
            labelColor=INK, titleColor=INK, labelFontSize=12, titleFontSize=12,
            gridColor="#e4e7ea", domainColor="#9aa4ad", tickColor="#9aa4ad", labelLimit=420,
            titleFontWeight="normal", labelFlush=False,
        )
        .configure_axisY(titlePadding=18)
        .configure_title(fontSize=12, fontWeight="normal", anchor="start", color=INK)
        .configure_legend(labelFontSize=12, titleFontSize=12, labelColor=INK, orient="top",
                          # Room for the words of other languages.
                          title=None, labelLimit=300, columnPadding=28)
        .configure_view(stroke=None)
    )  # fmt: skip
    config: dict[str, Any] = styled.to_dict(validate=False)["config"]
    return config


def spec_of(chart: Chart) -> dict[str, Any]:
    """The chart in Vega-Lite's words: what is drawn and what its numbers are read from."""
    if isinstance(chart, dict):
        return chart
    spec: dict[str, Any] = chart.to_dict(validate=False, context={"top_level": False})
    return spec


def layered(*layers: Chart, **settings: Any) -> dict[str, Any]:
    """Charts over one another. Altair copies each of them several times to say that."""
    specs = [spec_of(layer) for layer in layers]
    shared = specs[0]["data"]["values"]
    if all(spec["data"]["values"] is shared for spec in specs):
        settings["data"] = specs[0]["data"]
        for spec in specs:
            del spec["data"]
    return {"layer": specs, **settings}


def stacked(*charts: Chart, spacing: int) -> dict[str, Any]:
    """Charts under one another."""
    return {"vconcat": [spec_of(chart) for chart in charts], "spacing": spacing}


def to_svg(spec: dict[str, Any]) -> str:
    drawn = str(vl_convert.vegalite_to_svg(spec | {"config": _dress()}))
    return drawn.replace(named(MEASURED), named(FONT))


def to_csv(spec: dict[str, Any]) -> str:
    """The rows that a chart is drawn from, without what only places or colours them."""
    found: list[dict[str, Any]] = []
    for rows in _rows_of(spec):
        plain = [{k: v for k, v in row.items() if k not in _DRAWING} for row in rows]
        found += [row for row in plain if row and row not in found]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in found for name in row)))
    writer.writeheader()
    writer.writerows({name: defused(value) for name, value in row.items()} for row in found)
    return out.getvalue()


def _rows_of(spec: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The data of all layers and panels."""
    if "values" in spec.get("data", {}):
        yield spec["data"]["values"]
    for part in (*spec.get("layer", ()), *spec.get("vconcat", ()), *spec.get("hconcat", ())):
        yield from _rows_of(part)


def half_line(at: float = 0.5) -> Chart:
    """The dashed line at which neither system is preferred."""
    return (
        chart_of([{"half": at}]).mark_rule(strokeDash=[4, 3], color=MUTED).encode(x=alt.X("half:Q"))
    )


def intervals(
    rows: list[dict[str, Any]], field: str, title: str, domain: Any, *more: Chart
) -> Chart:
    """One row per label: a point on its 95 % interval; ``more`` is drawn over it."""
    base = chart_of(rows).encode(y=alt.Y("label:N", sort=None, title=None))
    scale = alt.Scale(domain=domain) if domain else alt.Scale(zero=False)
    axis = alt.Axis(format="%") if domain else alt.Axis()
    rule = base.mark_rule(strokeWidth=3, color=BAND).encode(
        x=alt.X("low:Q", title=title, scale=scale, axis=axis), x2=alt.X2("high:Q")
    )
    point = base.mark_point(filled=True, size=90, color=MARK, opacity=1).encode(x=alt.X(field))
    return layered(rule, point, *more, width=WIDTH, height={"step": 30})

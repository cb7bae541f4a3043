"""The chart types that the notebooks use, with their captions."""

from collections.abc import Sequence
from html import escape
from typing import Any

import altair as alt
import marimo as mo
import polars as pl

BLUE, PALE_BLUE = "#3b6fb6", "#bfd3ea"
INK = "#1f2937"
GREEN, ORANGE, RED = "#3a9d78", "#d9822b", "#c8503c"
# A palette for colour-blind readers (Okabe and Ito).
SEVERAL = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#b8a800"]
WIDE, HALF = 760, 345  # width of the plot without labels, in pixels
ROW = 26  # height of a row of bars, in pixels
_THIN_ROW = 18  # height per bar in a row with several
_LABELS = 140  # width of the axis labels, in pixels
_PICKED = "picked"
PALE_IF_SMALL = alt.condition("datum.is_small", alt.value(0.35), alt.value(1))
_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def captioned(
    chart: Any, title: str, caption: str, *, width: int = WIDE, least_width: int = 0
) -> mo.Html:
    """The chart below its title and a caption; it is narrower where there is no room.

    Where there is less than `least_width`, in pixels, it scrolls.
    """
    return framed(_styled(chart, f"{title}. {caption}"), title, caption, width, least_width)


def clickable(chart: Any, title: str, *fields: str) -> mo.ui.altair_chart:
    """The chart as a widget: clicks on its marks select values of `fields`, see `selected`."""
    picked = alt.selection_point(name=_PICKED, fields=list(fields), toggle=False)
    with_clicks = _styled(chart.add_params(picked), title)
    return mo.ui.altair_chart(with_clicks, chart_selection=False, legend_selection=False)


def selected(chart: mo.ui.altair_chart) -> dict[str, Any]:
    """The values of the mark that was clicked, by field; empty if none is selected."""
    found = chart.selections.get(_PICKED) or {}
    return {name: values[0] for name, values in found.items() if name != "vlPoint" and values}


def framed(
    drawn: Any, title: str, caption: str, width: int = WIDE, least_width: int = 0
) -> mo.Html:
    """A drawn chart or widget below its title and a caption."""
    heading = mo.md(f"**{title}**<br><small>{escape(caption, quote=False)}</small>")
    style = {"width": "100%", "max-width": f"{width + _LABELS}px"}
    if least_width:
        inner = mo.vstack([drawn], align="stretch").style({"min-width": f"{least_width}px"})
        drawn = mo.vstack([inner], align="stretch").style({"overflow-x": "auto"})
    return mo.vstack([heading, drawn], align="stretch", gap=0.2).style(style)


def _styled(chart: Any, description: str) -> Any:
    return (
        chart.properties(description=description, width="container")
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=12, titleFontSize=12, titleFontWeight="normal", labelLimit=200
        )
        .configure_legend(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
    )


def in_one_unit(frame: pl.DataFrame, *columns: str) -> tuple[pl.DataFrame, str]:
    """Columns of seconds converted to a unit that suits the largest value, and that unit's name."""
    size, unit = unit_of(frame.select(pl.max_horizontal(pl.col(columns).max())).item())
    return frame.with_columns(pl.col(name) / size for name in columns), unit


def coloured(field: str, order: Sequence[str], colours: Sequence[str] = SEVERAL) -> alt.Color:
    """A colour for each value, in this order, with a legend above the chart."""
    longest = max(map(len, order), default=1)
    shown = [colours[place % len(colours)] for place in range(len(order))]
    return alt.Color(
        f"{field}:N",
        title=None,
        sort=list(order),
        scale=alt.Scale(domain=list(order), range=shown),
        legend=alt.Legend(
            orient="top",
            direction="horizontal",
            columns=max(1, HALF // (25 + 7 * longest)),
            labelLimit=300,
            symbolOpacity=1,
        ),
    )


def bars(
    frame: pl.DataFrame,
    *,
    x: str,
    y: str,
    order: Sequence[str],
    title: str,
    colour: alt.Color | None = None,
    beside: alt.YOffset | None = None,
    stacked: alt.Order | None = None,
    text: str | None = None,
    up_to_one: bool = True,
    interval: tuple[str, str] | None = None,
) -> Any:
    """Horizontal bars, one row for each of `order`; shares (`share_...`) on an axis `up_to_one`.

    Bars of one row are `stacked` or `beside` each other. `text` is a column to write at the end of
    a bar; single shares show their value. `interval` are the columns of an interval, drawn as a
    line; bars that rest on few processes (`is_small`) are pale.
    """
    share = is_share(x)
    more = {"yOffset": beside, "order": stacked}
    n_beside = frame[beside["shorthand"].split(":")[0]].n_unique() if beside else 1
    row = max(ROW, _THIN_ROW * n_beside)
    drawn = (
        alt.Chart(frame, height=row * max(2, len(order)))
        .mark_bar(height={"band": 0.9 if beside else 0.72})
        .encode(
            x=alt.X(
                f"{x}:Q",
                title=title,
                axis=alt.Axis(
                    format=(".0%" if up_to_one else ".2~%") if share else ",~f", tickCount=5
                ),
                scale=alt.Scale(domain=[0, 1], nice=False)
                if share and up_to_one
                else alt.Undefined,
            ),
            y=alt.Y(
                f"{y}:N",
                title=None,
                scale=alt.Scale(domain=list(order)),
                axis=alt.Axis(ticks=False),
            ),
            color=colour or alt.value(BLUE),
            tooltip=[tooltip(frame, name) for name in frame.columns],
            **{channel: value for channel, value in more.items() if value is not None},
        )
    )
    if "is_small" in frame.columns:
        drawn = drawn.encode(opacity=PALE_IF_SMALL)
    layers = [drawn]
    if interval:
        low, high = (f"{name}:Q" for name in interval)
        limits = {"x": alt.X(low), "x2": high, "color": alt.value(INK)}
        if beside:
            limits["yOffset"] = beside.copy().bandPosition(0.5)
        layers.append(drawn.mark_rule(strokeWidth=1.5).encode(**limits))
    if text or (share and not beside):
        shown = alt.Text(f"{x}:Q", format=".1%" if up_to_one else ".2~%")
        written = drawn.mark_text(align="left", dx=4).encode(
            text=alt.Text(f"{text}:N") if text else shown, color=alt.value(INK)
        )
        layers.append(written.encode(x=alt.X(f"{interval[1]}:Q")) if interval else written)
    return alt.layer(*layers) if len(layers) > 1 else drawn


def labels(frame: pl.DataFrame, *, x: str, y: str, text: str) -> Any:
    """Texts at the ends of horizontal bars, to put over them."""
    return (
        alt.Chart(frame)
        .mark_text(align="left", dx=4, color=INK)
        .encode(x=f"{x}:Q", y=f"{y}:N", text=f"{text}:N")
    )


def offset(field: str, order: Sequence[str]) -> alt.YOffset:
    """The order of bars beside each other."""
    return alt.YOffset(f"{field}:N", sort=list(order))


def stacking(field: str, *, descending: bool = False) -> alt.Order:
    """The order of stacked bars, by the values of a column."""
    kind = "N" if descending else "Q"
    return alt.Order(f"{field}:{kind}", sort="descending" if descending else "ascending")


def dots(frame: pl.DataFrame, *, x: str, y: str, x_title: str, y_title: str) -> Any:
    """A dot for each row; `x` are counts above 0, on a logarithmic axis."""
    return (
        alt.Chart(frame, height=260)
        .mark_circle(size=80, opacity=0.6, color=BLUE)
        .encode(
            x=alt.X(
                f"{x}:Q",
                title=x_title,
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format=",", tickCount=8),
            ),
            y=alt.Y(f"{y}:Q", title=y_title),
            tooltip=[tooltip(frame, name) for name in frame.columns],
        )
    )


def histogram(frame: pl.DataFrame, *, title: str, marks: dict[str, float] | None = None) -> Any:
    """Bars from `published.bins`, without the last bin, which has no end.

    `marks` are labels with durations in seconds at which to draw a line.
    """
    closed = frame.drop_nulls("to_seconds")
    size, unit = unit_of(closed["to_seconds"].max())
    shown = closed.with_columns(pl.col("from_seconds", "to_seconds") / size)
    drawn = (
        alt.Chart(shown, height=220)
        .mark_bar(color=BLUE, binSpacing=1)
        .encode(
            x=alt.X("from_seconds:Q", bin="binned", title=unit),
            x2="to_seconds:Q",
            y=alt.Y("n:Q", title=title),
            tooltip=[
                alt.Tooltip("from_seconds:Q", title=f"from ({unit})", format=",.1f"),
                alt.Tooltip("to_seconds:Q", title=f"to ({unit})", format=",.1f"),
                alt.Tooltip("n:Q", title=title, format=","),
            ],
        )
    )
    if not marks:
        return drawn
    at = pl.DataFrame({"name": [*marks], "at": [seconds / size for seconds in marks.values()]})
    rules = alt.Chart(at).encode(x="at:Q")
    return (
        drawn
        + rules.mark_rule(color=ORANGE, strokeWidth=2)
        + rules.mark_text(align="left", dx=5, y=8, fontSize=12).encode(text="name:N")
    )


def unit_of(largest: Any) -> tuple[int, str]:
    return next((size, unit) for unit, size in _UNITS if size == 1 or (largest or 0) >= 2 * size)


def tooltip(frame: pl.DataFrame, name: str) -> alt.Tooltip:
    """A value for readers: shares in per cent, other numbers rounded."""
    kind = frame[name].dtype
    if not kind.is_numeric():
        return alt.Tooltip(f"{name}:N")
    return alt.Tooltip(f"{name}:Q", format=".1%" if is_share(name) else ",.2~f")


def is_share(name: str) -> bool:
    return name.startswith("share_") or name in ("cumulative_incidence", "lower_95", "upper_95")

"""The chart types that the notebooks use, with their captions."""

from collections.abc import Sequence
from html import escape
from typing import Any

import altair as alt
import marimo as mo
import polars as pl

BLUE, PALE_BLUE = "#3b6fb6", "#bfd3ea"
GREEN, ORANGE, RED = "#3a9d78", "#d9822b", "#c8503c"
# A palette for colour-blind readers (Okabe and Ito).
SEVERAL = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#b8a800"]
WIDE, HALF = 760, 345  # width of the plot without labels, in pixels
_ROW = 26  # height of a row of bars, in pixels
_THIN_ROW = 18  # height per bar in a row with several
_LABELS = 140  # width of the axis labels, in pixels
_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
_DARK_CELL = "datum.share > 0.6"


def captioned(chart: Any, title: str, caption: str, *, width: int = WIDE) -> mo.Html:
    """The chart below its title and a caption; it is narrower where there is no room."""
    if not isinstance(chart, alt.HConcatChart):
        chart = chart.properties(width="container")
    drawn = (
        chart.properties(description=f"{title}. {caption}")
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=12, titleFontSize=12, titleFontWeight="normal", labelLimit=200
        )
        .configure_legend(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
    )
    heading = mo.md(f"**{title}**<br><small>{escape(caption, quote=False)}</small>")
    style = {"width": "100%", "max-width": f"{width + _LABELS}px"}
    return mo.vstack([heading, drawn], align="stretch", gap=0.2).style(style)


def in_one_unit(frame: pl.DataFrame, *columns: str) -> tuple[pl.DataFrame, str]:
    """Columns of seconds converted to a unit that suits the largest value, and that unit's name."""
    size, unit = _unit_of(frame.select(pl.max_horizontal(pl.col(columns).max())).item())
    return frame.with_columns(pl.col(name) / size for name in columns), unit


def coloured(field: str, order: Sequence[str], colours: Sequence[str] = SEVERAL) -> alt.Color:
    """A colour for each value, in this order, with a legend above the chart."""
    shown = [colours[place % len(colours)] for place in range(len(order))]
    return alt.Color(
        f"{field}:N",
        title=None,
        sort=list(order),
        scale=alt.Scale(domain=list(order), range=shown),
        legend=alt.Legend(
            orient="top", direction="horizontal", columns=8, labelLimit=300, symbolOpacity=1
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
    labels: bool = True,
    width: int = WIDE,
    beside: alt.YOffset | None = None,
    stacked: alt.Order | None = None,
    text: str | None = None,
    up_to_one: bool = True,
) -> Any:
    """Horizontal bars, one row for each of `order`; shares (`share_...`) on an axis `up_to_one`.

    Bars of one row are `stacked` or `beside` each other. `text` is a column to write at the end of
    a bar; single shares show their value. With `labels` False the rows are those of the chart to
    the left.
    """
    share = _is_share(x)
    more = {"yOffset": beside, "order": stacked}
    n_beside = frame[beside["shorthand"].split(":")[0]].n_unique() if beside else 1
    row = max(_ROW, _THIN_ROW * n_beside)
    drawn = (
        alt.Chart(frame, width=width, height=row * max(2, len(order)))
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
                axis=alt.Axis(ticks=False) if labels else None,
            ),
            color=colour or alt.value(BLUE),
            tooltip=[_tooltip(frame, name) for name in frame.columns],
            **{channel: value for channel, value in more.items() if value is not None},
        )
    )
    if text is None and (beside or not share):
        return drawn
    written = (
        alt.Text(f"{text}:N") if text else alt.Text(f"{x}:Q", format=".1%" if up_to_one else ".2~%")
    )
    return drawn + drawn.mark_text(align="left", dx=4).encode(
        text=written, color=alt.value("#1f2937")
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
            tooltip=[_tooltip(frame, name) for name in frame.columns],
        )
    )


def spans(frame: pl.DataFrame, *, y: str, order: Sequence[str], low: str, high: str) -> Any:
    """A line from the median (`low`) to the 90th percentile (`high`) in a row for each of `order`.

    Both columns are in seconds.
    """
    shown, unit = in_one_unit(frame, low, high)
    base = alt.Chart(shown, height=_ROW * max(2, len(order))).encode(
        y=alt.Y(f"{y}:N", title=None, scale=alt.Scale(domain=list(order))),
        tooltip=[
            alt.Tooltip(y),
            alt.Tooltip(f"{low}:Q", title=f"median ({unit})", format=",.2f"),
            alt.Tooltip(f"{high}:Q", title=f"90th percentile ({unit})", format=",.2f"),
        ],
    )
    x = alt.X(f"{low}:Q", title=unit)
    line = base.mark_rule(strokeWidth=5, color=PALE_BLUE).encode(x=x, x2=f"{high}:Q")
    median = base.mark_circle(size=120, color=BLUE, opacity=1).encode(x=x)
    p90 = base.mark_tick(thickness=4, size=16, color=BLUE).encode(x=alt.X(f"{high}:Q"))
    return line + median + p90


def histogram(frame: pl.DataFrame, *, title: str, marks: dict[str, float] | None = None) -> Any:
    """Bars from `published.bins`, without the last bin, which has no end.

    `marks` are labels with durations in seconds at which to draw a line.
    """
    closed = frame.drop_nulls("to_seconds")
    size, unit = _unit_of(closed["to_seconds"].max())
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


def triangle(frame: pl.DataFrame, *, x: str, order: Sequence[str], title: str, colour: str) -> Any:
    """A table of shares (`share`, written as `text`) by `month` and `x`, coloured by share.

    Those that rest on few processes (`is_small`) are pale.
    """
    months = frame["month"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame, height=_ROW * max(2, len(months))).encode(
        x=alt.X(
            f"{x}:N",
            title=title,
            scale=alt.Scale(domain=list(order)),
            axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False),
        ),
        y=alt.Y(
            "month:N",
            title=None,
            scale=alt.Scale(domain=months),
            axis=alt.Axis(ticks=False, domain=False),
        ),
        opacity=alt.condition("datum.is_small", alt.value(0.35), alt.value(1)),
        tooltip=["month", alt.Tooltip(x), alt.Tooltip("share:Q", format=".1%")],
    )
    scale = alt.Scale(range=["#f3f6fa", colour], domain=[0, 1], interpolate="rgb")
    cells = base.mark_rect(stroke="white").encode(
        color=alt.Color("share:Q", scale=scale, legend=None)
    )
    texts = base.mark_text(fontSize=12).encode(
        text="text:N", color=alt.condition(_DARK_CELL, alt.value("white"), alt.value("#1f2937"))
    )
    return cells + texts


def lines(
    frame: pl.DataFrame,
    *,
    x: str,
    y: str,
    colour: alt.Color,
    x_title: str,
    y_title: str,
    band: tuple[str, str] | None = None,
) -> Any:
    """Lines over days (numbers) or months (text like `2026-03`).

    Shares (0..1) are shown in per cent; `band` are the columns of a confidence interval.
    """
    by_month = frame[x].dtype == pl.String
    axis = alt.Axis(labelAngle=0, labelOverlap=True) if by_month else alt.Axis(tickCount=10)
    y_axis = alt.Axis(format=".0%" if _is_share(y) else ",~f", tickCount=6)
    base = alt.Chart(frame, height=260).encode(
        x=alt.X(f"{x}:N" if by_month else f"{x}:Q", title=x_title, axis=axis), color=colour
    )
    drawn = base.mark_line(point=by_month, strokeWidth=2.2).encode(
        y=alt.Y(f"{y}:Q", title=y_title, axis=y_axis),
        tooltip=[_tooltip(frame, name) for name in frame.columns],
    )
    if band is None:
        return drawn
    low, high = band
    return base.mark_area(opacity=0.16).encode(y=alt.Y(f"{low}:Q"), y2=f"{high}:Q") + drawn


def _unit_of(largest: Any) -> tuple[int, str]:
    return next((size, unit) for unit, size in _UNITS if size == 1 or (largest or 0) >= 2 * size)


def _tooltip(frame: pl.DataFrame, name: str) -> alt.Tooltip:
    """A value for readers: shares in per cent, other numbers rounded."""
    kind = frame[name].dtype
    if not kind.is_numeric():
        return alt.Tooltip(f"{name}:N")
    return alt.Tooltip(f"{name}:Q", format=".1%" if _is_share(name) else ",.2~f")


def _is_share(name: str) -> bool:
    return name.startswith("share_") or name in ("cumulative_incidence", "lower_95", "upper_95")

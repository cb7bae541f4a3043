"""The chart types over time, months and ages."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from notebooks.parts.charts import (
    BLUE,
    INK,
    ORANGE,
    PALE_IF_SMALL,
    RED,
    ROW,
    coloured,
    is_share,
    tooltip,
)

_AGE_ROW = 44  # height of a row of dots, in pixels
_BAND_COLOURS = ["#dcebe4", "#eef0cf", "#f8e3c0", "#f3cdc4"]
_DARK_CELL = "datum.share > 0.6"


def triangle(frame: pl.DataFrame, *, x: str, order: Sequence[str], title: str, colour: str) -> Any:
    """A table of shares (`share`, written as `text`) by `month` and `x`, coloured by share.

    Those that rest on few processes (`is_small`) are pale.
    """
    months = frame["month"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame, height=ROW * max(2, len(months))).encode(
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
        opacity=PALE_IF_SMALL,
        tooltip=["month", alt.Tooltip(x), alt.Tooltip("share:Q", format=".1%")],
    )
    scale = alt.Scale(range=["#f3f6fa", colour], domain=[0, 1], interpolate="rgb")
    cells = base.mark_rect(stroke="white").encode(
        color=alt.Color("share:Q", scale=scale, legend=None)
    )
    texts = base.mark_text(fontSize=12).encode(
        text="text:N", color=alt.condition(_DARK_CELL, alt.value("white"), alt.value(INK))
    )
    return cells + texts


def least_width(columns: pl.Series) -> int:
    """The pixels that the columns of a triangle need, with room for months."""
    longest = columns.str.len_chars().max()
    return 140 + columns.n_unique() * max(55, 8 * (longest if isinstance(longest, int) else 0))


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
    """Lines over days (numbers), dates, or months (text like `2026-03`).

    Shares (0..1) are shown in per cent; `band` are the columns of a confidence interval.
    """
    by_month = frame[x].dtype == pl.String
    axis = alt.Axis(labelAngle=0, labelOverlap=True) if by_month else alt.Axis(tickCount=10)
    y_axis = alt.Axis(format=".0%" if is_share(y) else ",~f", tickCount=6)
    base = alt.Chart(frame, height=260).encode(
        x=alt.X(f"{x}:{_kind_of(frame, x)}", title=x_title, axis=axis), color=colour
    )
    drawn = base.mark_line(point=by_month, strokeWidth=2.2).encode(
        y=alt.Y(f"{y}:Q", title=y_title, axis=y_axis),
        tooltip=[tooltip(frame, name) for name in frame.columns],
    )
    if band is None:
        return drawn
    low, high = band
    return base.mark_area(opacity=0.16).encode(y=alt.Y(f"{low}:Q"), y2=f"{high}:Q") + drawn


def areas(
    frame: pl.DataFrame, *, x: str, y: str, field: str, order: Sequence[str], y_title: str
) -> Any:
    """Counts by date, stacked by the values of a field; the first of `order` is on top."""
    places = {value: place for place, value in enumerate(order)}
    shown = frame.with_columns(pl.col(field).replace_strict(places).alias("place"))
    return (
        alt.Chart(shown, height=300)
        .mark_area(opacity=0.85)
        .encode(
            x=alt.X(f"{x}:T", title=None, axis=alt.Axis(tickCount=8, labelOverlap=True)),
            y=alt.Y(f"{y}:Q", title=y_title, stack="zero", axis=alt.Axis(format=",~f")),
            color=coloured(field, order),
            order=alt.Order("place:Q", sort="descending"),
            tooltip=[tooltip(frame, name) for name in (x, field, y)],
        )
    )


def scatter(
    frame: pl.DataFrame, *, x: str, y: str, x_title: str, y_title: str, marks: dict[str, float]
) -> Any:
    """A dot for each row over time, with a line across at each of `marks`."""
    dots = (
        alt.Chart(frame, height=300)
        .mark_circle(size=30, opacity=0.45, color=BLUE)
        .encode(
            x=alt.X(f"{x}:T", title=x_title, axis=alt.Axis(tickCount=8, labelOverlap=True)),
            y=alt.Y(f"{y}:Q", title=y_title),
            tooltip=[tooltip(frame, name) for name in frame.columns],
        )
    )
    at = pl.DataFrame({"name": [*marks], "at": [*marks.values()]})
    rules = alt.Chart(at).encode(y="at:Q")
    text = {"align": "left", "baseline": "bottom", "fontSize": 12, "color": INK}
    return (
        dots
        + rules.mark_rule(color=ORANGE, strokeWidth=1.5)
        + rules.mark_text(**text, dx=4, dy=-2).encode(x=alt.value(0), text="name:N")
    )


def ageing(
    frame: pl.DataFrame,
    bands: pl.DataFrame,
    *,
    x: str,
    order: Sequence[str],
    percentiles: Sequence[str],
    title: str,
) -> Any:
    """A dot for each row in the row of its `state`, red if `is_stalled`.

    Behind them are `bands` (`state`, `percentile`, `from`, `to`, `is_small`) in the same unit. The
    axis is that of square roots: it has room for short times.
    """
    scale = alt.Scale(type="sqrt", zero=True)
    rows = alt.Y("state:N", title=None, scale=alt.Scale(domain=list(order), paddingInner=0.15))
    behind = (
        alt.Chart(bands, height=_AGE_ROW * max(2, len(order)))
        .mark_bar(height={"band": 1})
        .encode(
            x=alt.X("from:Q", title=title, scale=scale),
            x2="to:Q",
            y=rows,
            color=coloured("percentile", percentiles, _BAND_COLOURS),
            opacity=PALE_IF_SMALL,
            tooltip=[tooltip(bands, name) for name in ("state", "percentile", "to")],
        )
    )
    spread = frame.with_columns(((pl.int_range(pl.len()) * 5) % 9).alias("place"))
    dots = (
        alt.Chart(spread)
        .mark_circle(size=36, opacity=0.8)
        .encode(
            x=alt.X(f"{x}:Q", scale=scale),
            y=rows,
            yOffset=alt.YOffset("place:Q", scale=alt.Scale(domain=[-2, 10])),
            color=alt.condition("datum.is_stalled", alt.value(RED), alt.value(INK)),
            tooltip=[tooltip(frame, name) for name in frame.columns],
        )
    )
    return (behind + dots).resolve_scale(yOffset="independent")


def _kind_of(frame: pl.DataFrame, name: str) -> str:
    """The type of an axis: text, date or number."""
    return {pl.String: "N", pl.Date: "T"}.get(type(frame[name].dtype), "Q")

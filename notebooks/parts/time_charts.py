"""The chart types over time, months and ages."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from notebooks.parts.charts import INK, PALE_IF_SMALL, ROW, is_share, tooltip

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
    y_axis = alt.Axis(format=".0%" if is_share(y) else ",~f", tickCount=6)
    base = alt.Chart(frame, height=260).encode(
        x=alt.X(f"{x}:N" if by_month else f"{x}:Q", title=x_title, axis=axis), color=colour
    )
    drawn = base.mark_line(point=by_month, strokeWidth=2.2).encode(
        y=alt.Y(f"{y}:Q", title=y_title, axis=y_axis),
        tooltip=[tooltip(frame, name) for name in frame.columns],
    )
    if band is None:
        return drawn
    low, high = band
    return base.mark_area(opacity=0.16).encode(y=alt.Y(f"{low}:Q"), y2=f"{high}:Q") + drawn

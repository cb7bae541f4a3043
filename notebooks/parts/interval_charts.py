"""The chart types of estimates with intervals, and of spans from one percentile to another."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from notebooks.parts.charts import (
    BLUE,
    ORANGE,
    PALE_BLUE,
    PALE_IF_SMALL,
    ROW,
    in_one_unit,
    is_share,
    tooltip,
)


def estimates(
    frame: pl.DataFrame, *, x: str, y: str, order: Sequence[str], title: str, none_at: float
) -> Any:
    """A dot with its interval (`<x>_low`, `<x>_high`) in a row for each of `order`.

    A line marks where there is no effect: at 0, or at 1 on a logarithmic axis. Dots that rest on
    few processes (`is_small`) are pale.
    """
    scale = alt.Scale(type="log", clamp=True, domain=_ratios(frame, x)) if none_at else alt.Scale()
    axis = alt.Axis(format=".0%" if is_share(x) else "~g", tickCount=6)
    base = alt.Chart(frame, height=ROW * max(2, len(order))).encode(
        y=alt.Y(f"{y}:N", title=None, scale=alt.Scale(domain=list(order))),
        opacity=PALE_IF_SMALL,
        tooltip=[tooltip(frame, name) for name in frame.columns],
    )
    interval = base.mark_rule(strokeWidth=3, color=PALE_BLUE).encode(
        x=alt.X(f"{x}_low:Q", title=title, scale=scale, axis=axis), x2=f"{x}_high:Q"
    )
    dot = base.mark_circle(size=110, color=BLUE).encode(x=alt.X(f"{x}:Q", scale=scale))
    none = alt.Chart(pl.DataFrame({"none": [float(none_at)]})).mark_rule(color=ORANGE)
    return none.encode(x=alt.X("none:Q", scale=scale)) + interval + dot


def spans(frame: pl.DataFrame, *, y: str, order: Sequence[str], low: str, high: str) -> Any:
    """A line from the median (`low`) to the 90th percentile (`high`) in a row for each of `order`.

    Both columns are in seconds. Those that rest on few (`is_small`) are pale.
    """
    shown, unit = in_one_unit(frame, low, high)
    base = alt.Chart(shown, height=ROW * max(2, len(order))).encode(
        y=alt.Y(f"{y}:N", title=None, scale=alt.Scale(domain=list(order))),
        tooltip=[
            alt.Tooltip(y),
            alt.Tooltip(f"{low}:Q", title=f"median ({unit})", format=",.2f"),
            alt.Tooltip(f"{high}:Q", title=f"90th percentile ({unit})", format=",.2f"),
        ],
    )
    if "is_small" in frame.columns:
        base = base.encode(opacity=PALE_IF_SMALL)
    x = alt.X(f"{low}:Q", title=unit)
    line = base.mark_rule(strokeWidth=5, color=PALE_BLUE).encode(x=x, x2=f"{high}:Q")
    median = base.mark_circle(size=120, color=BLUE).encode(x=x)
    p90 = base.mark_tick(thickness=4, size=16, color=BLUE).encode(x=alt.X(f"{high}:Q"))
    return line + median + p90


def _ratios(frame: pl.DataFrame, x: str) -> list[float]:
    """The range of ratios to show: the intervals that rest on enough, from 1/20 to 20 at most."""
    limits = frame.filter(~pl.col("is_small")).select(pl.col(f"{x}_low", f"{x}_high").cast(float))
    low, high = limits.select(pl.col(f"{x}_low").min(), pl.col(f"{x}_high").max()).row(0)
    return [min(0.5, max(low or 1, 0.05)), max(2, min(high or 1, 20))]

"""The charts of `resolution_times.py`: each takes rows of tables and says what is left out.

Where the rows come from is in `durations.py`; the forms are those of `charts.py`.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from notebooks.parts import charts
from notebooks.parts.durations import CLOCKS, PERCENTILES
from notebooks.parts.published import counted, in_words

_PERCENTILE_COLOURS = ["#9fbfe3", "#6f9fd3", "#3b6fb6", "#1d3f72"]
_CLOCK_COLOURS = [charts.PALE_BLUE, charts.BLUE]
_AGES = ["#d9e6f4", "#b5cde8", "#8bb0d9", "#5f90c8", "#3b6fb6", "#e0a045", "#c8503c"]


def spread_chart(bins: pl.DataFrame, totals: dict[str, Any], *, words: str, n_open: int) -> Any:
    """How the durations are spread, with the median and the 90th percentile as lines."""
    beyond = bins.filter(pl.col("to_seconds").is_null())["n"].sum()
    return charts.captioned(
        charts.histogram(
            bins,
            title="processes",
            marks={"half": totals["p50_seconds"], "90 %": totals["p90_seconds"]},
        ),
        f"Time {words}",
        f"{counted(totals['n'], 'process', several='processes')} got there. "
        + _left_out(n_open)
        + (f"{beyond:,} took longer than is drawn. " if beyond else "All are drawn. ")
        + f"Mean: {in_words(totals['mean_seconds'])}.",
    )


def months_chart(rows: pl.DataFrame, *, words: str, n_open: int, until: str) -> Any:
    """Percentiles by the month in which what is measured came about."""
    shown, unit = charts.in_one_unit(rows, "seconds")
    return charts.captioned(
        charts.lines(
            shown,
            x="month",
            y="seconds",
            colour=charts.coloured("within", [*PERCENTILES.values()], _PERCENTILE_COLOURS),
            x_title="month of the ending event",
            y_title=unit,
        ),
        f"Time {words}, by month",
        "Of what ended in the month, the share named took no longer. "
        f"{_left_out(n_open)}The latest month is counted up to {until}.",
    )


def clocks_chart(rows: pl.DataFrame, *, calendars: Sequence[str]) -> Any:
    """Medians in calendar and in working time."""
    shown, unit = charts.in_one_unit(rows, "p50_seconds", "p90_seconds")
    clocks = [*CLOCKS]
    return charts.captioned(
        charts.bars(
            shown.select(
                "measure",
                "clock",
                rows["p50_seconds"].map_elements(in_words, pl.String).alias("in words"),
                pl.col("p50_seconds").alias("half within"),
                pl.col("p90_seconds").alias("90 % within"),
            ),
            x="half within",
            y="measure",
            order=rows["measure"].unique(maintain_order=True).to_list(),
            title=f"{unit}, half took no longer",
            colour=charts.coloured("clock", clocks, _CLOCK_COLOURS),
            beside=charts.offset("clock", clocks),
            text="in words",
        ),
        "Calendar time and working time",
        f"Working time by calendar: {', '.join(calendars) or 'none'} (in `always` they are equal). "
        "Ended ones only.",
    )


def states_chart(states: pl.DataFrame) -> Any:
    """How long stays in each state lasted, and where open time goes."""
    order = states["state"].to_list()
    left = charts.spans(states, y="state", order=order, low="p50_seconds", high="p90_seconds")
    right = charts.bars(
        states.select("state", "state_kind", "share_of_open_time"),
        x="share_of_open_time",
        y="state",
        order=order,
        title="of all the time that processes were open",
        labels=False,
        width=charts.HALF,
    )
    return charts.captioned(
        left.properties(width=charts.HALF) | right,
        "By state",
        "Left: dot, half of the stays were over within; tick, 90 % were. "
        f"{counted(states['n_current'].sum(), 'stay')} that go on are not in it. Right: they are, "
        "up to now.",
    )


def assignees_chart(people: pl.DataFrame) -> Any:
    """Assignees by how many they completed and how long those took."""
    shown, unit = charts.in_one_unit(
        people.filter(pl.col("completed") > 0), "p50_resolution_seconds", "p90_resolution_seconds"
    )
    return charts.captioned(
        charts.dots(
            shown.select("assignee", "completed", "p50_resolution_seconds"),
            x="completed",
            y="p50_resolution_seconds",
            x_title="completed",
            y_title=f"half took no longer ({unit})",
        ),
        "By assignee",
        "A dot is an assignee; those without a completed process "
        f"({len(people) - len(shown):,}) are in the table only. Who holds it at the completion "
        "counts, whoever held it before: few processes, or hard ones, tell little about a person.",
    )


def ageing_chart(rows: pl.DataFrame, *, ages: Sequence[str]) -> Any:
    """Open processes by state and by how long they have been in it."""
    return charts.captioned(
        charts.bars(
            rows.with_columns(pl.col("bucket").replace_strict(ages, range(len(ages))).alias("age")),
            x="open_processes",
            y="state",
            order=rows["state"].unique(maintain_order=True).to_list(),
            title="open processes",
            colour=charts.coloured("bucket", ages, _AGES),
            stacked=charts.stacking("age"),
        ),
        "Open, by time in the present state",
        f"{counted(rows['open_processes'].sum(), 'open process', several='open processes')}; "
        f"{rows['n_stalled'].sum():,} of them stalled: longer in it than 85 % of the stays "
        "that have ended.",
    )


def sla_chart(months: pl.DataFrame, totals: pl.DataFrame) -> Any:
    """The share of clocks that met their target, by month."""
    return charts.captioned(
        charts.lines(
            months.select("month", "policy", "share_met", "met", "breached", "running"),
            x="month",
            y="share_met",
            colour=charts.coloured("policy", totals["policy"].to_list()),
            x_title="month in which the clock stopped",
            y_title="met, of met and breached",
        ),
        "SLA: clocks that met their target",
        f"{totals['running'].sum():,} running and {totals['called_off'].sum():,} called off count "
        "neither way. Clocks past their target that still run have no month yet: they are in the "
        "table, as breached.",
    )


def _left_out(n_open: int) -> str:
    if not n_open:
        return "None is open that could still get there. "
    return f"{counted(n_open, 'open one')} may still get there: not in this chart. "

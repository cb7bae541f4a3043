"""The charts of the notebook `resolution_times`, each with a caption that says what is left out."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from notebooks.parts import charts, interval_charts, time_charts
from notebooks.parts.durations import CLOCKS, PERCENTILES
from notebooks.parts.published import counted, in_words

_PERCENTILE_COLOURS = ["#9fbfe3", "#6f9fd3", "#3b6fb6", "#1d3f72"]
_CLOCK_COLOURS = [charts.PALE_BLUE, charts.BLUE]
_AGES = ["#d9e6f4", "#b5cde8", "#8bb0d9", "#5f90c8", "#3b6fb6", "#e0a045", "#c8503c"]


def spread_chart(bins: pl.DataFrame, totals: dict[str, Any], *, words: str, n_open: int) -> Any:
    """The distribution of durations, with lines at the median and the 90th percentile."""
    beyond = bins.filter(pl.col("to_seconds").is_null())["n"].sum()
    return charts.captioned(
        charts.histogram(
            bins,
            title="processes",
            marks={"median": totals["p50_seconds"], "90 %": totals["p90_seconds"]},
        ),
        f"Time {words}",
        f"{counted(totals['n'], 'finished process', several='finished processes')}. "
        + _left_out(n_open)
        + (f"{beyond:,} longer ones are not shown. " if beyond else "All are shown. ")
        + f"Mean: {in_words(totals['mean_seconds'])}.",
    )


def months_chart(rows: pl.DataFrame, *, words: str, n_open: int, until: str) -> Any:
    """Percentiles by the month in which the interval ended."""
    shown, unit = charts.in_one_unit(rows, "seconds")
    return charts.captioned(
        time_charts.lines(
            shown,
            x="month",
            y="seconds",
            colour=charts.coloured("within", [*PERCENTILES.values()], _PERCENTILE_COLOURS),
            x_title="month in which the interval ended",
            y_title=unit,
        ),
        f"Time {words}, by month",
        f"Percentiles of the intervals that ended in the month. {_left_out(n_open)}The latest "
        f"month ends at {until}. Not a trend: a month in which old processes end looks slow. For "
        "that compare months of creation, in the table time_to_outcome_cohorts.",
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
                pl.col("p50_seconds").alias("median"),
                pl.col("p90_seconds").alias("90th percentile"),
            ),
            x="median",
            y="measure",
            order=rows["measure"].unique(maintain_order=True).to_list(),
            title=f"median ({unit})",
            colour=charts.coloured("clock", clocks, _CLOCK_COLOURS),
            beside=charts.offset("clock", clocks),
            text="in words",
        ),
        "Calendar time and working time",
        f"Calendars: {', '.join(calendars) or 'none'} (in `always`, working time is calendar "
        "time). Finished intervals only.",
    )


def states_charts(states: pl.DataFrame) -> list[Any]:
    """How long visits to each state lasted, and the share of open time in each."""
    order = states["state"].to_list()
    visits = charts.captioned(
        interval_charts.spans(
            states, y="state", order=order, low="p50_seconds", high="p90_seconds"
        ),
        "Visits by state",
        "Dot: median. Tick: 90th percentile. Finished visits only; pale: fewer than 5.",
        width=charts.HALF,
    )
    shares = charts.captioned(
        charts.bars(
            states.select("state", "state_kind", "share_of_open_time"),
            x="share_of_open_time",
            y="state",
            order=order,
            title="share of all open time",
        ),
        "Open time by state",
        f"Open visits ({states['n_current'].sum():,}) included, up to the as-of instant.",
        width=charts.HALF,
    )
    return [visits, shares]


def assignees_chart(people: pl.DataFrame) -> Any:
    """Assignees by number of completed processes and their median resolution time."""
    shown, unit = charts.in_one_unit(
        people.filter(pl.col("completed") > 0), "p50_resolution_seconds", "p90_resolution_seconds"
    )
    return charts.captioned(
        charts.dots(
            shown.select("assignee", "completed", "p50_resolution_seconds"),
            x="completed",
            y="p50_resolution_seconds",
            x_title="completed",
            y_title=f"median resolution time ({unit})",
        ),
        "By assignee",
        f"A dot is an assignee. Those without a completed process ({len(people) - len(shown):,}) "
        "are only in the table. Processes count for the assignee at completion, whoever held them "
        "before; few processes, or difficult ones, say little about a person.",
    )


def ageing_chart(rows: pl.DataFrame, *, ages: Sequence[str]) -> Any:
    """Open processes by state and time in the state."""
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
        "Open processes by time in the current state",
        f"{counted(rows['open_processes'].sum(), 'open process', several='open processes')}; "
        f"{rows['n_stalled'].sum():,} of them stalled (longer in the state than 85 % of stays in "
        "it take, running ones included).",
    )


def sla_chart(months: pl.DataFrame, totals: pl.DataFrame) -> Any:
    """The share of clocks that met their target, by month."""
    return charts.captioned(
        time_charts.lines(
            months.select("month", "policy", "share_met", "met", "breached", "running"),
            x="month",
            y="share_met",
            colour=charts.coloured("policy", totals["policy"].to_list()),
            x_title="month in which the clock stopped",
            y_title="share met, of met and breached",
        ),
        "SLA: share of clocks met",
        f"{totals['running'].sum():,} running and {totals['called_off'].sum():,} called-off clocks "
        "are not counted. Running clocks past their target have no month yet: they are only in the "
        "table, as breached.",
    )


def _left_out(n_open: int) -> str:
    if not n_open:
        return "No open process can still be added. "
    return f"{counted(n_open, 'open process', several='open processes')} not included. "

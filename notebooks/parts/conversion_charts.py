"""The charts of the notebook `conversion`, each with a caption that says what is left out."""

from typing import Any

import polars as pl

from notebooks.parts import charts, interval_charts, time_charts
from notebooks.parts.filters import Filter
from notebooks.parts.funnels import BARS, MODES, Window
from notebooks.parts.published import counted, in_percent, in_words

_FEW = 5
SHARE = ("share_of_first", "share_of_first_low", "share_of_first_high")


def figures(steps: pl.DataFrame) -> dict[str, str]:
    """The figures of the last step, by label."""
    last = steps.row(-1, named=True)
    low, high = (in_percent(last[name]) for name in SHARE[1:])
    return {
        "entered": f"{steps['processes'][0]:,}",
        f"reached {last['step']}": f"{last['processes']:,}",
        "share of entered": in_percent(last["share_of_first"]),
        "95 % interval": f"{low} to {high}",
        "median time": in_words(last["median_seconds_from_first"]),
        "may still reach it": f"{last['immature']:,}",
    }


def funnel_bars(steps: pl.DataFrame) -> Any:
    """Processes that reached each step or still may: a widget on whose bars readers click."""
    order = steps["step"].to_list()
    counts = steps.unpivot([*BARS], index="step", variable_name="which", value_name="n")
    bars = charts.bars(
        counts.with_columns(pl.col("which").replace(BARS)),
        x="n",
        y="step",
        order=order,
        title="processes",
        colour=charts.coloured("which", [*BARS.values()], [charts.BLUE, charts.PALE_BLUE]),
        stacked=charts.stacking("which", descending=True),
    )
    kept = steps.slice(1).select(
        "step",
        (pl.col("processes") + pl.col("immature")).alias("n"),
        pl.col("share_of_previous").map_elements(in_percent, pl.String),
    )
    texts = charts.labels(kept, x="n", y="step", text="share_of_previous")
    return charts.clickable(
        bars + texts, "Funnel: select a bar to list its processes", "step", "which"
    )


def funnel_chart(bars: Any, steps: pl.DataFrame, *, mode: str, window: Window, only: Filter) -> Any:
    """The bars with what they count and leave out."""
    last = steps.row(-1, named=True)
    return charts.framed(
        bars,
        "Funnel",
        f"Select a bar to list its processes. Mode {mode}: {MODES[mode]}, {within(window)}"
        + (" of the first step. " if window.length else ". ")
        + only.words
        + "Per cent: of the previous step. Open, closed and deleted processes count. "
        + (
            f"{counted(last['immature'], 'open process', several='open processes')} may still "
            f"reach {last['step']}: its share can rise, and step-to-step shares can rise or fall."
            if last["immature"]
            else f"No open process can still reach {last['step']}: its share is final."
        ),
        width=charts.HALF,
    )


def share_chart(steps: pl.DataFrame) -> Any:
    """The share of those entered that reached each step, with its interval."""
    return charts.captioned(
        charts.bars(
            steps.slice(1).select("step", *SHARE, "processes", "is_small"),
            x=SHARE[0],
            y="step",
            order=steps["step"].to_list()[1:],
            title="share of the first step",
            interval=SHARE[1:],
        ),
        "Share of the first step",
        f"Of {steps['processes'][0]:,} that entered. Lines: 95 % intervals (Wilson). Pale: fewer "
        "than 5 processes.",
        width=charts.HALF,
    )


def breakdown_chart(values: pl.DataFrame, *, attribute: str) -> Any:
    """The share of entered processes that reached each step, by the values of an attribute."""
    n_values = values["n_values"][0]
    shown = values["value"].unique(maintain_order=True).to_list()
    return charts.captioned(
        charts.bars(
            values.drop("n_values"),
            x="share_of_first",
            y="step",
            order=values["step"].unique(maintain_order=True).to_list(),
            title="share of those that entered with this value",
            colour=charts.coloured("value", shown),
            beside=charts.offset("value", shown),
            interval=SHARE[1:],
        ),
        f"By {attribute}",
        (
            f"All {n_values} values. "
            if n_values == len(shown)
            else f"The {len(shown)} most frequent of {n_values:,} values. "
        )
        + f"Up to {values['immature'].max():,} open processes of one value may still reach a step: "
        "shares can rise. Lines: 95 % intervals (Wilson). Pale: fewer than 5 processes entered.",
    )


def time_chart(steps: pl.DataFrame) -> Any:
    """Median and 90th percentile of the time to each step."""
    reached = steps.with_columns(is_small=pl.col("processes") < _FEW).filter(
        pl.col("step_no") > 1, pl.col("processes") > 0
    )
    waiting = steps["immature"][-1]
    return charts.captioned(
        interval_charts.spans(
            reached,
            y="step",
            order=reached["step"].to_list(),
            low="median_seconds_from_first",
            high="p90_seconds_from_first",
        ),
        "Time from the first step",
        "Dot: median. Tick: 90th percentile. Pale: fewer than 5. Only processes that reached the "
        "step; "
        + (
            f"{waiting:,} open ones may still do so." if waiting else "no open one can still do so."
        ),
        width=charts.HALF,
    )


def times_chart(bins: pl.DataFrame, *, step: str, window: Window, only: Filter) -> Any:
    """The distribution of times to the last step."""
    beyond = bins.filter(pl.col("to_seconds").is_null())["n"].sum()
    return charts.captioned(
        charts.histogram(bins, title="processes"),
        f"Time from the first step to {step}",
        f"Processes that reached it {within(window)}. {only.words}"
        + (f"{beyond:,} longer ones are not shown." if beyond else "All are shown."),
        width=charts.HALF,
    )


def cohort_chart(cohorts: pl.DataFrame, *, window: Window) -> Any:
    """The share that reached each step, by month of entry."""
    return charts.captioned(
        time_charts.triangle(
            cohorts,
            x="step",
            order=cohorts["step"].unique(maintain_order=True).to_list(),
            title=f"share of those that entered in the month, {within(window)}",
            colour=charts.BLUE,
        ),
        "By month of entry",
        "In parentheses: processes entered. ↑: open processes may still reach the step, so the "
        "share can rise. Pale: fewer than 5 processes.",
        least_width=time_charts.least_width(cohorts["step"]),
    )


def within(window: Window) -> str:
    """The time in which steps count, in words."""
    length = window.length
    return f"within {in_words(length.total_seconds())}" if length else "at any time"

"""The charts of the notebook `conversion`, each with a caption that says what is left out."""

from typing import Any

import polars as pl

from notebooks.parts import charts
from notebooks.parts.funnels import MODES, Window
from notebooks.parts.published import counted, in_words


def funnel_chart(steps: pl.DataFrame, *, mode: str, window: Window) -> Any:
    """Processes that reached each step or still may, and the share kept from step to step."""
    order = steps["step"].to_list()
    which = {"processes": "reached", "immature": "may still reach it"}
    reached = charts.bars(
        steps.unpivot([*which], index="step", variable_name="which", value_name="n").with_columns(
            pl.col("which").replace(which)
        ),
        x="n",
        y="step",
        order=order,
        title="processes",
        colour=charts.coloured("which", [*which.values()], [charts.BLUE, charts.PALE_BLUE]),
        width=charts.HALF,
        stacked=charts.stacking("which", descending=True),
    )
    kept = charts.bars(
        steps.filter(pl.col("step_no") > 1).select("step", "share_of_previous"),
        x="share_of_previous",
        y="step",
        order=order,
        title="share of the previous step",
        labels=False,
        width=charts.HALF,
    )
    last, within = steps.row(-1, named=True), window.length
    return charts.captioned(
        reached | kept,
        "Funnel",
        f"Mode {mode}: {MODES[mode]}"
        + (f", within {in_words(within.total_seconds())} of the first step. " if within else ". ")
        + "Open, closed and deleted processes count. "
        + (
            f"{counted(last['immature'], 'open process', several='open processes')} may still "
            f"reach {last['step']}: its share can rise, and step-to-step shares can rise or fall."
            if last["immature"]
            else f"No open process can still reach {last['step']}: its share is final."
        ),
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
        ),
        f"By {attribute}",
        (
            f"All {n_values} values. "
            if n_values == len(shown)
            else f"The {len(shown)} most frequent of {n_values:,} values. "
        )
        + f"Up to {values['immature'].max():,} open processes of one value may still reach a step: "
        "shares can rise.",
    )


def time_chart(steps: pl.DataFrame) -> Any:
    """Median and 90th percentile of the time to each step."""
    reached = steps.filter(pl.col("step_no") > 1, pl.col("processes") > 0)
    waiting = steps["immature"][-1]
    return charts.captioned(
        charts.spans(
            reached,
            y="step",
            order=reached["step"].to_list(),
            low="median_seconds_from_first",
            high="p90_seconds_from_first",
        ),
        "Time from the first step",
        "Dot: median. Tick: 90th percentile. Only processes that reached the step; "
        + (
            f"{waiting:,} open ones may still do so." if waiting else "no open one can still do so."
        ),
        width=charts.HALF,
    )


def times_chart(bins: pl.DataFrame, *, step: str, window: Window) -> Any:
    """The distribution of times to the last step."""
    beyond = bins.filter(pl.col("to_seconds").is_null())["n"].sum()
    return charts.captioned(
        charts.histogram(bins, title="processes"),
        f"Time from the first step to {step}",
        f"Processes that reached it {_defined(window)}. "
        + (f"{beyond:,} longer ones are not shown." if beyond else "All are shown."),
        width=charts.HALF,
    )


def cohort_chart(cohorts: pl.DataFrame, *, window: Window) -> Any:
    """The share that reached each step, by month of entry."""
    return charts.captioned(
        charts.triangle(
            cohorts,
            x="step",
            order=cohorts["step"].unique(maintain_order=True).to_list(),
            title=f"share of those that entered in the month, {_defined(window)}",
            colour=charts.BLUE,
        ),
        "By month of entry",
        "In parentheses: processes entered. ↑: open processes may still reach the step, so the "
        "share can rise. Pale: fewer than 5 processes.",
    )


def age_chart(cohorts: pl.DataFrame, *, outcome: str) -> Any:
    """The share with an outcome, by month of creation and age."""
    return charts.captioned(
        charts.triangle(
            cohorts,
            x="age",
            order=sorted(cohorts["age"].unique(), key=lambda age: int(age.split()[0])),
            title=f"{outcome} within this age, of those created in the month",
            colour=charts.GREEN if outcome == "completed" else charts.ORANGE,
        ),
        f"Share {outcome}, by month of creation and age",
        "In parentheses: processes created. Empty: not all of the month have reached the age yet. "
        f"Open processes count as not {outcome}. Pale: fewer than 5 processes.",
    )


def outcome_chart(
    curves: pl.DataFrame, *, title: str, n_without: int, n_all: int, tested: str
) -> Any:
    """The share with each outcome by days since creation, with its 95 % confidence band.

    `tested` is the sentence on whether the lines differ, if they are of several groups.
    """
    order = curves["line"].unique(maintain_order=True).to_list()
    colour_of = {"completed": charts.GREEN, "cancelled": charts.ORANGE}
    has_outcomes = set(order) <= set(colour_of)
    colours = [colour_of[name] for name in order] if has_outcomes else charts.SEVERAL
    return charts.captioned(
        charts.lines(
            curves,
            x="day",
            y="cumulative_incidence",
            colour=charts.coloured("line", order, colours),
            x_title="days since creation",
            y_title="share of all processes",
            band=("lower_95", "upper_95"),
        ),
        title,
        f"{n_without:,} of {n_all:,} have no outcome yet; they are censored at their current age, "
        "or at their deletion (Aalen-Johansen estimate). Bands: 95 % confidence intervals. A "
        f"curve ends where fewer than 5 processes are at risk. {tested}".rstrip(),
    )


def _defined(window: Window) -> str:
    """The window of the definition, to which published figures refer."""
    length = window.length
    return f"within the defined {in_words(length.total_seconds())}" if length else "at any time"

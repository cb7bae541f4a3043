"""The charts of `conversion.py`: each takes rows of published tables, and says what is left out.

Where the rows come from does not belong here; the forms are those of `charts.py`.
"""

from typing import Any

import polars as pl

from notebooks.parts import charts
from notebooks.parts.funnels import MODES, Window
from notebooks.parts.published import counted, in_words


def funnel_chart(steps: pl.DataFrame, *, mode: str, window: Window) -> Any:
    """How many reached each step, how many may still, and the share that goes from step to step."""
    order = steps["step"].to_list()
    which = {"processes": "reached", "immature": "may still come"}
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
        title="of those at the step before",
        labels=False,
        width=charts.HALF,
    )
    last, within = steps.row(-1, named=True), window.length
    return charts.captioned(
        reached | kept,
        "Funnel",
        f"Mode {mode}: {MODES[mode]}"
        + (f", within {in_words(within.total_seconds())} of the first. " if within else ". ")
        + "Open, closed and deleted processes count. "
        + (
            f"{counted(last['immature'], 'open one')} may still reach {last['step']}: its share "
            "can rise, and shares from step to step can change either way."
            if last["immature"]
            else f"No open one may still reach {last['step']}: its share is final."
        ),
    )


def breakdown_chart(values: pl.DataFrame, *, attribute: str) -> Any:
    """The share of those that entered at each step, by the values of an attribute."""
    n_values = values["n_values"][0]
    shown = values["value"].unique(maintain_order=True).to_list()
    return charts.captioned(
        charts.bars(
            values.drop("n_values"),
            x="share_of_first",
            y="step",
            order=values["step"].unique(maintain_order=True).to_list(),
            title="of those that entered with this value",
            colour=charts.coloured("value", shown),
            beside=charts.offset("value", shown),
        ),
        f"By {attribute}",
        (
            f"All {n_values} values. "
            if n_values == len(shown)
            else f"The {len(shown)} of {n_values:,} values with most processes. "
        )
        + f"Open ones may still come, up to {values['immature'].max():,} of one value: shares can "
        "rise.",
    )


def time_chart(steps: pl.DataFrame) -> Any:
    """How long it took to each step."""
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
        "Dot: half got there within. Tick: 90 % did. Only those that got there are in it; "
        + (
            f"{counted(waiting, 'open one')} may still come." if waiting else "none may still come."
        ),
        width=charts.HALF,
    )


def times_chart(bins: pl.DataFrame, *, step: str, window: Window) -> Any:
    """How the times to the last step are spread."""
    beyond = bins.filter(pl.col("to_seconds").is_null())["n"].sum()
    return charts.captioned(
        charts.histogram(bins, title="processes"),
        f"Time from the first step to {step}",
        f"Those that reached it {_defined(window)}. "
        + (f"{beyond:,} took longer than is drawn." if beyond else "All of them are drawn."),
        width=charts.HALF,
    )


def cohort_chart(cohorts: pl.DataFrame, *, window: Window) -> Any:
    """The share that reached each step, by month of entry."""
    return charts.captioned(
        charts.triangle(
            cohorts,
            x="step",
            order=cohorts["step"].unique(maintain_order=True).to_list(),
            title=f"of those that entered in the month, {_defined(window)}",
            colour=charts.BLUE,
        ),
        "By month of entry",
        "In brackets: how many entered. ↑: some are still open and may yet come, so that the share "
        "can rise.",
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
        "In brackets: how many were created. Empty where not all of the month have reached the "
        "age yet. Open ones count as not (yet) " + outcome + ".",
    )


def outcome_chart(curves: pl.DataFrame, *, title: str, n_without: int, n_all: int) -> Any:
    """The share with each outcome by days since creation, with its 95 % confidence band."""
    order = curves["line"].unique(maintain_order=True).to_list()
    own = {"completed": charts.GREEN, "cancelled": charts.ORANGE}
    colours = [own[name] for name in order] if set(order) <= set(own) else charts.SEVERAL
    return charts.captioned(
        charts.lines(
            curves,
            x="day",
            y="cumulative_incidence",
            colour=charts.coloured("line", order, colours),
            x_title="days since creation",
            y_title="share of all",
            band=("lower_95", "upper_95"),
        ),
        title,
        f"{n_without:,} of {n_all:,} have had no outcome: they count for as long as they have been "
        "watched, neither as failures nor as if they were not there (Aalen-Johansen). Bands: 95 % "
        "confidence; wide where few have come to that age.",
    )


def _defined(window: Window) -> str:
    """Published figures are in the window of the definition, whichever the reader chose."""
    length = window.length
    return f"within the defined {in_words(length.total_seconds())}" if length else "at any time"

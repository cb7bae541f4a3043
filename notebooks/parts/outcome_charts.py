"""The charts of the notebook `outcomes`, each with a caption that says what is left out."""

from typing import Any

import polars as pl

from notebooks.parts import charts, time_charts


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
        time_charts.lines(
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


def age_chart(cohorts: pl.DataFrame, *, outcome: str) -> Any:
    """The share with an outcome, by month of creation and age."""
    return charts.captioned(
        time_charts.triangle(
            cohorts,
            x="age",
            order=sorted(cohorts["age"].unique(), key=lambda age: int(age.split()[0])),
            title=f"{outcome} within this age, of those created in the month",
            colour=charts.GREEN if outcome == "completed" else charts.ORANGE,
        ),
        f"Share {outcome}, by month of creation and age",
        "In parentheses: processes created. Empty: not all of the month have reached the age yet. "
        f"Open processes count as not {outcome}. Pale: fewer than 5 processes.",
        least_width=time_charts.least_width(cohorts["age"]),
    )

"""The charts and the model of the notebook `comparison`, each with how to read it."""

from typing import Any

import marimo as mo
import polars as pl

from notebooks.parts import charts, interval_charts, layout
from notebooks.parts.comparison import Sides, model_table
from notebooks.parts.conversion_charts import SHARE, within
from notebooks.parts.funnels import Window
from transforms.models.drivers import DriverModel

_SPLIT = {"from_rate": "within the values", "from_mix": "from the mix"}
_SPLIT_COLOURS = [charts.BLUE, charts.ORANGE]


def sides_chart(steps: pl.DataFrame, sides: Sides) -> Any:
    """The share of the first step on both sides, with intervals."""
    names = [*sides]
    entered = {row["side"]: row["processes"] for row in steps.filter(step_no=1).rows(named=True)}
    waiting = {name: steps.filter(side=name)["immature"].max() for name in names}
    return charts.captioned(
        charts.bars(
            steps.filter(pl.col("step_no") > 1).select(
                "side", "step", *SHARE, "processes", "immature", "is_small"
            ),
            x=SHARE[0],
            y="step",
            order=steps["step"].unique(maintain_order=True).to_list()[1:],
            title="share of the first step",
            colour=charts.coloured("side", names, [charts.PALE_BLUE, charts.BLUE]),
            beside=charts.offset("side", names),
            interval=SHARE[1:],
        ),
        "Share of the first step",
        " ".join(
            f"{name}: {entered[name]:,} entered, {waiting[name]:,} may still reach a step."
            for name in names
        )
        + " Lines: 95 % intervals (Wilson). Pale: fewer than 5 entered.",
        width=charts.HALF,
    )


def differences_chart(differences: pl.DataFrame, sides: Sides, *, window: Window) -> Any:
    """The second share less the first one at each step, with its interval."""
    first, second = sides
    return charts.captioned(
        interval_charts.estimates(
            differences.filter(pl.col("step_no") > 1).select(
                "step",
                pl.col("difference").alias("share_difference"),
                pl.col("difference_low").alias("share_difference_low"),
                pl.col("difference_high").alias("share_difference_high"),
                "is_small",
            ),
            x="share_difference",
            y="step",
            order=differences["step"].to_list()[1:],
            title="difference of the shares",
            none_at=0,
        ),
        "Difference",
        f"{second} less {first}, {within(window)}. Lines: 95 % intervals (Newcombe); one that "
        "crosses 0 leaves open which side is better. Sides of which more may still reach a step "
        "look worse than they are. Pale: a side with fewer than 5 processes.",
        width=charts.HALF,
    )


def split_chart(differences: pl.DataFrame, *, mix: str) -> Any:
    """What part of a difference is due to another mix of values."""
    parts = differences.filter(pl.col("step_no") > 1).unpivot(
        [*_SPLIT], index="step", variable_name="part", value_name="share_points"
    )
    return charts.captioned(
        charts.bars(
            parts.with_columns(pl.col("part").replace(_SPLIT)),
            x="share_points",
            y="step",
            order=differences["step"].to_list()[1:],
            title="part of the difference",
            colour=charts.coloured("part", [*_SPLIT.values()], _SPLIT_COLOURS),
            beside=charts.offset("part", [*_SPLIT.values()]),
            up_to_one=False,
        ),
        f"Difference, split by {mix}",
        f"From the mix: because more or fewer entered with some value of {mix}. Within the values: "
        "because shares differ among processes of the same value. Both add up to the difference "
        "(Kitagawa 1955).",
    )


def drivers_chart(drivers: pl.DataFrame, *, window: Window) -> Any:
    """The odds of converting with each value, compared with all other processes."""
    shown = drivers.filter(pl.col("odds_ratio").is_not_null())
    return charts.captioned(
        interval_charts.estimates(
            shown.select(
                "row",
                *("odds_ratio", "odds_ratio_low", "odds_ratio_high"),
                *("processes", "share_converted", "share_of_others", "p_adjusted", "is_small"),
            ),
            x="odds_ratio",
            y="row",
            order=shown["row"].to_list(),
            title="odds ratio of converting",
            none_at=1,
        ),
        "Drivers of conversion",
        f"All that entered, converted {within(window)}; {drivers['waiting'].sum():,} whose window "
        "is not over do not count. Right of 1: more convert than of the others. Lines: 95 % "
        "intervals; p-values in the table are adjusted for all comparisons. Pale: a side with "
        "fewer than 5 processes. What goes with converting need not be its cause.",
    )


def model_listing(model: DriverModel) -> mo.Html:
    """The values ranked together, with how well the model predicts."""
    text = (
        f"{model.verdict} Adjusted: share converted if all had the value and kept their others. "
        "Strength: logarithm of the adjusted odds ratio times the standard deviation of having the "
        f"value. {model.method} What goes with converting need not be its cause."
    )
    return mo.vstack([layout.listing(model_table(model)), mo.md(text)])

"""The table of daily figures for a wall screen."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputTable,
    day,
    flag,
    in_order,
    number,
    text,
)
from schemas.catalogue.shared import SHARED

_TOO_FEW = (
    "if fewer than 14 of the 28 days before have a value, and of `open`, which carries over from "
    "day to day"
)
_NOTHING = (
    "of `resolution` on a day without a first completion, of an SLA policy on a day without a "
    "clock that was met or breached"
)

INDICATORS = OutputTable(
    "indicators",
    "mart",
    "Key figures by day, each with averages, a target and the limits of a control chart. "
    "Only whole days from `observed_since` on. `arrivals` (created, reopened and restored), "
    "`closed` (completed and cancelled), `completed` and `open` (at the end of the day) are those "
    "of `flow_daily`; `resolution` is the median of `resolution_seconds` of the processes first "
    "completed on the day, in the procedure they were in; `sla: NAME` is the share met of the "
    "clocks of a policy that were met on the day, or reached their target on it. Targets are given "
    "under `indicators` of a procedure. A row does not change later, unless late versions arrive.",
    "one row per procedure, indicator and local day",
    in_order(
        SHARED,
        (
            "procedure",
            text("indicator", "The figure."),
            text("unit", "Unit of the figures: `processes`, `seconds` or `share`."),
            day("day", "The day."),
            number("value", "DOUBLE", "The figure of the day.", nulls=_NOTHING),
            number(
                "average_7",
                "DOUBLE",
                "Mean of the values of this day and the 6 days before, days without one left out.",
                nulls="on the first 6 days, and if no day has a value",
            ),
            number(
                "average_28",
                "DOUBLE",
                "Mean of the values of this day and the 27 days before, as in `average_7`.",
                nulls="on the first 27 days, and if no day has a value",
            ),
            number(
                "center",
                "DOUBLE",
                "Center line of the control chart: mean of the values of the 28 days before.",
                nulls=_TOO_FEW,
            ),
            number(
                "lower_limit",
                "DOUBLE",
                "Lower limit of the control chart (XmR, Wheeler 1993): `center` less 2.66 times "
                "the mean difference of successive values of the 28 days before; at least 0.",
                nulls=_TOO_FEW,
            ),
            number(
                "upper_limit",
                "DOUBLE",
                "Upper limit of the control chart, as `lower_limit`; of a share at most 1.",
                nulls=_TOO_FEW,
            ),
            text(
                "signal",
                "`above` or `below`: the value is outside the limits, by more than the usual "
                "differences between days. A figure with a weekly rhythm has wide limits.",
                nulls="within the limits, and where there are none or no value",
            ),
            number(
                "target", "DOUBLE", "What the definition aims at, in the unit.", nulls="without one"
            ),
            text(
                "better", "`higher` or `lower`: the good side of the target.", nulls="without one"
            ),
            flag(
                "is_on_target",
                "Whether `average_7` is on the good side of `target`, or equals it.",
                nulls="without a target, and where `average_7` is null",
            ),
        ),
    ),
    key=("procedure", "indicator", "day"),
)

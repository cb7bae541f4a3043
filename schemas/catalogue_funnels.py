"""The funnel tables, in words.

The funnels themselves are part of a procedure's definition (`definitions.py`).
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputTable,
    count,
    in_order,
    instant,
    seconds,
    share,
    text,
)
from schemas.catalogue_shared import SHARED

_NOBODY = "when no process reached the step"
_ONLY_REACHED = "only processes that reached the step so far are in it"
_CAN_RISE = "can still rise while `immature` is above 0"

FUNNEL_PROGRESS = OutputTable(
    "funnel_progress",
    "mart",
    "How far each process got in each funnel of its procedure. A process enters by its first visit "
    "to step 1; step k is reached by its first visit to one of the step's states after the visit "
    "chosen for step k-1 (anything may lie between) and within the funnel's window, which runs "
    "from step 1. Two steps that name one state need two visits.",
    "one row per funnel, process and step reached",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            "process_id",
            "step_no",
            "step",
            instant("reached_at", "When the visit that reached the step began."),
            seconds(
                "seconds_from_first", "From reaching step 1 to reaching this step; 0 on step 1."
            ),
            seconds(
                "seconds_from_previous",
                "From reaching the step before to reaching this one.",
                nulls="on step 1",
            ),
            text(
                "stop_reason",
                "Why the process got no further than this step: `finished` (it is the last one), "
                "otherwise `completed`, `cancelled` or `deleted` by the process's outcome, "
                "otherwise `out_of_time` (open, but the window has passed) or `open` (may still "
                "go on).",
                nulls="on every step but the last one reached",
                open_rule="a reopened process counts as open",
            ),
        ),
    ),
)

FUNNEL_STEPS = OutputTable(
    "funnel_steps",
    "mart",
    "The steps of each funnel with the number of processes that reached them: sums over "
    "`funnel_progress`, steps nobody reached included. Open, closed and deleted processes count.",
    "one row per funnel and step",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            "step_no",
            "step",
            count("processes", "Processes that reached the step.", open_rule=_CAN_RISE),
            share(
                "share_of_first",
                "`processes` of this step divided by `processes` of step 1.",
                nulls="when no process entered the funnel",
                open_rule=_CAN_RISE,
            ),
            share(
                "share_of_previous",
                "`processes` of this step divided by `processes` of the step before; 1 on step 1.",
                nulls="when no process reached the step before, or on step 1 none entered",
                open_rule="can still change while `immature` is above 0",
            ),
            seconds(
                "median_seconds_from_first",
                "Median of the time from step 1 to this step, interpolated between two values.",
                nulls=_NOBODY,
                open_rule=_ONLY_REACHED,
            ),
            seconds(
                "p90_seconds_from_first",
                "90th percentile of the time from step 1 to this step, interpolated between two "
                "values.",
                nulls=_NOBODY,
                open_rule=_ONLY_REACHED,
            ),
            seconds(
                "median_seconds_from_previous",
                "Median of the time from the step before to this step, interpolated between two "
                "values.",
                nulls=f"on step 1, and {_NOBODY}",
                open_rule=_ONLY_REACHED,
            ),
            count(
                "immature",
                "Open processes that entered the funnel, have not reached this step and still may: "
                "they entered less than the funnel's window before the build's as_of, or it has "
                "none. 0 on step 1.",
                open_rule="while it is above 0, the share of this step can still rise",
            ),
        ),
    ),
)

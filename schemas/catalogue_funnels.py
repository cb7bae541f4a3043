"""The funnel tables, in words.

The funnels themselves are part of a procedure's definition (`funnels.py`).
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputColumn,
    OutputTable,
    count,
    day,
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
_MODES = (
    "Each funnel is there in each mode, so filter by `mode`. `ordered`: step k is reached by the "
    "first visit to one of its states, or the first of its outcome, after the one chosen for the "
    "step before; anything may lie between. `strict`: only by the very next visit. `any_order`: "
    "step k is reached when k of the steps have been done. `reached`: being in a state further "
    "down the procedure's list counts for a step, except for cancelled processes."
)

FUNNEL_PROGRESS = OutputTable(
    "funnel_progress",
    "mart",
    f"How far each process got in each funnel of its procedure. {_MODES} A process enters by its "
    "first visit to step 1 (with `entry: best`, by the one from which it gets furthest); in "
    "`any_order` by whichever step comes first, in `reached` by the first state of the rank of "
    "step 1 or beyond, so that more enter there. Steps count within the funnel's window, which "
    "runs from the entry, and within their own, which run from the step before. Two steps that "
    "name one state need two visits, except in `reached`. Ties pass by the order of versions.",
    "one row per funnel, mode, process and step reached",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            "process_id",
            "step_no",
            "step",
            instant(
                "reached_at",
                "When the visit or outcome that reached the step began; never before the step "
                "before it.",
            ),
            seconds(
                "seconds_from_first", "From reaching step 1 to reaching this step; 0 on step 1."
            ),
            seconds(
                "seconds_from_previous",
                "From reaching the last step before to reaching this one.",
                nulls="on step 1",
            ),
            text(
                "stop_reason",
                "Why the process got no further than this step: `finished` (it is the last one), "
                "`excluded` (it entered a state that the funnel excludes), `strayed` (mode "
                "`strict`: it went elsewhere), otherwise `completed`, `cancelled` or `deleted` by "
                "the process's outcome, otherwise `out_of_time` (open, but a window has passed) or "
                "`open` (may still go on).",
                nulls="on every step but the last one reached",
                open_rule="a reopened process counts as open",
            ),
        ),
    ),
)

_SUMS: tuple[str | OutputColumn, ...] = (
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
        "`processes` of this step divided by `processes` of the last step before it that is not "
        "optional; 1 on step 1.",
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
        "90th percentile of the time from step 1 to this step, interpolated between two values.",
        nulls=_NOBODY,
        open_rule=_ONLY_REACHED,
    ),
    seconds(
        "median_seconds_from_previous",
        "Median of the time from the last step before to this step, interpolated between two "
        "values.",
        nulls=f"on step 1, and {_NOBODY}",
        open_rule=_ONLY_REACHED,
    ),
    count(
        "immature",
        "Open processes that entered the funnel, have got no further than a step before this one "
        "and still may: no window has passed at the build's as_of, and nothing has ended the "
        "attempt. 0 on step 1.",
        open_rule="while it is above 0, the share of this step can still rise",
    ),
)

FUNNEL_STEPS = OutputTable(
    "funnel_steps",
    "mart",
    f"The steps of each funnel with the number of processes that reached them. {_MODES} Sums over "
    "`funnel_progress`, steps nobody reached included. Open, closed and deleted processes count.",
    "one row per funnel, mode and step",
    in_order(SHARED, ("funnel", "procedure", "mode", *_SUMS)),
)

FUNNEL_COHORTS = OutputTable(
    "funnel_cohorts",
    "mart",
    "The rows of `funnel_steps` by the month in which processes entered the funnel: over all "
    "months `processes` adds up to those of `funnel_steps`.",
    "one row per funnel, mode, month of entry and step",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            day("cohort", "First day of the month of entry, in the reporting time zone."),
            *_SUMS,
        ),
    ),
)

FUNNEL_BREAKDOWNS = OutputTable(
    "funnel_breakdowns",
    "mart",
    "The rows of `funnel_steps` by the values of the attributes that a funnel names under "
    "`breakdowns`: over all values of one attribute `processes` adds up to those of "
    "`funnel_steps`.",
    "one row per funnel, mode, attribute, value and step",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            text("attribute", "shortId of the attribute."),
            text(
                "value_of",
                "Which value counts: `entry` (when the process entered the funnel) or `now` (as at "
                "the build's as_of).",
            ),
            text("value", "The value as text.", nulls="for processes without a value"),
            *_SUMS,
        ),
    ),
)

"""The tables of sums over processes, in words: durations, days, transitions and variants.

Funnels stand in `catalogue_funnels.py`, what became of the input in `catalogue_operations.py`.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputTable,
    count,
    day,
    flag,
    in_order,
    seconds,
    share,
    text,
)
from schemas.catalogue_shared import SHARED

DURATION_STATS = OutputTable(
    "duration_stats",
    "mart",
    "How long things took. Only intervals that have ended are in it: where many processes are "
    "still open it shows the fast ones.",
    "one row per procedure, measure and month of the ending event, and one for all months together",
    in_order(
        SHARED,
        (
            "procedure",
            text(
                "measure",
                "What was measured, by column of `process_lifecycle`: `resolution` "
                "(`resolution_seconds`), `full_resolution` (`full_resolution_seconds`), "
                "`first_assignment` (`first_assignment_seconds`) or `open` (`open_seconds` of "
                "processes now completed or cancelled); and each in working time, with "
                "`business_` before it.",
                open_rule="`resolution` and `first_assignment` keep reopened and deleted "
                "processes; `full_resolution` and `open` count only those closed now",
            ),
            day(
                "period",
                "First day of the month in which the interval ended, in the reporting time zone.",
                nulls="on the row for all months together",
            ),
            count(
                "n", "Intervals measured, one per process.", open_rule="running ones are left out"
            ),
            "mean_seconds",
            "p50_seconds",
            "p75_seconds",
            "p90_seconds",
            "p95_seconds",
        ),
    ),
)

_DAY = day(
    "day", "Calendar day in the reporting time zone. It begins at midnight and may have 23 or 25 h."
)

BACKLOG_DAILY = OutputTable(
    "backlog_daily",
    "mart",
    "Open processes by state at the end of each day; the last day ends at the build's as_of.",
    "one row per day, procedure and state with at least one open process",
    in_order(
        SHARED,
        (
            _DAY,
            "procedure",
            text("state", "shortId of the state."),
            count(
                "open_processes",
                "Processes in status `OPEN`, in this state and not deleted at the end of the day. "
                "Over all states they add up to `open_at_end` in `flow_daily`.",
                open_rule="counted by what they were on that day, whatever came later",
            ),
        ),
    ),
)

FLOW_DAILY = OutputTable(
    "flow_daily",
    "mart",
    "What opened and closed on each day. open_at_start + created + reopened + restored - completed "
    "- cancelled - deleted = open_at_end. An event at midnight belongs to the day that begins.",
    "one row per procedure and day, from the first event to the day of the build's as_of",
    in_order(
        SHARED,
        (
            _DAY,
            "procedure",
            count(
                "open_at_start",
                "Open processes when the day began: `open_at_end` of the day before.",
            ),
            count("created", "Processes that started and were open."),
            count(
                "reopened",
                "Moves from `COMPLETED` or `CANCELLED` to `OPEN`.",
                open_rule="one process may count several times",
            ),
            count(
                "restored",
                "Processes open again after a deletion, and such as were deleted when first seen.",
            ),
            count(
                "completed",
                "Moves from `OPEN` to `COMPLETED`.",
                open_rule="stays in the day it happened when the process is reopened later",
            ),
            count(
                "cancelled",
                "Moves from `OPEN` to `CANCELLED`.",
                open_rule="stays in the day it happened when the process is reopened later",
            ),
            count("deleted", "Deletions of open processes. Those of closed ones change nothing."),
            count("open_at_end", "Open processes at the end of the day, or at the build's as_of."),
        ),
    ),
)

STATE_TRANSITIONS = OutputTable(
    "state_transitions",
    "mart",
    "Which state followed which, how often, and how long the first was held: the directly-follows "
    "graph. Visits that a deletion keeps apart do not follow each other.",
    "one row per procedure and pair of states",
    in_order(
        SHARED,
        (
            "procedure",
            text("from_state", "shortId of the state that was left."),
            text("to_state", "shortId of the state that followed at once."),
            count("n", "How often it happened."),
            count("processes", "Different processes in which it happened."),
            flag(
                "is_allowed",
                "Whether the procedure's stategraph allows the move. Always true where the "
                "procedure has no stategraph.",
                nulls="where both states are the same, and where one of the two "
                "is a removed state of which the stategraph says nothing",
            ),
            *(
                seconds(
                    name,
                    f"{statistic} of the time spent in `from_state` before these moves{note}.",
                    open_rule="stays that still run are not in it",
                )
                for name, statistic, note in (
                    ("mean_seconds", "Arithmetic mean", ""),
                    ("p50_seconds", "Median", ", interpolated between two values"),
                    ("p90_seconds", "90th percentile", ", interpolated between two values"),
                )
            ),
        ),
    ),
)

VARIANTS = OutputTable(
    "variants",
    "mart",
    "The ways processes went through the states, most frequent first. Every process that was ever "
    "in a state counts, open and deleted ones too, with the states it has been in so far.",
    "one row per procedure and sequence of states",
    in_order(
        SHARED,
        (
            "procedure",
            text(
                "variant",
                "shortIds of the states visited, in order, with ` > ` between.",
                open_rule="an open process may still move to a longer variant",
            ),
            count("n_steps", "Visits in the sequence."),
            count("processes", "Processes that went this way."),
            share("share", "`processes` divided by all processes of the procedure in this table."),
            share(
                "cumulative_share",
                "Sum of `share` from the most frequent variant down to this one; equally frequent "
                "ones in alphabetical order.",
            ),
            seconds(
                "p50_resolution_seconds",
                "Median of `resolution_seconds` of those processes that have one, interpolated "
                "between two values.",
                nulls="when none of them was ever completed",
                open_rule="processes never completed are not in it",
            ),
        ),
    ),
)

"""The tables of how processes really flow, in words: time in states, rework, ageing work.

Transitions and variants stand in `catalogue_marts.py`.
"""

from __future__ import annotations

from dataclasses import replace

from schemas.catalogue_model import (
    OutputTable,
    count,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    share,
    text,
)
from schemas.catalogue_shared import SHARED

_STATE = text("state", "shortId of the state.")
_P85 = seconds(
    "p85_seconds",
    "85th percentile of the visits to this state that were left for another one, interpolated "
    "between two values.",
    nulls="when no visit to the state was",
    open_rule="running visits are left out of it",
)

STATE_DURATIONS = OutputTable(
    "state_durations",
    "mart",
    "How long processes stay in each state, and in which states the time goes.",
    "one row per procedure and state that was ever entered",
    in_order(
        SHARED,
        (
            "procedure",
            _STATE,
            "state_name",
            "state_kind",
            "state_rank",
            count("n_visits", "Visits to the state, running ones included."),
            count("processes", "Processes that were ever in the state, deleted ones too."),
            count(
                "n_current",
                "Visits that are running at the build's as_of.",
                open_rule="those of closed processes, too: they stay where they were closed",
            ),
            count(
                "n",
                "Visits that were left for another state: those the durations are of. Of a state"
                " in which most processes end, these are the few that were reopened.",
            ),
            "mean_seconds",
            "p50_seconds",
            "p75_seconds",
            "p90_seconds",
            "p95_seconds",
            seconds(
                "longest_current_seconds",
                "Longest running visit, up to the build's as_of.",
                nulls="when none is running",
            ),
            seconds(
                "total_open_seconds",
                "Time that all processes spent in the state while open, up to the build's as_of "
                "(sum of `open_stays`).",
                open_rule="running stays count up to the as_of",
            ),
            share(
                "share_of_open_time",
                "`total_open_seconds` divided by that of all states of the procedure.",
                nulls="when no process of the procedure was ever open for any time",
            ),
            number(
                "bottleneck_rank",
                "INTEGER",
                "Place of the state by `total_open_seconds` among those of its procedure in "
                "which work is still to do: 1 is where most of the time goes. Equal ones in "
                "order of state_rank.",
                nulls="for states of kind `done`",
            ),
        ),
    ),
)

REWORK = OutputTable(
    "rework",
    "mart",
    "What is done again in each state: entered again, taken in turns with another, changed in "
    "place. How often people hand on and get back is in `handoffs` and `process_lifecycle`.",
    "one row per procedure and state that was ever entered",
    in_order(
        SHARED,
        (
            "procedure",
            _STATE,
            count("n_visits", "Visits to the state, running ones included."),
            count("processes", "Processes that were ever in the state, deleted ones too."),
            count(
                "n_reentries",
                "Visits by a process that had been in the state before, but for those restored "
                "in the state they were deleted in.",
            ),
            count("n_processes_back", "Processes that came back to the state at least once."),
            share("share_back", "`n_processes_back` divided by `processes`."),
            count(
                "n_backward",
                "Visits entered from a state of higher rank. Coming back from waiting is one of "
                "them: `rank` is the order in which the states are listed.",
            ),
            count(
                "n_ping_pongs",
                "Visits that came back after a single visit to one other state (this, another, "
                "this again).",
            ),
            replace(
                count(
                    "n_changes_in_place",
                    "Changes of tracked attributes while in the state: work that moves no process.",
                ),
                nulls="when the procedure tracks no attribute",
            ),
        ),
    ),
)

OPEN_AGEING = OutputTable(
    "open_ageing",
    "mart",
    "How long open processes have been in their present states.",
    "one row per procedure, state and bucket of time with at least one open process",
    in_order(
        SHARED,
        (
            "procedure",
            _STATE,
            number("bucket_no", "INTEGER", "Number of the bucket, from 1 (the shortest time)."),
            text("bucket", "Time in the state in days of 24 h; the lower limit belongs to it."),
            count(
                "open_processes",
                "Processes open at the build's as_of that have been in the state for this long.",
                open_rule="a reopened one counts since it last entered its state",
            ),
            seconds("longest_seconds", "Longest time in the state among them."),
            _P85,
            count("n_stalled", "Those of them that have been there for longer than p85_seconds."),
        ),
    ),
)

STALLED_PROCESSES = OutputTable(
    "stalled_processes",
    "mart",
    "Open processes that have been in their state for longer than 85 % of the visits that were "
    "left for another one, the longest overstay first.",
    "one row per such process",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            _STATE,
            identifier("assigned_to", "Who holds it.", nulls="when nobody does"),
            identifier("pod_id", "Pod it belongs to.", nulls="when it belongs to none"),
            instant("in_state_since", "When it entered its present state."),
            seconds(
                "seconds_in_state",
                "How long it has been in its present state.",
                open_rule="up to the build's as_of",
            ),
            seconds("p85_seconds", _P85.description, open_rule=_P85.open_rule),
            number(
                "times_p85",
                "DOUBLE",
                "`seconds_in_state` divided by `p85_seconds`: how many times as long as usual.",
                nulls="when p85_seconds is 0",
            ),
        ),
    ),
)

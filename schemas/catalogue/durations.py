"""The tables of how long things take: durations, time in states, ageing and stalled work."""

from __future__ import annotations

from dataclasses import replace

from schemas.catalogue.model import (
    OutputMacro,
    OutputTable,
    count,
    day,
    flag,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    share,
    text,
)
from schemas.catalogue.shared import SHARED, WRONG_ARGUMENTS, asked_by

_DURATIONS = ("mean_seconds", "p50_seconds", "p75_seconds", "p90_seconds", "p95_seconds")
_STATE = text("state", "shortId of the state.")

_P85 = seconds(
    "p85_seconds",
    "Shortest time by which 85 % of the stays of open processes in this state have ended, by a "
    "move to another state or by the closing of the process (Kaplan and Meier 1958). Stays that "
    "began before `observed_since` (see `observation_starts`) are left out.",
    nulls="until 85 % have ended",
    open_rule="running stays are included as censored, and those that a deletion or a change of "
    "procedure cut off",
)

DURATION_STATS = OutputTable(
    "duration_stats",
    "mart",
    "Durations of finished intervals, by the month in which they ended. While many processes are "
    "open, the figures are biased towards fast ones: see `time_to_outcome`. They cannot say "
    "whether processes get faster: a month in which old ones are closed looks slow, and one soon "
    "after the first process fast. `time_to_outcome_cohorts` compares months of creation. An "
    "interval counts in the procedure that the process was in when it ended.",
    "one row per procedure, measure and month of the ending event, and one for all months together",
    in_order(
        SHARED,
        (
            "procedure",
            text(
                "measure",
                "What was measured, with its column in `process_lifecycle`: `resolution` "
                "(`resolution_seconds`), `full_resolution` (`full_resolution_seconds`), "
                "`first_assignment` (`first_assignment_seconds`), `first_call` "
                "(`first_call_seconds` in `process_contacts`) or `open` (`open_seconds` of "
                "processes now completed or cancelled), or a named duration of the procedure "
                "(`process_durations`); each also in working time, prefixed with `business_`.",
                open_rule="`resolution`, `first_assignment` and `first_call` include reopened and "
                "deleted processes; `full_resolution` and `open` only processes closed now",
            ),
            day(
                "period",
                "First day of the month in which the interval ended, in the reporting time zone.",
                nulls="on the row for all months together",
            ),
            count(
                "n",
                "Intervals measured, one per process; of a named duration with `occurrence: each` "
                "all of a process.",
                open_rule="open intervals are left out",
            ),
            *(replace(SHARED[name], nulls="if `n` is 0") for name in _DURATIONS),
            count(
                "n_left_out",
                "Intervals that had ended before `observed_since` (see `observation_starts`) and "
                "are in none of the figures: most others that had ended by then are not in the "
                "data.",
            ),
        ),
    ),
    key=("procedure", "measure", "period"),
)

PROCESS_DURATIONS = OutputTable(
    "process_durations",
    "core",
    "The named durations (`durations`) of each procedure: from an event to the next one that ends "
    "them. The events are those of `sla_clocks`, with the same rules; a closing, a deletion or a "
    "change of procedure ends a duration that waits for something else.",
    "one row per process, measure and occurrence: the first, the last so far, or each, as defined",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            text("measure", "Name of the duration. Names are unique within a procedure."),
            number(
                "occurrence_no",
                "INTEGER",
                "Number of the duration among those of the process and measure, from 1. After its "
                "end, the next event that starts the measure begins a new one.",
            ),
            instant("started_at", "When it started."),
            instant("ended_at", "When it ended.", nulls="while it runs"),
            text(
                "ended_by",
                "`stop` (an event of `to`), `completed`, `cancelled`, `deleted` or `moved_out` (to "
                "another procedure).",
                nulls="while it runs",
            ),
            seconds(
                "seconds",
                "From `started_at` to `ended_at`.",
                open_rule="up to the build's as_of; a lower limit unless `ended_by` is `stop`",
            ),
            seconds(
                "business_seconds",
                "Working time of `calendar` from `started_at` to `ended_at`.",
                open_rule="as of `seconds`",
            ),
            text("calendar", "Calendar of the process when it started."),
            flag(
                "is_observed",
                "Whether it started at or after the `observed_since` of the procedure (see "
                "`observation_starts`). Of earlier ones only the long ones are known.",
            ),
        ),
    ),
    key=("procedure", "measure", "process_id", "occurrence_no"),
)

NAMED_DURATIONS = OutputTable(
    "named_durations",
    "config",
    "The named durations of each procedure, as defined; `process_durations` has them.",
    "one row per named duration",
    in_order(
        SHARED,
        (
            "procedure",
            text("measure", "Name of the duration."),
            text("starts", "The events that start it (`from`)."),
            text("stops", "The events that end it (`to`)."),
            text(
                "occurrence",
                "Which count where a process has several: `first`, `last` (so far) or `each`.",
            ),
        ),
    ),
    key=("procedure", "measure"),
)

DURATIONS = OutputMacro(
    "durations",
    "A table macro for how long a measure takes: `from durations('pickup')` of every procedure "
    "that has it, or `durations('pickup', procedure := 'lead', by := 'source')`. "
    f"{asked_by('its start')} Measures: the named durations (`named_durations`), with the prefix "
    "`business_` in working time, and `resolution` and `first_assignment`, from creation, by the "
    "current procedure of a process. `n` have ended by the event they wait for; `n_running` run; "
    "`n_ended_otherwise` were closed, deleted or moved to another procedure before it. "
    "`p25_seconds` to `p90_seconds`: shortest time by which that share has ended (Kaplan and Meier "
    "1958), null until it has; all others count as censored at the as_of or at their end. Where "
    "many are closed before the event, that is the time it takes unless they are closed. "
    "`p50_seconds_low` and `_high`: its 95 % interval (Brookmeyer and Crowley 1982, on the scale "
    "log(-log)). `finished_p50_seconds` to `finished_p90_seconds` are of the `n` only, biased "
    "towards fast ones while many run. `n_left_out` started before `observed_since` (see "
    "`observation_starts`) and are in no other figure; `is_small`: fewer than 5 have ended. "
    f"{WRONG_ARGUMENTS}",
    "one row per procedure and value with any such duration",
)

STATE_DURATIONS = OutputTable(
    "state_durations",
    "mart",
    "How long processes stay in each state, and which states take most of the time.",
    "one row per procedure and state that was ever entered",
    in_order(
        SHARED,
        (
            "procedure",
            _STATE,
            "state_name",
            "state_kind",
            "state_rank",
            count("n_visits", "Visits to the state, open ones included."),
            count("processes", "Processes that were ever in the state, deleted ones included."),
            count(
                "n_current",
                "Visits that are open at the build's as_of.",
                open_rule="includes closed processes, which remain in their last state",
            ),
            count(
                "n",
                "Visits that ended by a move to another state: those that the durations describe. "
                "In a state where most processes end, these are the few that were reopened.",
            ),
            *(replace(SHARED[name], nulls="if no visit has ended so") for name in _DURATIONS),
            seconds(
                "longest_current_seconds",
                "Longest open visit, up to the build's as_of.",
                nulls="if no visit is open",
            ),
            seconds(
                "total_open_seconds",
                "Total time of all processes in the state while open (sum of `open_stays`).",
                open_rule="open stays count up to the build's as_of",
            ),
            share(
                "share_of_open_time",
                "`total_open_seconds` divided by its sum over all states of the procedure.",
                nulls="if that sum is 0",
            ),
            number(
                "bottleneck_rank",
                "INTEGER",
                "Rank of the state by `total_open_seconds` among the states of its procedure that "
                "are not of kind `done`; 1 takes most of the time. Ties by `state_rank`.",
                nulls="for states of kind `done`",
            ),
        ),
    ),
    key=("procedure", "state"),
)

OPEN_AGEING = OutputTable(
    "open_ageing",
    "mart",
    "How long open processes have been in their current states.",
    "one row per procedure, state and time bucket with at least one open process",
    in_order(
        SHARED,
        (
            "procedure",
            _STATE,
            number("bucket_no", "INTEGER", "Number of the bucket, from 1 (the shortest time)."),
            text("bucket", "Time in the state in days of 24 h, lower limit inclusive."),
            count(
                "open_processes",
                "Open processes that have been in the state for this long at the build's as_of.",
                open_rule="a reopened process counts from when it last entered the state",
            ),
            seconds("longest_seconds", "Longest time in the state among them."),
            _P85,
            replace(
                count(
                    "n_stalled", "Those of them that have been there for longer than `p85_seconds`."
                ),
                nulls="if `p85_seconds` is null",
            ),
        ),
    ),
    key=("procedure", "state", "bucket_no"),
)

STALLED_PROCESSES = OutputTable(
    "stalled_processes",
    "mart",
    "Open processes that have been in their state for longer than 85 % of the stays of open "
    "processes there take, running ones included as censored; the longest excess first.",
    "one row per such process",
    in_order(
        SHARED,
        (
            "process_id",
            "label",
            "team_id",
            "procedure",
            _STATE,
            identifier("assigned_to", "Current assignee.", nulls="if unassigned"),
            identifier("pod_id", "Current pod.", nulls="if without a pod"),
            "pod_name",
            instant("in_state_since", "When it entered its current state."),
            seconds(
                "seconds_in_state",
                "Time in its current state.",
                open_rule="up to the build's as_of",
            ),
            seconds("p85_seconds", _P85.description, open_rule=_P85.open_rule),
            number(
                "times_p85",
                "DOUBLE",
                "`seconds_in_state` divided by `p85_seconds`.",
                nulls="if `p85_seconds` is 0",
            ),
            "link",
        ),
    ),
    key=("process_id",),
)

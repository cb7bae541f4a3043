"""Open stays, and the tables of what is open and what flows through, in words.

`backlog_daily` and `flow_daily` stand in `catalogue_marts.py`, people in `catalogue_people.py`.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    COUNT,
    PER_DAY,
    OutputColumn,
    OutputTable,
    count,
    day,
    flag,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    text,
)
from schemas.catalogue_shared import SHARED

DAY = day(
    "day", "Calendar day in the reporting time zone. It begins at midnight and may have 23 or 25 h."
)
AS_ON_THAT_DAY = "counted by what they were on that day, whatever came later"
POD_NAME = text(
    "pod_name",
    "The pod: the name `pods` has for `pod_id`, else the id as text. The latest file counts at any "
    "as_of.",
    nulls="when `pod_id` is null",
)

OPEN_STAYS = OutputTable(
    "open_stays",
    "core",
    "Stays of open processes in one state with one assignee and one pod: runs of successive "
    "versions that agree in all three, as far as the process was in an `OPEN` spell of "
    "`status_spells`. The stays of a spell follow each other without gaps; their seconds add up to "
    "those of the spell.",
    "one row per stay",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            number("stay_no", "INTEGER", "Number of the stay within the process, from 1."),
            number("spell_no", "INTEGER", "The spell in `status_spells` that it is part of."),
            text("state", "shortId of the state."),
            "state_kind",
            "state_rank",
            identifier(
                "assigned_to",
                "Who held the process during the stay.",
                nulls="while nobody held it",
            ),
            identifier(
                "pod_id", "The pod it belonged to during the stay.", nulls="while it had none"
            ),
            instant(
                "started_at",
                "Start of the stay: that of the spell, or `updatedAt` of the version with the new "
                "state, assignee or pod.",
            ),
            instant("ended_at", "End of the stay, not included.", nulls="while it is running"),
            "is_current",
            seconds(
                "seconds",
                "Length of the stay, from its start to its end. 0 when both fall in one "
                "millisecond.",
                open_rule="a running stay counts up to the build's as_of",
            ),
            text(
                "began_by",
                "What began it: `created`, `reopened` or `restored` on the first of a spell, else "
                "`reassigned` (another assignee) or `moved` (another state or pod only).",
            ),
            text(
                "ended_by",
                "What ended it: `completed`, `cancelled` or `deleted` on the last of a spell, else "
                "`reassigned` or `moved`.",
                nulls="while it is running",
            ),
        ),
    ),
)

BACKLOG_DAILY_BY_ASSIGNEE = OutputTable(
    "backlog_daily_by_assignee",
    "mart",
    "Open processes by who held them at the end of each day; the last day ends at the build's "
    "as_of. Over all rows of a day they add up to those of `backlog_daily`.",
    "one row per day, procedure and assignee with at least one open process; nobody is a row too",
    in_order(
        SHARED,
        (
            DAY,
            "procedure",
            identifier(
                "assigned_to",
                "Who held the processes at the end of the day.",
                nulls="on the row of processes that nobody held",
            ),
            "assigned_to_name",
            count(
                "open_processes",
                "Processes in status `OPEN`, held by this assignee and not deleted at the end of "
                "the day.",
                open_rule=AS_ON_THAT_DAY,
            ),
        ),
    ),
)

BACKLOG_DAILY_BY_POD = OutputTable(
    "backlog_daily_by_pod",
    "mart",
    "Open processes by pod at the end of each day; the last day ends at the build's as_of. Over "
    "all rows of a day they add up to those of `backlog_daily`.",
    "one row per day, procedure and pod with at least one open process; no pod is a row too",
    in_order(
        SHARED,
        (
            DAY,
            "procedure",
            identifier(
                "pod_id",
                "The pod they belonged to at the end of the day.",
                nulls="on the row of processes that had none",
            ),
            POD_NAME,
            count(
                "open_processes",
                "Processes in status `OPEN`, of this pod and not deleted at the end of the day.",
                open_rule=AS_ON_THAT_DAY,
            ),
        ),
    ),
)

CUMULATIVE_FLOW = OutputTable(
    "cumulative_flow",
    "mart",
    "How many processes had ever come as far as each state by the end of each day: the lines of a "
    "cumulative flow diagram. A process counts for a state from its first visit to that state or "
    "to one of higher rank on, once, and stays counted: going back, closing and deletion take "
    "nothing away. So lines never fall and never cross; between two of them lie the processes "
    "whose furthest state is the upper one, cancelled and deleted ones included.",
    "one row per day of `flow_daily`, procedure and state",
    in_order(
        SHARED,
        (
            DAY,
            "procedure",
            text("state", "shortId of the state."),
            "state_rank",
            count(
                "arrived",
                "Processes that came as far as this state for the first time on the day. What came "
                "before the first day of `flow_daily`, without ever having been open, stands on "
                "that day.",
            ),
            count(
                "arrived_so_far",
                "Sum of `arrived` up to the end of the day, or to the build's as_of.",
                open_rule="counted once, however often a process comes back",
            ),
        ),
    ),
)


def _average(name: str, description: str, *, unit: str = COUNT, nulls: str = "") -> OutputColumn:
    return OutputColumn(name, "DOUBLE", description, unit, nulls)


_NO_TIME = "when the week has begun in this very millisecond"
_NONE_CLOSED = "when no process was closed in the week"

FLOW_WEEKLY = OutputTable(
    "flow_weekly",
    "mart",
    "Arrivals, closings and work in progress of each week, and Little's law on them (L = lambda x "
    "W: in a steady flow the average number open is the arrival rate times the mean time open). "
    "open_at_start + arrivals - closed - deleted = open_at_end.",
    "one row per procedure and week, from the first event to the week of the build's as_of",
    in_order(
        SHARED,
        (
            day("week", "Monday with which the week (ISO) begins, in the reporting time zone."),
            "procedure",
            flag(
                "is_partial",
                "Whether the week was not over at the build's as_of, where it then ends: only the "
                "last week can be.",
            ),
            count("open_at_start", "Open processes when the week began."),
            count("created", "Processes that started and were open."),
            count("reopened", "Moves from `COMPLETED` or `CANCELLED` to `OPEN`."),
            count(
                "restored",
                "Processes open again after a deletion, and such as were deleted when first seen.",
            ),
            count(
                "arrivals",
                "created + reopened + restored.",
                open_rule="one process may count several times",
            ),
            count("completed", "Moves from `OPEN` to `COMPLETED`."),
            count("cancelled", "Moves from `OPEN` to `CANCELLED`."),
            count(
                "closed",
                "completed + cancelled.",
                open_rule="stays in the week it happened when the process is reopened later",
            ),
            count("deleted", "Deletions of open processes. Those of closed ones change nothing."),
            count("open_at_end", "Open processes at the end of the week, or at the build's as_of."),
            _average(
                "arrivals_per_day",
                "`arrivals` divided by the length of the week in days of 24 h: lambda.",
                unit=PER_DAY,
                nulls=_NO_TIME,
            ),
            _average(
                "throughput_per_day",
                "`closed` divided by the length of the week in days of 24 h.",
                unit=PER_DAY,
                nulls=_NO_TIME,
            ),
            _average(
                "average_open_processes",
                "Average number of open processes over all milliseconds of the week, as measured: "
                "work in progress.",
                nulls=_NO_TIME,
            ),
            seconds(
                "mean_open_seconds",
                "Mean length of the `OPEN` spells that ended in the week with a completion or "
                "cancellation: time in the system, W.",
                nulls=_NONE_CLOSED,
                open_rule="each spell of a reopened process counts for itself",
            ),
            _average(
                "predicted_open_processes",
                "What Little's law says of `average_open_processes`: arrivals per second x "
                "`mean_open_seconds`. The law holds of steady work. Far lower: work piles up, "
                "only young work was closed, or nothing new arrives any more. Far higher: old "
                "work was cleared.",
                nulls=f"{_NONE_CLOSED}, and {_NO_TIME}",
            ),
        ),
    ),
)

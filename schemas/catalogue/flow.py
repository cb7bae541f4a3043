"""The tables of what is open at the end of each day, and what opens and closes."""

from __future__ import annotations

from schemas.catalogue.model import (
    COUNT,
    PER_DAY,
    OutputColumn,
    OutputMacro,
    OutputTable,
    count,
    day,
    flag,
    identifier,
    in_order,
    seconds,
    text,
)
from schemas.catalogue.shared import SHARED, WRONG_ARGUMENTS

AS_ON_THAT_DAY = "as of that day; later events do not change it"

BACKLOG_DAILY = OutputTable(
    "backlog_daily",
    "mart",
    "Open processes by state at the end of each day; the last day ends at the build's as_of.",
    "one row per day, procedure and state with at least one open process",
    in_order(
        SHARED,
        (
            "day",
            "procedure",
            text("state", "shortId of the state."),
            count(
                "open_processes",
                "Processes with status `OPEN`, in this state and not deleted at the end of the "
                "day. Over all states they add up to `open_at_end` in `flow_daily`.",
                open_rule=AS_ON_THAT_DAY,
            ),
        ),
    ),
    key=("day", "procedure", "state"),
)

BACKLOG_DAILY_BY_ASSIGNEE = OutputTable(
    "backlog_daily_by_assignee",
    "mart",
    "Open processes by assignee at the end of each day; the last day ends at the build's as_of. "
    "Over all rows of a day they add up to those of `backlog_daily`.",
    "one row per day, procedure and assignee (or unassigned) with at least one open process",
    in_order(
        SHARED,
        (
            "day",
            "procedure",
            identifier(
                "assigned_to",
                "Assignee at the end of the day.",
                nulls="on the row for unassigned processes",
            ),
            "assigned_to_name",
            count(
                "open_processes",
                "Processes with status `OPEN`, this assignee and not deleted at the end of the "
                "day.",
                open_rule=AS_ON_THAT_DAY,
            ),
        ),
    ),
    key=("day", "procedure", "assigned_to"),
)

BACKLOG_DAILY_BY_POD = OutputTable(
    "backlog_daily_by_pod",
    "mart",
    "Open processes by pod at the end of each day; the last day ends at the build's as_of. Over "
    "all rows of a day they add up to those of `backlog_daily`.",
    "one row per day, procedure and pod (or none) with at least one open process",
    in_order(
        SHARED,
        (
            "day",
            "procedure",
            identifier(
                "pod_id",
                "Pod at the end of the day.",
                nulls="on the row for processes without a pod",
            ),
            "pod_name",
            count(
                "open_processes",
                "Processes with status `OPEN`, of this pod and not deleted at the end of the day.",
                open_rule=AS_ON_THAT_DAY,
            ),
        ),
    ),
    key=("day", "procedure", "pod_id"),
)

FLOW_DAILY = OutputTable(
    "flow_daily",
    "mart",
    "Processes opened and closed on each day. open_at_start + created + reopened + restored + "
    "moved_in - completed - cancelled - deleted - moved_out = open_at_end. An event at midnight "
    "belongs to the day that begins.",
    "one row per procedure and day, from the first event to the day of the build's as_of",
    in_order(
        SHARED,
        (
            "day",
            "procedure",
            count(
                "open_at_start",
                "Open processes at the start of the day: `open_at_end` of the day before.",
            ),
            count("created", "Processes that started, also if closed at their start."),
            count(
                "reopened",
                "Changes from `COMPLETED` or `CANCELLED` to `OPEN`.",
                open_rule="one process may count several times",
            ),
            count(
                "restored",
                "Processes open again after a deletion, plus processes first seen deleted.",
            ),
            count(
                "moved_in",
                "Open processes that came from another procedure, also if closed on arrival.",
            ),
            count(
                "completed",
                "Changes from `OPEN` to `COMPLETED`.",
                open_rule="counts on that day, also if the process is reopened later",
            ),
            count(
                "cancelled",
                "Changes from `OPEN` to `CANCELLED`.",
                open_rule="counts on that day, also if the process is reopened later",
            ),
            count("deleted", "Deletions of open processes; deletions of closed ones do not count."),
            count("moved_out", "Open processes that went to another procedure."),
            count("open_at_end", "Open processes at the end of the day, or at the build's as_of."),
        ),
    ),
    key=("procedure", "day"),
)


def _average(name: str, description: str, *, unit: str = COUNT, nulls: str = "") -> OutputColumn:
    return OutputColumn(name, "DOUBLE", description, unit, nulls)


_NO_TIME = "if the week began exactly at the as_of"

_NONE_CLOSED = "if no process was closed in the week"

FLOW_WEEKLY = OutputTable(
    "flow_weekly",
    "mart",
    "Arrivals, closings and work in progress by week, with Little's law (L = lambda x W: in a "
    "steady flow the average number of open processes is the arrival rate times the mean time "
    "open). open_at_start + arrivals + moved_in - closed - deleted - moved_out = open_at_end.",
    "one row per procedure and week, from the first event to the week of the build's as_of",
    in_order(
        SHARED,
        (
            day("week", "Monday on which the ISO week begins, in the reporting time zone."),
            "procedure",
            flag(
                "is_partial",
                "Whether the week was incomplete at the build's as_of, where it then ends. Only "
                "the last week can be.",
            ),
            count("open_at_start", "Open processes at the start of the week."),
            count("created", "Processes that started, also if closed at their start."),
            count("reopened", "Changes from `COMPLETED` or `CANCELLED` to `OPEN`."),
            count(
                "restored",
                "Processes open again after a deletion, plus processes first seen deleted.",
            ),
            count(
                "moved_in",
                "Open processes that came from another procedure, also if closed on arrival.",
            ),
            count(
                "arrivals",
                "created + reopened + restored.",
                open_rule="one process may count several times",
            ),
            count("completed", "Changes from `OPEN` to `COMPLETED`."),
            count("cancelled", "Changes from `OPEN` to `CANCELLED`."),
            count(
                "closed",
                "completed + cancelled.",
                open_rule="counts in that week, also if the process is reopened later",
            ),
            count("deleted", "Deletions of open processes; deletions of closed ones do not count."),
            count("moved_out", "Open processes that went to another procedure."),
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
                "work in progress, L.",
                nulls=_NO_TIME,
            ),
            seconds(
                "mean_open_seconds",
                "Mean length of the `OPEN` spells that ended in the week by a completion or "
                "cancellation: time in the system, W.",
                nulls=_NONE_CLOSED,
                open_rule="each spell of a reopened process counts separately",
            ),
            _average(
                "predicted_open_processes",
                "`average_open_processes` as predicted by Little's law: arrivals per second x "
                "`mean_open_seconds`. It holds for a steady flow only. Test: what came (arrivals + "
                "moved_in) and went (closed + deleted + moved_out) differ by no more than 1.96 x "
                "the square root of their sum, as two counts of one rate do 95 times of 100. If "
                "the prediction is still much lower, mostly recent work was closed; if much "
                "higher, old work was.",
                nulls="if the week is partial, fewer than 5 processes were closed in it (too few "
                "for a mean), or the flow was not steady",
            ),
        ),
    ),
    key=("procedure", "week"),
)

CUMULATIVE_FLOW = OutputTable(
    "cumulative_flow",
    "mart",
    "How many processes had reached each state by the end of each day: the lines of a cumulative "
    "flow diagram. A process counts once for a state, from its first visit to that state or one of "
    "higher rank; backward moves, closing and deletion do not remove it. Lines therefore never "
    "fall or cross; the processes between two lines are those whose furthest state is the upper "
    "one, cancelled and deleted ones included.",
    "one row per day of `flow_daily`, procedure and state",
    in_order(
        SHARED,
        (
            "day",
            "procedure",
            text("state", "shortId of the state."),
            "state_rank",
            count(
                "arrived",
                "Processes that reached this state for the first time on the day. Earlier arrivals "
                "of processes that were never open count on the first day of `flow_daily`.",
            ),
            count(
                "arrived_so_far",
                "Sum of `arrived` up to the end of the day, or the build's as_of.",
                open_rule="a process counts once, however often it returns",
            ),
        ),
    ),
    key=("procedure", "day", "state"),
)

BACKLOG = OutputMacro(
    "backlog",
    "A table macro for what was open at the end of each day, as in `backlog_daily`: `from "
    "backlog(by := 'assigned_to')`. `by` is `state`, `assigned_to` or `pod_id`, as of that day; "
    "`created_month`; or, together with `procedure`, a column of its table (`lead_processes`), "
    "with the values at the build's as_of; null gives one row per day. `filter` is that of "
    "`funnel`. `from_date` and `to_date` are the first and the last day, in the reporting time "
    f"zone. Over all values of a day `open_processes` adds up to `open_at_end` in `flow_daily`. "
    f"{WRONG_ARGUMENTS}",
    "one row per day, procedure and value with at least one open process",
)

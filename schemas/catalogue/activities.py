"""The tables of tasks and calls, and what they add up to for each process."""

from __future__ import annotations

from schemas.catalogue.model import (
    COUNT,
    OutputColumn,
    OutputTable,
    count,
    day,
    flag,
    identifier,
    in_order,
    instant,
    seconds,
    share,
    small_count,
    small_sample,
    text,
)
from schemas.catalogue.shared import SHARED

_LATEST = "each in its latest version as at the build's as_of"
_MISSING = "if the line has none"
_PROCESS = (
    identifier("process_id", "Process it is about.", nulls=_MISSING),
    flag(
        "is_orphan",
        "Whether it is about a process that is not known; `violations` has a row then.",
    ),
    text(
        "procedure",
        "shortId of the procedure of that process: its kind, such as `lead` or `ticket`.",
        nulls="if no process of that id is known",
    ),
    identifier(
        "process_assigned_to",
        "Current assignee of that process.",
        nulls="if it is unassigned or not known",
    ),
    identifier("record_id", "Record it is about.", nulls=_MISSING),
)
_LAST = (
    instant("created_at", "`createdAt`.", nulls=_MISSING),
    instant("updated_at", "`updatedAt` of the version."),
    flag("is_deleted", "Whether it is deleted. Deleted ones are in no count."),
)

TASKS = OutputTable(
    "tasks",
    "core",
    f"The contents of the files named `tasks`, {_LATEST}; empty without such files.",
    "one row per task",
    (
        identifier("task_id", "Id of the task."),
        *_PROCESS,
        identifier("parent_task_id", "Task above it.", nulls=_MISSING),
        text("title", "What is to be done.", nulls=_MISSING, personal="indirect"),
        text("description", "More about it.", nulls=_MISSING, personal="indirect"),
        OutputColumn("position", "DOUBLE", "Its position among tasks: `order`.", nulls=_MISSING),
        text("status", "`OPEN`, `COMPLETED` or `CANCELLED`."),
        text("task_type", "Its type, as the line has it.", nulls=_MISSING),
        identifier("created_by", "User who created it.", nulls=_MISSING),
        identifier("assigned_to", "User who is to do it.", nulls="if unassigned"),
        identifier("pod_id", "Pod of the task.", nulls=_MISSING),
        instant("starts_at", "Planned start.", nulls=_MISSING),
        instant("ends_at", "Planned end.", nulls=_MISSING),
        instant("due_at", "When it is due: `dueBy`.", nulls=_MISSING),
        instant("started_at", "When it was begun.", nulls=_MISSING),
        instant("completed_at", "When it was completed: `completedAt`.", nulls=_MISSING),
        instant("cancelled_at", "When it was cancelled.", nulls=_MISSING),
        flag(
            "is_overdue",
            "Whether it is open, not deleted, and was due before the build's as_of.",
            open_rule="false once it is completed or cancelled, however late",
        ),
        seconds(
            "overdue_seconds",
            "From `due_at` to the build's as_of.",
            nulls="unless `is_overdue`",
            open_rule="increases up to the build's as_of",
        ),
        seconds(
            "completion_seconds",
            "From `created_at` to the completion: `completed_at`, but not later than `updated_at`, "
            "which also counts without it. 0 for a task that was recorded after it was done.",
            nulls="unless `status` is `COMPLETED`, or without `created_at`",
        ),
        *_LAST,
    ),
    key=("task_id",),
)

CALLS = OutputTable(
    "calls",
    "core",
    f"The contents of the files named `calls`, {_LATEST}; empty without such files.",
    "one row per call",
    (
        identifier("call_id", "Id of the call."),
        *_PROCESS,
        identifier("task_id", "Task it was made for.", nulls=_MISSING),
        identifier("user_id", "User who called, or was called.", nulls=_MISSING),
        text("direction", "`OUTBOUND` or `INBOUND`: `type`.", nulls=_MISSING),
        text("status", "`callStatus`, such as `COMPLETED`, `BUSY` or `UNANSWERED`."),
        flag(
            "is_connected",
            "Whether somebody answered: it has a `connectionStart` or a `connectionDuration` above "
            "0, or its status is `ANSWERED`.",
        ),
        instant("call_start_at", "When it was dialled, or rang: `callStart`.", nulls=_MISSING),
        instant(
            "connection_start_at", "When it was answered.", nulls="if it was not, as far as known"
        ),
        instant(
            "connection_end_at", "When it was hung up.", nulls="if not connected, or not ended"
        ),
        instant("call_end_at", "When it ended: `callEnd`.", nulls=_MISSING),
        instant("disposed_at", "When its result was recorded.", nulls="until then"),
        seconds(
            "call_seconds",
            "From `call_start_at` to `call_end_at`; without either, `callDuration` of the line.",
            nulls="if neither is known",
        ),
        seconds(
            "ring_seconds",
            "From `call_start_at` to `connection_start_at`.",
            nulls="if either is missing, or the second is earlier",
        ),
        seconds(
            "talk_seconds",
            "From `connection_start_at` to `connection_end_at`; without either, "
            "`connectionDuration` of the line.",
            nulls="unless `is_connected`, or if neither is known",
        ),
        seconds(
            "wrap_up_seconds",
            "From `connection_end_at` to `disposed_at`.",
            nulls="if either is missing, or the second is earlier",
        ),
        text("from_number", "Number that called.", nulls=_MISSING, personal="direct"),
        text("to_number", "Number that was called.", nulls=_MISSING, personal="direct"),
        text("provider", "Telephony provider.", nulls=_MISSING),
        *_LAST,
    ),
    key=("call_id",),
)

_CALL_INSTANT = (
    "A call is made at its `call_start_at`, otherwise its `connection_start_at`, but not later "
    "than its `updated_at`."
)

PROCESS_CONTACTS = OutputTable(
    "process_contacts",
    "core",
    "Calls and tasks of each process so far, without deleted ones. The columns are also in the "
    f"table of each procedure. {_CALL_INSTANT}",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            instant(
                "first_call_at",
                "The first call from the start of the process on, in any direction, answered or "
                "not. Calls that led to the process are earlier.",
                nulls="if there is none",
                open_rule="not changed by a reopening",
            ),
            seconds(
                "first_call_seconds",
                "From the start of the process to `first_call_at`.",
                nulls="if there is no such call",
                open_rule="not changed by a reopening",
            ),
            seconds(
                "business_first_call_seconds",
                "As `first_call_seconds`, in working time of the calendars that applied.",
                nulls="if there is no such call",
                open_rule="not changed by a reopening",
            ),
            instant(
                "first_connected_call_at",
                "When the first call from the start of the process on was answered.",
                nulls="if there is none",
            ),
            OutputColumn(
                "n_calls_until_connected",
                "INTEGER",
                "Calls from the start of the process up to the first that was answered, with it.",
                COUNT,
                nulls="if none was answered",
            ),
            small_count("n_calls", "Calls, those before the start of the process included."),
            small_count("n_connected_calls", "Those of `n_calls` that were answered."),
            share(
                "share_calls_connected",
                "`n_connected_calls` divided by `n_calls`.",
                nulls="if there are no calls",
            ),
            seconds("talk_seconds", "Sum of `talk_seconds` of its calls."),
            instant("last_call_at", "The latest call.", nulls="if there is none"),
            small_count("n_tasks", "Tasks."),
            small_count("n_open_tasks", "Those of `n_tasks` that are open."),
            small_count("n_completed_tasks", "Those of `n_tasks` that are completed."),
            small_count(
                "n_overdue_tasks",
                "Those of `n_open_tasks` that were due before the build's as_of.",
                open_rule="also of closed processes",
            ),
            flag(
                "is_followed_up",
                "Whether something is planned after the last call: an open task that is due (or "
                "planned, or without any date created) then or later, or the next action of an "
                "open process.",
                nulls="without a call",
            ),
        ),
    ),
    key=("process_id",),
)

_MEDIAN = "interpolated linearly"

CALL_STATS = OutputTable(
    "call_stats",
    "mart",
    "Calls about processes, and how many were answered: in all, by month, and by who called. "
    "Deleted calls are left out, and so are those about no known process.",
    "one row per procedure, level and values of that level; sums are right within one level",
    in_order(
        SHARED,
        (
            "procedure",
            text("level", "`all`, `month`, `user` or `user_month`: what a row is for."),
            day(
                "period",
                "First day of the month in which the call was made (without any start, recorded), "
                "in the reporting time zone.",
                nulls="on levels without months",
            ),
            identifier(
                "user_id",
                "User who called, or was called.",
                nulls="on levels without users, and for calls without one",
            ),
            text(
                "user_name",
                "Name of `user_id` in `users`, otherwise the id as text. The latest file applies "
                "at any as_of.",
                nulls="when `user_id` is null",
                personal="direct",
            ),
            count("calls", "Calls, in any direction."),
            count("connected", "Those of `calls` that were answered."),
            share("share_connected", "`connected` divided by `calls`."),
            *(
                share(
                    f"share_connected_{end}",
                    f"{side} limit of the 95 % interval (Wilson) of `share_connected`, calls being "
                    "independent of each other, which several calls to one person are not.",
                )
                for end, side in (("low", "Lower"), ("high", "Upper"))
            ),
            small_sample("calls"),
            count("processes", "Processes that the calls were about."),
            count("processes_connected", "Those of `processes` with a call that was answered."),
            OutputColumn(
                "calls_per_process_connected",
                "DOUBLE",
                "`calls` divided by `processes_connected`: attempts behind each process reached.",
                nulls="if no call was answered",
            ),
            seconds("talk_seconds", "Sum of `talk_seconds` of the calls."),
            seconds(
                "p50_talk_seconds",
                f"Median of `talk_seconds` of the calls that have it, {_MEDIAN}.",
                nulls="if none has it",
            ),
            seconds(
                "p50_ring_seconds",
                f"Median of `ring_seconds` of the calls that have it, {_MEDIAN}.",
                nulls="if none has it",
            ),
        ),
    ),
    key=("procedure", "level", "period", "user_id"),
)

"""The tables of follow-ups, in words: next actions that were planned, and what became of them.

The plan as it stands is `next_action_at` of `processes`.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputTable,
    count,
    flag,
    identifier,
    in_order,
    instant,
    number,
    share,
    text,
)
from schemas.catalogue_shared import SHARED

_ANSWERABLE = (
    "Who was answerable: who held the process when the follow-up fell due, or when it ended if "
    "that was earlier; while neither has happened, who holds it."
)

FOLLOW_UPS = OutputTable(
    "follow_ups",
    "core",
    "Next actions that were planned for open processes (`nextActionAt`), and what became of each. "
    "A follow-up is set when the value of an open process becomes another one that is not null. It "
    "ends by the first of these: the state changes, the value is taken away or replaced, the "
    "process is closed or deleted. A change of state, a value taken away and a completion count as "
    "done. A value that stands on after the state changed is not set anew.",
    "one row per follow-up that was set",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            number(
                "follow_up_no", "INTEGER", "Number of the follow-up within the process, from 1."
            ),
            identifier("assigned_to", _ANSWERABLE, nulls="when nobody held it"),
            instant(
                "set_at",
                "`updatedAt` of the first version with the value, or the start of the process when "
                "that is the first version of all.",
            ),
            instant("due_at", "When the next action was to be: the value of `nextActionAt`."),
            instant("ended_at", "When the follow-up ended.", nulls="while it is open"),
            text(
                "ended_by",
                "What ended it: `state_changed`, `cleared` (the value was taken away), "
                "`rescheduled` (another value took its place, in the same state), `completed`, "
                "`cancelled` or `deleted`.",
                nulls="while it is open",
            ),
            instant(
                "removed_at",
                "When the record of the open process stopped holding the value. Later than "
                "`ended_at` where it stood on after the state changed.",
                nulls="while the value stands",
            ),
            text(
                "outcome",
                "`done_in_time` or `done_late` (ended by `state_changed`, `cleared` or "
                "`completed`, not later than `due_at` or later), `moved` (`rescheduled`), "
                "`cancelled`, `deleted`; `open` or `overdue` while not ended.",
                open_rule="`overdue` when `due_at` lies before the build's as_of",
            ),
            flag(
                "is_late",
                "Whether `due_at` passed before it ended, whatever ended it.",
                open_rule="while open: before the build's as_of",
            ),
        ),
    ),
)

FOLLOW_UP_STATS = OutputTable(
    "follow_up_stats",
    "mart",
    "What became of follow-ups by who was answerable. n = done_in_time + done_late + moved + "
    "cancelled + deleted + open + overdue.",
    "one row per procedure and assignee; nobody is a row too",
    in_order(
        SHARED,
        (
            "procedure",
            identifier(
                "assigned_to", _ANSWERABLE, nulls="on the row of follow-ups that nobody held"
            ),
            "assigned_to_name",
            count("n", "Follow-ups that were set."),
            count("done_in_time", "Done when due or before."),
            count("done_late", "Done after they were due."),
            count("moved", "Moved to another time before they were done."),
            count("cancelled", "Not done: the process was cancelled."),
            count("deleted", "Not done: the process was deleted."),
            count("open", "Not done yet, and not due yet."),
            count(
                "overdue",
                "Not done yet, and due before the build's as_of. Fewer than are `is_overdue` in "
                "`process_lifecycle`, where a date also counts that stood on after it was done.",
                open_rule="processes still open",
            ),
            count("late", "Those that fell due before they ended, whatever ended them."),
            share(
                "share_in_time",
                "done_in_time / (done_in_time + late): how much was kept of what was decided. "
                "Follow-ups moved, cancelled or deleted before they were due are left out.",
                nulls="when nothing is decided yet",
            ),
        ),
    ),
)

"""The tables of follow-ups: next actions that were planned, and what became of them."""

from __future__ import annotations

from schemas.catalogue.model import (
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
from schemas.catalogue.shared import SHARED

_RESPONSIBLE = (
    "Responsible assignee: the assignee when the follow-up became due, or when it ended if that "
    "was earlier; until then, the current assignee."
)

FOLLOW_UPS = OutputTable(
    "follow_ups",
    "core",
    "Next actions planned for open processes (`nextActionAt`), and how each ended. A follow-up is "
    "set when the value of an open process changes to another one that is not null. It ends at the "
    "first of these events: the state changes, the value is cleared or replaced, the process is "
    "closed, is deleted or changes its procedure. A change of state, a cleared value and a "
    "completion count as done. A value that remains after the state changed does not set another "
    "follow-up; one that remains after a change of procedure does.",
    "one row per follow-up that was set",
    in_order(
        SHARED,
        (
            "process_id",
            "label",
            "team_id",
            "procedure",
            number(
                "follow_up_no", "INTEGER", "Number of the follow-up within the process, from 1."
            ),
            identifier("assigned_to", _RESPONSIBLE, nulls="if unassigned"),
            instant(
                "set_at",
                "`updatedAt` of the first version with the value; for the first version of the "
                "process, the start of the process.",
            ),
            instant("due_at", "When the next action was due: the value of `nextActionAt`."),
            instant("ended_at", "When the follow-up ended.", nulls="while it is open"),
            text(
                "ended_by",
                "What ended it: `state_changed`, `cleared` (the value was removed), `rescheduled` "
                "(the value was replaced in the same state), `completed`, `cancelled`, `deleted` "
                "or `moved_out` (to another procedure).",
                nulls="while it is open",
            ),
            instant(
                "removed_at",
                "When the record of the open process no longer held the value. Later than "
                "`ended_at` if the value remained after the state changed.",
                nulls="while the record holds the value",
            ),
            text(
                "outcome",
                "`done_in_time` or `done_late` (ended by `state_changed`, `cleared` or "
                "`completed`, by `due_at` or after it), `moved` (`rescheduled`), `cancelled`, "
                "`deleted`, `moved_out`; `open` or `overdue` until it ends.",
                open_rule="`overdue` when `due_at` lies before the build's as_of",
            ),
            flag(
                "is_late",
                "Whether it ended after `due_at`, whatever ended it.",
                open_rule="if it has not ended: whether `due_at` lies before the build's as_of",
            ),
            "link",
        ),
    ),
    key=("process_id", "follow_up_no"),
)

FOLLOW_UP_STATS = OutputTable(
    "follow_up_stats",
    "mart",
    "Results of follow-ups by responsible assignee. n = done_in_time + done_late + moved + "
    "cancelled + deleted + moved_out + open + overdue.",
    "one row per procedure and assignee, and one for unassigned",
    in_order(
        SHARED,
        (
            "procedure",
            identifier("assigned_to", _RESPONSIBLE, nulls="on the row for unassigned follow-ups"),
            "assigned_to_name",
            count("n", "Follow-ups that were set."),
            count("done_in_time", "Done by the due time."),
            count("done_late", "Done after the due time."),
            count("moved", "Rescheduled before they were done."),
            count("cancelled", "Not done: the process was cancelled."),
            count("deleted", "Not done: the process was deleted."),
            count("moved_out", "Not done: the process went to another procedure."),
            count("open", "Not done yet, and not due yet."),
            count(
                "overdue",
                "Not done yet, and due before the build's as_of. Fewer than `is_overdue` processes "
                "in `process_lifecycle`, which also counts dates that remained after they were "
                "done.",
                open_rule="processes still open",
            ),
            count("late", "Follow-ups that became due before they ended, whatever ended them."),
            share(
                "share_in_time",
                "done_in_time / (done_in_time + late). Follow-ups that ended before they were due "
                "without being done are left out.",
                nulls="if both are 0",
            ),
        ),
    ),
    key=("procedure", "assigned_to"),
)

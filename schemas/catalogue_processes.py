"""The two tables with one row per process, in words: what it is now, and what happened so far.

Together with the attributes they make up the wide table of a procedure (`catalogue.py`).
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputTable,
    flag,
    identifier,
    in_order,
    instant,
    seconds,
    small_count,
    text,
)
from schemas.catalogue_shared import SHARED

_RUNS = "the running part counts up to the build's as_of"
_WHILE_OPEN = "summed over all stays, and only while the process was open"

PROCESSES = OutputTable(
    "processes",
    "core",
    "Leads, tickets and other processes as their latest version up to the build's as_of says.",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            identifier("team_id", "Team the process belongs to."),
            "procedure",
            identifier("record_id", "Record the process is about.", nulls="when there is none"),
            identifier("entity_id", "Entity of that record.", nulls="when there is none"),
            identifier(
                "pod_id",
                "Pod the process belongs to (`belongsTo` of the record).",
                nulls="when it belongs to none",
            ),
            identifier("created_by", "Who created the process.", nulls="when not recorded"),
            identifier(
                "assigned_to",
                "Who holds the process in its latest version.",
                nulls="while nobody holds it",
            ),
            text(
                "status",
                "`OPEN`, `COMPLETED` or `CANCELLED`. Independent of the state, and kept when a "
                "process is deleted: to count what is open use `outcome`.",
            ),
            text("state", "shortId of the state the latest version is in."),
            "state_name",
            "state_kind",
            text(
                "outcome",
                "`deleted` when the latest version is deleted, otherwise `open`, `completed` or "
                "`cancelled` by its status.",
                open_rule="a process that was reopened is `open` again",
            ),
            instant(
                "created_at",
                "When the process was created, as the latest version says. The process starts "
                "here, or at `first_seen_at` if that is earlier; durations are measured from its "
                "start.",
            ),
            instant("updated_at", "`updatedAt` of the latest version."),
            instant(
                "completed_at",
                "Start of the completion that holds now: `completedAt` of the record where it is "
                "plausible (see `status_spells`), otherwise the version that first shows it.",
                nulls="unless `outcome` is `completed`",
                open_rule="null again after a reopening; see `first_completed_at`",
            ),
            instant(
                "cancelled_at",
                "Start of the cancellation that holds now, found like `completed_at`.",
                nulls="unless `outcome` is `cancelled`",
                open_rule="null again after a reopening",
            ),
            instant(
                "deleted_at",
                "Version that began the deletion that holds now.",
                nulls="unless `outcome` is `deleted`",
            ),
            "next_action_at",
            identifier(
                "first_assigned_to",
                "Who held the process first, as the latest version says. Not checked against the "
                "versions.",
                nulls="when not recorded",
            ),
            "first_assigned_at",
            instant(
                "last_assigned_at",
                "When the process was last assigned, as the latest version says.",
                nulls="when not recorded",
            ),
            identifier("primary_booking_id", "Main booking.", nulls="when there is none"),
            identifier(
                "parent_procedure",
                "Id (not shortId) of the procedure of the parent process.",
                nulls="without a parent",
            ),
            identifier("parent_process_id", "Parent process.", nulls="without a parent"),
            instant("first_seen_at", "`updatedAt` of the earliest version."),
            small_count(
                "n_versions", "Versions up to the build's as_of, without exact duplicates."
            ),
        ),
    ),
)

PROCESS_LIFECYCLE = OutputTable(
    "process_lifecycle",
    "core",
    "What happened to each process so far: completions, time spent, moves and assignments. "
    "Clocks that still run end at the build's as_of.",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            instant(
                "first_completed_at",
                "Start of the first completion.",
                nulls="until the process is completed",
                open_rule="kept after a reopening",
            ),
            instant(
                "last_completed_at",
                "Start of the latest completion.",
                nulls="until the process is completed",
                open_rule="kept after a reopening, until the next completion",
            ),
            small_count("n_completions", "How often the process was completed."),
            small_count(
                "n_reopens",
                "How often the process went from `COMPLETED` or `CANCELLED` back to `OPEN`.",
                open_rule="counts at once, not only after the next completion",
            ),
            flag("is_reopened", "Whether the process is open now and was closed before."),
            seconds(
                "resolution_seconds",
                "From the start of the process to its first completion.",
                nulls="until the process is completed; cancelled processes have none",
                open_rule="a reopening does not change it; see `full_resolution_seconds`",
            ),
            seconds(
                "full_resolution_seconds",
                "From the start of the process to its latest completion, reopenings included.",
                nulls="unless `outcome` is `completed`",
                open_rule="null again while reopened",
            ),
            seconds(
                "open_seconds",
                "Time in status `OPEN`, all such spells together. Time while deleted is not in it.",
                open_rule=_RUNS,
            ),
            seconds(
                "age_seconds",
                "From the start of the process to the build's as_of, closed times included.",
                nulls="unless `outcome` is `open`",
                open_rule="runs up to the build's as_of",
            ),
            text(
                "calendar",
                "The calendar whose working time counts for the process; "
                "`always` is every hour of every day.",
            ),
            seconds(
                "business_resolution_seconds",
                "As `resolution_seconds`, in working time of the process's calendar.",
                nulls="until the process is completed; cancelled processes have none",
                open_rule="a reopening does not change it",
            ),
            seconds(
                "business_full_resolution_seconds",
                "As `full_resolution_seconds`, in working time of the process's calendar.",
                nulls="unless `outcome` is `completed`",
                open_rule="null again while reopened",
            ),
            seconds(
                "business_open_seconds",
                "As `open_seconds`, in working time of the process's calendar.",
                open_rule=_RUNS,
            ),
            seconds(
                "business_age_seconds",
                "As `age_seconds`, in working time of the process's calendar.",
                nulls="unless `outcome` is `open`",
                open_rule=_RUNS,
            ),
            seconds(
                "queue_seconds", f"Time in states of kind `queue`, {_WHILE_OPEN}.", open_rule=_RUNS
            ),
            seconds(
                "work_seconds", f"Time in states of kind `work`, {_WHILE_OPEN}.", open_rule=_RUNS
            ),
            seconds(
                "waiting_customer_seconds",
                f"Time in states of kind `waiting_customer`, {_WHILE_OPEN}.",
                open_rule=_RUNS,
            ),
            seconds(
                "waiting_other_seconds",
                f"Time in states of kind `waiting_other`, {_WHILE_OPEN}.",
                open_rule=_RUNS,
            ),
            seconds(
                "done_seconds",
                f"Time in states of kind `done`, {_WHILE_OPEN}: resolved, say, and not closed yet. "
                "The five kinds add up to `open_seconds`.",
                open_rule=_RUNS,
            ),
            seconds(
                "seconds_in_state",
                "Length of the stay in the present state, up to the build's as_of. It runs in "
                "closed processes too.",
                nulls="when `outcome` is `deleted`",
                open_rule="runs up to the build's as_of",
            ),
            small_count("n_visits", "Stays in a state: rows in `state_visits`."),
            small_count("n_states", "Different states the process has been in."),
            small_count("n_backward", "Moves to a state of lower rank."),
            small_count("n_not_allowed", "Moves the procedure's stategraph does not allow."),
            small_count(
                "n_reentries",
                "Visits to a state the process had been in before, but for those of a process "
                "that was restored in the state it was deleted in.",
            ),
            small_count(
                "n_done_exits",
                "Moves from a state of kind `done` to one of another kind. Not the same as "
                "`n_reopens`, which goes by status.",
            ),
            "first_assigned_at",
            seconds(
                "first_assignment_seconds",
                "From the start of the process to `first_assigned_at`.",
                nulls="when nobody has ever been assigned",
                open_rule="stays as it is after a reopening",
            ),
            seconds(
                "business_first_assignment_seconds",
                "As `first_assignment_seconds`, in working time of the process's calendar.",
                nulls="when nobody has ever been assigned",
                open_rule="stays as it is after a reopening",
            ),
            text(
                "first_assignment_source",
                "Where `first_assigned_at` comes from: `record` (the record says so) or "
                "`observed` (the first version with an assignee).",
                nulls="when nobody has ever been assigned",
            ),
            small_count("n_assignments", "Stays with a person: rows in `assignments` with one."),
            small_count("n_assignees", "Different people who held the process."),
            small_count(
                "n_handoffs",
                "Moves from one person to another, whether or not nobody held it in between.",
            ),
            small_count("n_ping_pongs", "Handoffs back to the person before: A, then B, then A."),
            seconds(
                "unassigned_seconds",
                "Time with nobody assigned and not deleted, in closed processes too.",
                open_rule=_RUNS,
            ),
            "next_action_at",
            flag(
                "is_overdue",
                "Whether the process is open and its next action was planned before the build's "
                "as_of.",
                open_rule="always false for closed and deleted processes",
            ),
            seconds(
                "overdue_seconds",
                "From `next_action_at` to the build's as_of.",
                nulls="unless `is_overdue`",
                open_rule="runs up to the build's as_of",
            ),
            small_count(
                "n_next_action_moves",
                "How often the next action was put from one time to another. Setting it where "
                "there was none and clearing it do not count.",
            ),
            "n_children",
            "n_open_children",
            "depth",
            "root_process_id",
            instant(
                "last_changed_at",
                "Latest version that changed the state, status, assignee, deletion mark or "
                "attribute values; the first version if none did.",
            ),
        ),
    ),
)

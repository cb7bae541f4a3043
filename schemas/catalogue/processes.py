"""The two tables with one row per process: its latest version, and its lifecycle so far."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputTable,
    flag,
    identifier,
    in_order,
    instant,
    seconds,
    small_count,
    text,
)
from schemas.catalogue.shared import SHARED

_UP_TO_AS_OF = "an open interval counts up to the build's as_of"
_WHILE_OPEN = "summed over all visits, only while the process was open"

PROCESSES = OutputTable(
    "processes",
    "core",
    "Each process in its latest version up to the build's as_of.",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            "label",
            "team_id",
            "procedure",
            identifier("record_id", "Record the process is about.", nulls="if none"),
            identifier("entity_id", "Entity of that record.", nulls="if none"),
            identifier(
                "pod_id",
                "Pod the process belongs to (`belongsTo` of the record).",
                nulls="if none",
            ),
            identifier("created_by", "Creator of the process.", nulls="if not recorded"),
            identifier(
                "assigned_to",
                "Assignee in the latest version.",
                nulls="if unassigned",
            ),
            text(
                "status",
                "`OPEN`, `COMPLETED` or `CANCELLED`. Independent of the state, and unchanged by a "
                "deletion: count open processes by `outcome`.",
            ),
            text("state", "shortId of the state in the latest version."),
            "state_name",
            "state_kind",
            text(
                "outcome",
                "`deleted` if the latest version is deleted, otherwise `open`, `completed` or "
                "`cancelled` by its status.",
                open_rule="a reopened process is `open` again",
            ),
            instant(
                "created_at",
                "When the process was created, in the latest version. The process starts then, or "
                "at `first_seen_at` if that is earlier; durations are measured from that start.",
            ),
            instant("updated_at", "`updatedAt` of the latest version."),
            instant(
                "completed_at",
                "Start of the current completion: `completedAt` of the record if plausible (see "
                "`status_spells`), otherwise the first version that shows it.",
                nulls="unless `outcome` is `completed`",
                open_rule="null again after a reopening; see `first_completed_at`",
            ),
            instant(
                "cancelled_at",
                "Start of the current cancellation, determined like `completed_at`.",
                nulls="unless `outcome` is `cancelled`",
                open_rule="null again after a reopening",
            ),
            instant(
                "deleted_at",
                "`updatedAt` of the version that began the current deletion.",
                nulls="unless `outcome` is `deleted`",
            ),
            "next_action_at",
            identifier(
                "first_assigned_to",
                "First assignee, in the latest version. Not checked against earlier versions.",
                nulls="if not recorded",
            ),
            "first_assigned_at",
            instant(
                "last_assigned_at",
                "When the process was last assigned, in the latest version.",
                nulls="if not recorded",
            ),
            identifier("primary_booking_id", "Primary booking.", nulls="if none"),
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
            text(
                "landing_source",
                "Subfolder of the landing folder, on its first level, with the file of the latest "
                "version: one folder per source tells them apart.",
                nulls="if the file is in the landing folder itself",
            ),
            "is_observed_from_start",
            "link",
        ),
    ),
    key=("process_id",),
)

PROCESS_LIFECYCLE = OutputTable(
    "process_lifecycle",
    "core",
    "Lifecycle of each process so far: completions, durations, moves and assignments. Open "
    "intervals end at the build's as_of.",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            instant(
                "first_completed_at",
                "Start of the first completion.",
                nulls="until the process is first completed",
                open_rule="kept after a reopening",
            ),
            instant(
                "last_completed_at",
                "Start of the latest completion.",
                nulls="until the process is first completed",
                open_rule="kept after a reopening, until the next completion",
            ),
            small_count(
                "n_completions",
                "Number of completions. A closed process that changes its procedure is not "
                "completed again.",
            ),
            small_count(
                "n_reopens",
                "Number of changes from `COMPLETED` or `CANCELLED` to `OPEN`: rows of "
                "`status_spells` where `began_by` is `reopened`.",
                open_rule="counts immediately, not only after the next completion",
            ),
            flag("is_reopened", "Whether the process is open and was closed before."),
            seconds(
                "resolution_seconds",
                "From the start of the process to its first completion.",
                nulls="until the process is first completed",
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
                "Total length of all `OPEN` spells, without time while deleted.",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "age_seconds",
                "From the start of the process to the build's as_of, closed times included.",
                nulls="unless `outcome` is `open`",
                open_rule="increases up to the build's as_of",
            ),
            text(
                "calendar",
                "The calendar that applies to the process at the build's as_of; `always` is every "
                "hour. A change of calendar does not change the working time before it.",
            ),
            seconds(
                "business_resolution_seconds",
                "As `resolution_seconds`, in working time of the calendars that applied.",
                nulls="until the process is first completed",
                open_rule="a reopening does not change it",
            ),
            seconds(
                "business_full_resolution_seconds",
                "As `full_resolution_seconds`, in working time of the calendars that applied.",
                nulls="unless `outcome` is `completed`",
                open_rule="null again while reopened",
            ),
            seconds(
                "business_open_seconds",
                "As `open_seconds`, in working time of the calendars that applied.",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "business_age_seconds",
                "As `age_seconds`, in working time of the calendars that applied.",
                nulls="unless `outcome` is `open`",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "queue_seconds",
                f"Time in states of kind `queue`, {_WHILE_OPEN}.",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "work_seconds",
                f"Time in states of kind `work`, {_WHILE_OPEN}.",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "waiting_customer_seconds",
                f"Time in states of kind `waiting_customer`, {_WHILE_OPEN}.",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "waiting_other_seconds",
                f"Time in states of kind `waiting_other`, {_WHILE_OPEN}.",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "done_seconds",
                f"Time in states of kind `done`, {_WHILE_OPEN} (resolved but not closed). The five "
                "kinds add up to `open_seconds`.",
                open_rule=_UP_TO_AS_OF,
            ),
            seconds(
                "seconds_in_state",
                "Length of the current visit, up to the build's as_of, also for closed processes.",
                nulls="when `outcome` is `deleted`",
                open_rule="increases up to the build's as_of",
            ),
            small_count("n_visits", "Visits to states: rows in `state_visits`."),
            small_count("n_states", "Distinct states visited."),
            small_count("n_backward", "Moves to a state of lower rank."),
            small_count("n_not_allowed", "Moves that the stategraph forbids."),
            small_count(
                "n_reentries",
                "Visits to a state the process had been in before, except restores in the same "
                "state.",
            ),
            small_count(
                "n_done_exits",
                "Moves from a state of kind `done` to one of another kind. Unlike `n_reopens`, "
                "which counts changes of status.",
            ),
            "first_assigned_at",
            seconds(
                "first_assignment_seconds",
                "From the start of the process to `first_assigned_at`.",
                nulls="if the process never had an assignee",
                open_rule="not changed by a reopening",
            ),
            seconds(
                "business_first_assignment_seconds",
                "As `first_assignment_seconds`, in working time of the calendars that applied.",
                nulls="if the process never had an assignee",
                open_rule="not changed by a reopening",
            ),
            text(
                "first_assignment_source",
                "Source of `first_assigned_at`: `record` (the record's value) or `observed` (the "
                "first version with an assignee).",
                nulls="if the process never had an assignee",
            ),
            small_count(
                "n_assignments", "Stays with an assignee: rows in `assignments` that have one."
            ),
            small_count("n_assignees", "Distinct assignees."),
            small_count(
                "n_handoffs",
                "Changes from one person to another, with or without an unassigned time in "
                "between.",
            ),
            small_count("n_ping_pongs", "Handoffs back to the previous person (A, B, A)."),
            seconds(
                "unassigned_seconds",
                "Time with nobody assigned while the process was open.",
                open_rule=_UP_TO_AS_OF,
            ),
            "next_action_at",
            flag(
                "is_overdue",
                "Whether the process is open and its next action was due before the build's as_of.",
                open_rule="always false for closed and deleted processes",
            ),
            seconds(
                "overdue_seconds",
                "From `next_action_at` to the build's as_of.",
                nulls="unless `is_overdue`",
                open_rule="increases up to the build's as_of",
            ),
            small_count(
                "n_next_action_moves",
                "How often the next action was rescheduled. Setting and clearing it do not count.",
            ),
            "n_children",
            "n_open_children",
            "depth",
            "root_process_id",
            instant(
                "last_changed_at",
                "Latest version that changed state, status, assignee, deletion flag or attribute "
                "values; the first version if none did.",
            ),
        ),
    ),
    key=("process_id",),
)

"""The tables about assignees: what they held, did and handed on, by who held it at the time."""

from __future__ import annotations

from schemas.catalogue.flow import AS_ON_THAT_DAY
from schemas.catalogue.model import (
    OutputColumn,
    OutputTable,
    count,
    day,
    identifier,
    in_order,
    seconds,
    share,
    text,
)
from schemas.catalogue.shared import SHARED

_HOLDER = identifier(
    "assigned_to",
    "Assignee of the processes at the time.",
    nulls="on the row for unassigned processes",
)


def _activity_counts(of: str) -> tuple[OutputColumn, ...]:
    """Counts of what assignees did in a period (`day`, `month`)."""
    kept = f"counts in that {of}, also if the process is reopened later"
    return (
        count(
            "opened",
            "Processes created, reopened or restored with this assignee.",
            open_rule="one process may count several times",
        ),
        count(
            "moved_in",
            "Open processes that came from another procedure with this assignee, also if closed on "
            "arrival.",
        ),
        count(
            "received",
            "Open processes reassigned to them, from someone else or from unassigned.",
        ),
        count(
            "handed_on", "Open processes reassigned from them, to someone else or to unassigned."
        ),
        count(
            "completed",
            "Changes from `OPEN` to `COMPLETED` of processes assigned to them.",
            open_rule=kept,
        ),
        count(
            "cancelled",
            "Changes from `OPEN` to `CANCELLED` of processes assigned to them.",
            open_rule=kept,
        ),
        count("deleted", "Deletions of open processes assigned to them."),
        count("moved_out", "Open processes assigned to them that went to another procedure."),
    )


def _name(column: str) -> OutputColumn:
    return text(
        f"{column}_name",
        f"Name of `{column}` in `users`, otherwise the id as text. The latest file applies at any "
        "as_of.",
        personal="direct",
    )


ASSIGNEE_DAILY = OutputTable(
    "assignee_daily",
    "mart",
    "What each assignee held, received, handed on and closed on each day, by the assignee at the "
    "time. held of the day before + opened + moved_in + received - handed_on - completed - "
    "cancelled - deleted - moved_out = held; a missing row means 0. Over all assignees `held` adds "
    "up to `open_at_end` of `flow_daily`.",
    "one row per day, procedure and assignee (or unassigned) with any count above 0",
    in_order(
        SHARED,
        (
            "day",
            "procedure",
            _HOLDER,
            "assigned_to_name",
            count(
                "held",
                "Open processes assigned to them at the end of the day, or at the build's as_of.",
                open_rule=AS_ON_THAT_DAY,
            ),
            *_activity_counts("day"),
            count(
                "reopened_after_completion",
                "Reopenings on this day of processes that they had completed, whoever the assignee "
                "is now.",
                open_rule="counted on the day of the reopening",
            ),
            count(
                "overdue",
                "Those of `held` whose next action was due before the end of the day, by the "
                "record of that day. On the last day equal to `is_overdue` of `process_lifecycle`.",
                open_rule=AS_ON_THAT_DAY,
            ),
        ),
    ),
    key=("day", "procedure", "assigned_to"),
)

ASSIGNEE_STATS = OutputTable(
    "assignee_stats",
    "mart",
    "What each assignee held and completed, and how long it took, by the assignee at the time.",
    "one row per procedure, assignee (or unassigned) and month with any count above 0, and one for "
    "all months together",
    in_order(
        SHARED,
        (
            "procedure",
            _HOLDER,
            "assigned_to_name",
            day(
                "period",
                "First day of the month in the reporting time zone.",
                nulls="on the row for all months together",
            ),
            seconds(
                "held_seconds",
                "Time that open processes were assigned to them, summed over processes.",
                open_rule="open stays count up to the build's as_of",
            ),
            count(
                "held", "Open processes assigned to them at the end of the month, or at the as_of."
            ),
            count(
                "overdue",
                "Those of `held` whose next action was due by then, by the record at that time.",
            ),
            *_activity_counts("month"),
            share(
                "share_of_completed",
                "`completed` divided by its sum over all assignees of the procedure in the period.",
                nulls="if no process was completed in the period",
            ),
            *(
                seconds(
                    name,
                    f"{statistic} of `resolution_seconds` of the processes whose first completion "
                    "is among `completed`, interpolated linearly.",
                    nulls="if there are none",
                    open_rule="processes not completed yet are left out",
                )
                for name, statistic in (
                    ("p50_resolution_seconds", "Median"),
                    ("p90_resolution_seconds", "90th percentile"),
                )
            ),
            count(
                "completed_then_reopened",
                "Those of `completed` that were reopened at any later time.",
                open_rule="can still rise",
            ),
            share(
                "share_reopened",
                "`completed_then_reopened` divided by `completed`.",
                nulls="if `completed` is 0",
                open_rule="can still rise",
            ),
            count(
                "sla_met",
                "SLA clocks of all policies that were met, by the month in which they stopped and "
                "the assignee then. Clocks of assignees without a row here are only in "
                "`sla_attainment`.",
            ),
            count(
                "sla_breached",
                "SLA clocks past their target, likewise.",
                open_rule="running ones are only on the row for all months together",
            ),
            share(
                "share_sla_met",
                "`sla_met` divided by `sla_met` plus `sla_breached`.",
                nulls="if no clock was met or breached",
                open_rule="running clocks count only if past their target",
            ),
        ),
    ),
    key=("procedure", "assigned_to", "period"),
)

HANDOFFS = OutputTable(
    "handoffs",
    "mart",
    "Handoffs: who handed processes on to whom, how often, and how long the first assignee had "
    "held them. A handoff (as in `n_handoffs` of `process_lifecycle`) is a change from one person "
    "to another, with or without an unassigned time in between, closed processes included. It "
    "counts in the procedure in which the new assignee received the process.",
    "one row per procedure and pair of different people",
    in_order(
        SHARED,
        (
            "procedure",
            identifier("from_assignee", "Assignee before the handoff."),
            _name("from_assignee"),
            identifier("to_assignee", "Assignee after the handoff."),
            _name("to_assignee"),
            count("n", "Number of handoffs."),
            count("processes", "Processes with such a handoff."),
            *(
                seconds(
                    name,
                    f"{statistic} of the time the first assignee had held the process since the "
                    "previous handoff, without unassigned times; interpolated linearly.",
                )
                for name, statistic in (
                    ("p50_held_seconds", "Median"),
                    ("p90_held_seconds", "90th percentile"),
                )
            ),
        ),
    ),
    key=("procedure", "from_assignee", "to_assignee"),
)

"""The tables about people, in words: what they held, did, handed on, by who held it at the time.

Follow-ups stand in `catalogue_follow_ups.py`.
"""

from __future__ import annotations

from schemas.catalogue_flow import AS_ON_THAT_DAY, DAY
from schemas.catalogue_model import (
    PERSONAL,
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
from schemas.catalogue_shared import SHARED

_HOLDER = identifier(
    "assigned_to",
    "Who held the processes at the time.",
    nulls="on the row of processes that nobody held",
)


def _doings(of: str) -> tuple[OutputColumn, ...]:
    """What assignees did, counted over `of` (`day`, `month`)."""
    stays = f"stays in the {of} it happened when the process is reopened later"
    return (
        count(
            "opened",
            "Processes created, reopened or restored into their hands.",
            open_rule="one process may count several times",
        ),
        count(
            "received",
            "Open processes that came to them from someone else, or from being nobody's.",
        ),
        count("handed_on", "Open processes that went from them to someone else, or to nobody."),
        count(
            "completed",
            "Moves from `OPEN` to `COMPLETED` of processes they held until then.",
            open_rule=stays,
        ),
        count(
            "cancelled",
            "Moves from `OPEN` to `CANCELLED` of processes they held until then.",
            open_rule=stays,
        ),
        count("deleted", "Deletions of open processes they held until then."),
    )


def _name(column: str) -> OutputColumn:
    return text(
        f"{column}_name",
        f"Who it is: the name `users` has for `{column}`, else the id as text. The latest file "
        f"counts at any as_of. {PERSONAL}",
    )


ASSIGNEE_DAILY = OutputTable(
    "assignee_daily",
    "mart",
    "What each assignee held, got, handed on and closed on each day, by who held the process at "
    "the time. held of the day before + opened + received - handed_on - completed - cancelled - "
    "deleted = held; no row before means 0. Over all assignees `held` is `open_at_end` of "
    "`flow_daily`.",
    "one row per day, procedure and assignee with something held or done; nobody is a row too",
    in_order(
        SHARED,
        (
            DAY,
            "procedure",
            _HOLDER,
            "assigned_to_name",
            count(
                "held",
                "Open processes in their hands at the end of the day, or at the build's as_of.",
                open_rule=AS_ON_THAT_DAY,
            ),
            *_doings("day"),
            count(
                "reopened_after_completion",
                "Reopenings on this day of processes that they had completed, whoever holds them "
                "now.",
                open_rule="counted on the day of the reopening",
            ),
            count(
                "overdue",
                "Those of `held` whose next action was due before the end of the day, as the "
                "record had it on that day. On the last day `is_overdue` of `process_lifecycle`.",
                open_rule=AS_ON_THAT_DAY,
            ),
        ),
    ),
)

ASSIGNEE_STATS = OutputTable(
    "assignee_stats",
    "mart",
    "What each assignee held, completed, and took how long for, by who held the process at the "
    "time.",
    "one row per procedure, assignee and month with something held or done, and one for all months "
    "together",
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
                "Time that open processes were in their hands, added up over processes.",
                open_rule="stays that still run count up to the build's as_of",
            ),
            count(
                "held", "Open processes in their hands at the end of the month, or at the as_of."
            ),
            count(
                "overdue",
                "Those of `held` whose next action was due before then, as the record had it then.",
            ),
            *_doings("month"),
            share(
                "share_of_completed",
                "`completed` divided by that of all assignees of the procedure in the same period.",
                nulls="when nothing was completed in the period",
            ),
            *(
                seconds(
                    name,
                    f"{statistic} of `resolution_seconds` of the processes whose first completion "
                    "is among `completed`, interpolated between two values.",
                    nulls="when there is none",
                    open_rule="processes not completed yet are not in it",
                )
                for name, statistic in (
                    ("p50_resolution_seconds", "Median"),
                    ("p90_resolution_seconds", "90th percentile"),
                )
            ),
            count(
                "completed_then_reopened",
                "Those of `completed` that were reopened later, whenever that was.",
                open_rule="can still rise",
            ),
            share(
                "share_reopened",
                "`completed_then_reopened` divided by `completed`.",
                nulls="when `completed` is 0",
                open_rule="can still rise",
            ),
            count(
                "sla_met",
                "Clocks of all SLA policies that were met, by the month in which they stopped and "
                "who held the process then. Clocks of people who are in no row here are in "
                "`sla_attainment` alone.",
            ),
            count(
                "sla_breached",
                "Clocks past their target, likewise.",
                open_rule="those that still run are on the row for all months together only",
            ),
            share(
                "share_sla_met",
                "`sla_met` divided by `sla_met` plus `sla_breached`.",
                nulls="when no clock was met or breached",
                open_rule="clocks that still run count once they are past their target",
            ),
        ),
    ),
)

HANDOFFS = OutputTable(
    "handoffs",
    "mart",
    "Who handed processes on to whom, how often, and how long the first had held them. A hand-off "
    "is as in `n_handoffs` of `process_lifecycle`: from one person to another, whether or not "
    "nobody held the process in between, closed processes included.",
    "one row per procedure and pair of different people",
    in_order(
        SHARED,
        (
            "procedure",
            identifier("from_assignee", "Who held the process before."),
            _name("from_assignee"),
            identifier("to_assignee", "Who held it next."),
            _name("to_assignee"),
            count("n", "How often it happened."),
            count("processes", "Different processes in which it happened."),
            *(
                seconds(
                    name,
                    f"{statistic} of the time that the first had held the process since it came "
                    "from someone else, without times when nobody did; interpolated between two "
                    "values.",
                )
                for name, statistic in (
                    ("p50_held_seconds", "Median"),
                    ("p90_held_seconds", "90th percentile"),
                )
            ),
        ),
    ),
)

"""Columns that mean the same in every table they appear in, described once."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputColumn,
    day,
    flag,
    identifier,
    instant,
    number,
    seconds,
    small_count,
    text,
)

_COLUMNS: tuple[OutputColumn, ...] = (
    identifier("process_id", "Id of the process (a lead, a ticket)."),
    OutputColumn(
        "label",
        "VARCHAR",
        "What people call the process: the value of the procedure's `primaryIdentifier` in the "
        "latest version, or else of its `primaryKey`. Only values that are published in clear: "
        "those of personal attributes are in no label.",
        nulls="if the process has neither value, or neither is published in clear",
        publish="clear",
    ),
    text(
        "link",
        "Address of the process in the platform: the `link` of the procedure with the process "
        "filled in.",
        nulls="if the procedure defines no link, or the link needs a primary key and the process "
        "has none",
    ),
    text(
        "pod_name",
        "Name of `pod_id` in `pods`, otherwise the id as text. The latest file applies at any "
        "as_of.",
        nulls="if `pod_id` is null",
    ),
    identifier("team_id", "Team of the process, as of its latest version."),
    text("procedure", "shortId of the procedure: the kind of process, such as `lead` or `ticket`."),
    text(
        "state_name",
        "Display name of the state. Names, unlike shortIds, need not be unique.",
    ),
    text(
        "state_kind",
        "Kind of the state: `queue` (waiting to be picked up), `work` (being worked on), "
        "`waiting_customer`, `waiting_other` (waiting for the customer, for someone else) or "
        "`done`.",
    ),
    number(
        "state_rank",
        "INTEGER",
        "Position of the state in the procedure's list of states, from 1. A move to a higher rank "
        "is forward, to a lower one backward.",
    ),
    text(
        "assigned_to_name",
        "Name of `assigned_to` in `users`, otherwise the id as text. The latest file applies at "
        "any as_of.",
        nulls="when `assigned_to` is null",
        personal="direct",
    ),
    flag(
        "is_observed_from_start",
        "Whether the process began at or after the `observed_since` of its first procedure (see "
        "`observation_starts`). One that began earlier is in the data because it lasted until "
        "then; its early changes are not known.",
    ),
    flag("is_current", "Whether the interval is open at the build's as_of."),
    instant(
        "first_assigned_at",
        "When the process first had an assignee: the record's value if it lies between the start "
        "of the process and its latest version, otherwise the first version with an assignee (see "
        "`first_assignment_source` in `process_lifecycle`).",
        nulls="if the process never had an assignee",
        open_rule="not changed by later reassignments or reopenings",
    ),
    instant(
        "next_action_at",
        "When the next action is planned, in the latest version. May lie in the future.",
        nulls="if no action is planned",
    ),
    small_count(
        "n_children",
        "Direct children: processes that name this one as their parent, excluding deleted ones.",
    ),
    small_count(
        "n_open_children", "Those of `n_children` that are open.", open_rule="reopened ones count"
    ),
    number(
        "depth",
        "INTEGER",
        "Number of ancestors; 0 for a process without a parent. A process whose parent is unknown "
        "(see `is_orphan` in `hierarchy`) counts as having none.",
        nulls="in a cycle of parents and everywhere below one",
    ),
    identifier(
        "root_process_id",
        "The topmost ancestor; the process itself if it has no known parent.",
        nulls="in a cycle of parents and everywhere below one",
    ),
    day(
        "day",
        "Calendar day in the reporting time zone. It begins at midnight and may have 23 or 25 h.",
    ),
    text("funnel", "Name of the funnel. Names are unique within a procedure."),
    text(
        "mode",
        "How steps must follow each other: `ordered`, `strict`, `any_order` or `reached`.",
    ),
    number("step_no", "INTEGER", "Number of the step in the funnel, from 1."),
    text("step", "Name of the step; without one, the states that reach it."),
    text("rule", "Stable id of the rule, such as `core:status:isin` or `attr:score:type`."),
    text(
        "file_name",
        "Name of the landing file. Files are identified by content: the same content under another "
        "name is not ingested again.",
    ),
    number(
        "line",
        "BIGINT",
        "Line number in the file, from 1; in a JSON array, API page or Parquet file the number of "
        "the record.",
    ),
    seconds(
        "mean_seconds",
        "Arithmetic mean of the durations counted in `n`. Sensitive to outliers: compare "
        "`p50_seconds`.",
    ),
    *(
        seconds(
            name,
            f"{statistic} of the durations counted in `n`, interpolated linearly: {percent} % took "
            "at most this long.",
        )
        for name, statistic, percent in (
            ("p50_seconds", "Median", 50),
            ("p75_seconds", "75th percentile", 75),
            ("p90_seconds", "90th percentile", 90),
            ("p95_seconds", "95th percentile", 95),
        )
    ),
)

SHARED: dict[str, OutputColumn] = {column.name: column for column in _COLUMNS}

WRONG_ARGUMENTS = "Wrong arguments are an error in every query that reads a row."


def asked_by(days: str) -> str:
    """What `by`, `filter`, `from_date` and `to_date` mean; `days` are those that the two limit."""
    return (
        "`by := 'source'` gives rows for each value, at the build's as_of, of a column of the "
        "table of `procedure` (`lead_processes`), `by := 'created_month'` for each month of "
        "creation: `value`, null for processes without one and without `by`. `filter` is that of "
        "`funnel`: only processes with these values count. `from_date` and "
        f"`to_date` are the first and the last day of {days}, in the reporting time zone."
    )


LEAST_LEFT_TRUNCATED = 20
"""How many processes have to be older than the data for its beginning to be taken for a cut."""

MOST_TEST_TIMES = 1_000
"""How many times of outcomes Gray's test tells apart; the time it takes grows with them."""

"""Columns that mean the same in every table they appear in, described once.

A column with a meaning of its own is described with its table.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    PERSONAL,
    OutputColumn,
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
    text("procedure", "shortId of the procedure: the kind of process, such as `lead` or `ticket`."),
    text(
        "state_name",
        "Name of the state as people see it. Two states may share a name, never a shortId.",
    ),
    text(
        "state_kind",
        "What happens in the state: `queue` (waits to be taken up), `work` (someone works on it), "
        "`waiting_customer`, `waiting_other` (waits for the customer, for someone else) or `done`.",
    ),
    number(
        "state_rank",
        "INTEGER",
        "Place of the state in the procedure's list of states, from 1. Going to a higher rank is "
        "forward, to a lower one backward.",
    ),
    text(
        "assigned_to_name",
        "Who it is: the name `users` has for `assigned_to`, else the id as text. The latest file "
        f"counts at any as_of. {PERSONAL}",
        nulls="when `assigned_to` is null",
    ),
    flag("is_current", "Whether the stay is still running at the build's as_of."),
    instant(
        "first_assigned_at",
        "When the process first had an assignee: what the record says, if that lies between the "
        "start of the process and its latest version, otherwise the first version with an assignee "
        "(see `first_assignment_source` in `process_lifecycle`).",
        nulls="when nobody has ever been assigned",
        open_rule="stays the first, whatever is reassigned or reopened later",
    ),
    instant(
        "next_action_at",
        "When the next action is planned, as the latest version says. May lie in the future.",
        nulls="while nothing is planned",
    ),
    small_count(
        "n_children",
        "Processes that name this one as their parent, without deleted ones. Only direct children.",
    ),
    small_count(
        "n_open_children", "Those of `n_children` that are open.", open_rule="reopened ones count"
    ),
    number(
        "depth",
        "INTEGER",
        "Steps up to the topmost process, 0 for a process without a parent. Where a parent is not "
        "known (see `is_orphan` in `hierarchy`), its child is the topmost.",
        nulls="in a cycle of parents and everywhere below one",
    ),
    identifier(
        "root_process_id",
        "The topmost process above this one; itself when it has no known parent.",
        nulls="in a cycle of parents and everywhere below one",
    ),
    text("funnel", "Name of the funnel. Names are unique within a procedure."),
    text(
        "mode",
        "How steps must follow each other: `ordered`, `strict`, `any_order` or `reached`.",
    ),
    number("step_no", "INTEGER", "Number of the step in the funnel, from 1."),
    text("step", "Name of the step: its own name, or the states that reach it."),
    text("rule", "Stable id of the rule, such as `core:status:isin` or `attr:score:type`."),
    text(
        "file_name",
        "Name of the landing file. A file is known by its content: the same content under a new "
        "name is not taken in again.",
    ),
    number(
        "line",
        "BIGINT",
        "Line in the file, from 1; in a file that is one JSON array or page, or Parquet, the "
        "number of the record.",
    ),
    seconds(
        "mean_seconds",
        "Arithmetic mean of the durations counted in `n`. A few very long ones move it much: see "
        "the median, `p50_seconds`, beside it.",
    ),
    *(
        seconds(
            name,
            f"{statistic} of the durations counted in `n`: {percent} % took at most this long. "
            "Continuous: interpolated linearly between two values.",
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

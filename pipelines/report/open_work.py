"""The sections that list open processes: what breaches its SLA next, and the oldest ones."""

from typing import Any

from pipelines.report.model import Column, Linked, Reader, Section
from pipelines.terminal.text import duration, instant, shortened

_TOP = 5
_LONGEST_NAME = 48
# A person who can be named, or else the start of the id.
_ASSIGNEE = "coalesce(u.name, left(p.assigned_to::varchar, 8), 'unassigned')"
_IS_NAMELESS = "p.assigned_to is not null and u.name is null"


def due(read: Reader) -> Section:
    """The running SLA clocks that reach their targets next."""
    rows = read(
        f"""
        select
            coalesce(p.label, left(p.process_id::varchar, 8)),
            p.policy,
            p.state,
            {_ASSIGNEE},
            p.due_at,
            p.remaining_seconds,
            if(p.level = 'warning', 'yes', ''),
            p.link,
            p.label is null,
            {_IS_NAMELESS}
        from sla_due as p
        left join {_users(read)} as u on u.user_id = p.assigned_to
        where p.procedure = $procedure and p.status = 'running'
        order by p.due_at, p.process_id, p.policy
        limit $top
        """,
        top=_TOP,
    )
    return Section(
        "SLA clocks due next",
        (
            Column("process"),
            Column("policy"),
            Column("state"),
            Column("assignee"),
            Column("due (UTC)", instant),
            Column("working time left", duration, is_number=True),
            Column("in warning"),
        ),
        _named(rows),
        f"All, with those that are paused or late: `from sla_due`.{_note(read, rows, 'sla_due')}",
    )


def oldest(read: Reader) -> Section:
    """The open processes with the highest age."""
    rows = read(
        f"""
        select
            coalesce(p.label, left(p.process_id::varchar, 8)),
            p.state,
            {_ASSIGNEE},
            l.age_seconds,
            l.seconds_in_state,
            p.link,
            p.label is null,
            {_IS_NAMELESS}
        from processes as p
        inner join process_lifecycle as l on l.process_id = p.process_id
        left join {_users(read)} as u on u.user_id = p.assigned_to
        where p.procedure = $procedure and p.outcome = 'open'
        order by l.age_seconds desc, p.process_id
        limit $top
        """,
        top=_TOP,
    )
    return Section(
        "Oldest open processes",
        (
            Column("process"),
            Column("state"),
            Column("assignee"),
            Column("age", duration, is_number=True),
            Column("time in state", duration, is_number=True),
        ),
        _named(rows),
        _note(read, rows, "processes").strip(),
        n_brief=3,
        is_half=True,
    )


def _users(read: Reader) -> str:
    return "people.users" if read.has_names else "(select user_id, null as name from users)"


def _named(rows: list[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """The rows with names that lead to the process in the platform, without their last columns."""
    return tuple(
        (Linked(shortened(name, _LONGEST_NAME), link), *cells) for name, *cells, link, _, _ in rows
    )


def _note(read: Reader, rows: list[tuple[Any, ...]], table: str) -> str:
    note = ""
    if any(is_unnamed for *_, is_unnamed, _ in rows):
        note = (
            f" Process: the first 8 characters of `process_id` in {table}, where there is no "
            "`label` (a `primaryIdentifier` or `primaryKey` that is published in clear)."
        )
    if any(is_nameless for *_, is_nameless in rows):
        note += (
            " A file `users.ndjson` in the landing folder gives names to user ids."
            if read.has_names
            else " Assignee: the first 8 characters of the id; names are in `people.duckdb`, for "
            "those who may read it."
        )
    return note

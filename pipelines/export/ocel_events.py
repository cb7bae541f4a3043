"""The queries for the events of an object-centric log.

Grain of each: one row per event, with its id, type, time, related objects (process, assignee,
record; null if none), then its attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.export.ocel_file import Attribute
from pipelines.export.values import STATE_LABELS, instant
from schemas.sql_text import literal

# The columns before the attributes: id, type, time, and the objects.
QUALIFIERS = ("process", "assignee", "record")
FIRST_OBJECT = 3
FIRST_ATTRIBUTE = FIRST_OBJECT + len(QUALIFIERS)


@dataclass(frozen=True)
class Events:
    """Events of several types with the same attributes."""

    sql: str
    attributes: tuple[Attribute, ...]


def user(value: str) -> str:
    """The object id of a user; the prefix keeps it apart from processes with the same uuid."""
    return f"'user:' || {value}"


def record(value: str) -> str:
    """The object id of a record."""
    return f"'record:' || {value}"


def events_of(procedures: Sequence[str]) -> Iterator[Events]:
    """Visits, then completions, cancellations and reopenings, then assignments."""
    chosen = f"p.procedure in ({', '.join(map(literal, procedures))})"
    yield _visits(chosen)
    yield _closings(chosen)
    yield _assignments(chosen)


def _visits(chosen: str) -> Events:
    sql = f"""
        select
            v.process_id || ':visit:' || v.visit_no,
            v.procedure || ': ' || s.label,
            {instant("v.entered_at")},
            v.process_id::varchar,
            {user("v.assigned_to")},
            {record("p.record_id")},
            v.visit_no,
            v.state,
            v.state_kind,
            v.direction,
            v.is_allowed,
            v.entered_source
        from state_visits as v
        inner join processes as p using (process_id)
        inner join ({STATE_LABELS}) as s on s.procedure = v.procedure and s.state = v.state
        where {chosen}
        order by v.process_id, v.visit_no
    """
    return Events(
        sql,
        (
            Attribute("visit_no", "INTEGER"),
            Attribute("state", "TEXT"),
            Attribute("state_kind", "TEXT"),
            Attribute("direction", "TEXT"),
            Attribute("is_allowed", "BOOLEAN"),
            Attribute("entered_source", "TEXT"),
        ),
    )


def _closings(chosen: str) -> Events:
    """Completions, cancellations and reopenings."""
    sql = f"""
        select
            s.process_id || ':status:' || s.spell_no,
            s.procedure || ' ' || case s.status
                when 'COMPLETED' then 'completed' when 'CANCELLED' then 'cancelled'
                else 'reopened'
            end,
            {instant("s.started_at")},
            s.process_id::varchar,
            null,
            {record("p.record_id")},
            s.spell_no
        from status_spells as s
        inner join processes as p using (process_id)
        where {chosen} and (s.status <> 'OPEN' or s.began_by = 'reopened')
          and s.began_by <> 'moved_in'
        order by s.process_id, s.spell_no
    """
    return Events(sql, (Attribute("spell_no", "INTEGER"),))


def _assignments(chosen: str) -> Events:
    """Assignments, and changes to unassigned."""
    sql = f"""
        with stays as (
            select
                *,
                lag(assigned_to) over (
                    partition by process_id order by assignment_no
                ) as assigned_before
            from assignments
        )

        select
            a.process_id || ':assignment:' || a.assignment_no,
            a.procedure || if(a.assigned_to is null, ' unassigned', ' assigned'),
            {instant("a.started_at")},
            a.process_id::varchar,
            {user("a.assigned_to")},
            {record("p.record_id")},
            a.assignment_no,
            a.state
        from stays as a
        inner join processes as p using (process_id)
        where {chosen} and (a.assigned_to is not null or a.assigned_before is not null)
        order by a.process_id, a.assignment_no
    """
    return Events(sql, (Attribute("assignment_no", "INTEGER"), Attribute("state", "TEXT")))

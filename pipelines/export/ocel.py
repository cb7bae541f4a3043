"""Writes the published history as an object-centric event log: OCEL 2.0 in an SQLite file.

Objects are the processes (one type per procedure), users, pods, entities and records. Ids of
processes are those of the tables, other ids are prefixed with their type (`user:...`). The values
of a process are dated at its start: tracked attributes with their first value, followed by their
changes; other attributes, whose history is not kept, with the value at the build's as_of.

Events are visits to states (one type per procedure and state, `lead: Qualified`), completions,
cancellations and reopenings (`lead completed`), and assignments (`lead assigned`). An event is
related to its process (qualifier `process`), its assignee (`assignee`) and its record (`record`); a
process to its parent process, record, entity, pod and creator, as of the build's as_of. A deletion
is not an event; `outcome` shows it. OCEL orders events by time only: `visit_no` orders visits that
begin in the same millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from pipelines.export.ocel_events import (
    FIRST_ATTRIBUTE,
    FIRST_OBJECT,
    QUALIFIERS,
    Events,
    events_of,
)
from pipelines.export.ocel_file import OcelFile, Row
from pipelines.export.ocel_objects import Objects, objects_of, relations_sql
from pipelines.export.selection import Selection, cursor_of, tracked_attributes
from pipelines.export.targets import Written
from pipelines.warehouse.file_errors import atomic_write

_BATCH_ROWS = 10_000


def write_ocel(con: duckdb.DuckDBPyConnection, selection: Selection, path: Path) -> Written:
    """Write the selected processes and all objects related to them.

    Rows are ordered by process. Apart from sorting, memory does not grow with the log. Raises
    `OperationError` when the file cannot be written.
    """
    events = list(events_of(selection.procedures))
    objects = list(objects_of(selection, tracked_attributes(con)))
    counts = {"event": 0, "object": 0, "attribute change": 0, "relation": 0}
    with atomic_write(path, "a file such as log.sqlite") as waiting, OcelFile(waiting) as file:
        file.declare_objects({one.type: one.attributes for one in objects})
        file.declare_events(
            {name: some.attributes for some in events for name in _types(con, some)}
        )
        for one in objects:
            number, changes = _add_objects(con, file, one)
            counts["object"] += number
            counts["attribute change"] += changes
        for some in events:
            number, relations = _add_events(con, file, some)
            counts["event"] += number
            counts["relation"] += relations
        for rows in _batches(con, relations_sql(selection)):
            counts["relation"] += file.relate_objects(rows)
    return Written(counts)


def _types(con: duckdb.DuckDBPyConnection, events: Events) -> list[str]:
    """The event types that occur."""
    rows = con.execute(
        f"select distinct type from ({events.sql}) as events(id, type) order by type"
    ).fetchall()
    return [name for (name,) in rows]


def _add_objects(
    con: duckdb.DuckDBPyConnection, file: OcelFile, objects: Objects
) -> tuple[int, int]:
    """Add objects and the changes of their attributes; returns how many of each."""
    number = changes = 0
    for rows in _batches(con, objects.sql):
        file.add_objects(objects.type, rows)
        number += len(rows)
    for change in objects.changes:
        for rows in _batches(con, change.sql):
            file.add_changes(objects.type, change.attribute, rows)
            changes += len(rows)
    return number, changes


def _add_events(con: duckdb.DuckDBPyConnection, file: OcelFile, events: Events) -> tuple[int, int]:
    """Add events and their relations to objects; returns how many of each."""
    number = relations = 0
    for rows in _batches(con, events.sql):
        by_type: dict[str, list[Row]] = {}
        for row in rows:
            own = (row[0], row[2], *row[FIRST_ATTRIBUTE:])
            by_type.setdefault(str(row[1]), []).append(own)
        for name, some in by_type.items():
            file.add_events(name, some)
        number += len(rows)
        relations += file.relate_events(
            (row[0], row[place], qualifier)
            for row in rows
            for place, qualifier in enumerate(QUALIFIERS, start=FIRST_OBJECT)
            if row[place] is not None
        )
    return number, relations


def _batches(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[Row]]:
    cursor = cursor_of(con)
    try:
        cursor.execute(query)
        while rows := cursor.fetchmany(_BATCH_ROWS):
            yield rows
    finally:
        cursor.close()

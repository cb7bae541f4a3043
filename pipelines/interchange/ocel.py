"""The published history as an object-centric event log: OCEL 2.0 in an SQLite file.

Objects are the processes (a type per procedure), users, pods, entities and records. Ids of
processes are as in the tables, others have their type in front (`user:...`). Values of a process
stand at its start: a tracked attribute as it was then, with its changes after that; everything
else, of which no history is kept, as at the build's instant.

Events are states entered (a type per procedure and state, `lead: Qualified`), completions,
cancellations and reopenings (`lead completed`), and assignments (`lead assigned`). An event is
related to its process (qualifier `process`), to whoever holds it from then on (`assignee`) and to
the record behind it (`record`); a process to its parent process, its record, entity and pod, and
to whoever created it, all as at the build's instant. That a process was deleted is no event; its
`outcome` says so. OCEL orders events by time alone: where several visits fall in one
millisecond, `visit_no` tells their order.

The statements are in `ocel_events.py` and `ocel_objects.py`, the layout of the file in
`ocel_file.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from pipelines.interchange.ocel_events import (
    FIRST_ATTRIBUTE,
    FIRST_OBJECT,
    QUALIFIERS,
    Events,
    events_of,
)
from pipelines.interchange.ocel_file import OcelFile, Row
from pipelines.interchange.ocel_objects import Objects, objects_of, relations_sql
from pipelines.interchange.selection import Selection, tracked_attributes
from pipelines.interchange.targets import Written
from pipelines.storage import written_whole

_BATCH_ROWS = 10_000


def write_ocel(con: duckdb.DuckDBPyConnection, selection: Selection, path: Path) -> Written:
    """Write one log of the processes selected, and of all that they are related to.

    Rows are in the order of their processes. Memory does not grow with the log beyond what sorting
    takes. Raises `OperationError` when there can be no such file.
    """
    events = list(events_of(selection.procedures))
    objects = list(objects_of(selection, tracked_attributes(con)))
    counts = {"event": 0, "object": 0, "attribute change": 0, "relation": 0}
    with written_whole(path, "a file such as log.sqlite") as waiting, OcelFile(waiting) as file:
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
    """The types that do occur."""
    rows = con.execute(
        f"select distinct type from ({events.sql}) as events(id, type) order by type"
    ).fetchall()
    return [name for (name,) in rows]


def _add_objects(
    con: duckdb.DuckDBPyConnection, file: OcelFile, objects: Objects
) -> tuple[int, int]:
    """Add objects and the changes of their attributes; how many of each."""
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
    """Add events and their relations to objects; how many of each."""
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
    cursor = con.cursor()
    try:
        cursor.execute(query)
        while rows := cursor.fetchmany(_BATCH_ROWS):
            yield rows
    finally:
        cursor.close()

"""The SQLite file of an object-centric event log, with the tables that OCEL 2.0 defines."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.sql_text import quoted

# The tables of OCEL 2.0 that do not depend on types, with the keys that its constraints require.
_SCHEMA = """
create table event_map_type (ocel_type TEXT primary key, ocel_type_map TEXT);
create table object_map_type (ocel_type TEXT primary key, ocel_type_map TEXT);
create table event (
    ocel_id TEXT primary key,
    ocel_type TEXT references event_map_type (ocel_type)
);
create table object (
    ocel_id TEXT primary key,
    ocel_type TEXT references object_map_type (ocel_type)
);
create table event_object (
    ocel_event_id TEXT references event (ocel_id),
    ocel_object_id TEXT references object (ocel_id),
    ocel_qualifier TEXT,
    primary key (ocel_event_id, ocel_object_id, ocel_qualifier)
);
create table object_object (
    ocel_source_id TEXT references object (ocel_id),
    ocel_target_id TEXT references object (ocel_id),
    ocel_qualifier TEXT,
    primary key (ocel_source_id, ocel_target_id, ocel_qualifier)
);
"""
# Table names reserved by OCEL, after `event_` and `object_`.
_RESERVED = ("map_type", "object")

Row = tuple[object, ...]


@dataclass(frozen=True)
class Attribute:
    """An attribute of an event or object type; `type` is an SQLite type allowed by OCEL 2.0."""

    name: str
    type: str


class OcelFile:
    """A new file; it is complete once the `with` block ends without an error."""

    def __init__(self, path: Path) -> None:
        self._con = sqlite3.connect(path, isolation_level=None)
        self._tables: dict[tuple[str, str], str] = {}
        # A failed export is discarded as a whole: no journal is needed.
        for setting in ("journal_mode = off", "synchronous = off", "foreign_keys = off"):
            self._con.execute(f"pragma {setting}")
        self._con.executescript(_SCHEMA)
        self._con.execute("begin")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with closing(self._con):
            if error is None:
                self._con.execute("commit")

    def declare_events(self, types: Mapping[str, Sequence[Attribute]]) -> None:
        """Create a table for each event type. Call once with all types, as names must be unique."""
        for name, table in zip(types, table_names(types), strict=True):
            self._declare("event", name, table, ["ocel_time TIMESTAMP"], types[name])

    def declare_objects(self, types: Mapping[str, Sequence[Attribute]]) -> None:
        """Create a table for each object type. Call once with all types."""
        own = ["ocel_time TIMESTAMP", "ocel_changed_field TEXT"]
        for name, table in zip(types, table_names(types), strict=True):
            self._declare("object", name, table, own, types[name])

    def _declare(
        self, kind: str, name: str, table: str, own: list[str], attributes: Sequence[Attribute]
    ) -> None:
        self._con.execute(f"insert into {kind}_map_type values (?, ?)", (name, table))
        # An event has one row; an object has one more for each change.
        key = "primary key " if kind == "event" else ""
        columns = [f"ocel_id TEXT {key}references {kind} (ocel_id)", *own]
        columns += [f"{quoted(attribute.name)} {attribute.type}" for attribute in attributes]
        self._tables[kind, name] = quoted(f"{kind}_{table}")
        self._con.execute(f"create table {self._tables[kind, name]} ({', '.join(columns)})")

    def add_events(self, name: str, rows: Sequence[Row]) -> None:
        """Add events of one type: their id, time and attributes."""
        self._insert("event", ((row[0], name) for row in rows), width=2)
        self._insert(self._tables["event", name], rows)

    def add_objects(self, name: str, rows: Sequence[Row]) -> None:
        """Add objects of one type: their id, the time of their first values, and these values."""
        self._insert("object", ((row[0], name) for row in rows), width=2)
        self._insert(self._tables["object", name], [(*row[:2], None, *row[2:]) for row in rows])

    def add_changes(self, name: str, attribute: str, rows: Sequence[Row]) -> None:
        """Add changes of one attribute of objects of a type: their id, time and new value."""
        columns = f"ocel_id, ocel_time, ocel_changed_field, {quoted(attribute)}"
        self._insert(
            f"{self._tables['object', name]} ({columns})",
            ((row[0], row[1], attribute, row[2]) for row in rows),
            width=4,
        )

    def relate_events(self, rows: Iterable[Row]) -> int:
        """Add relations of events to objects (both ids, qualifier); returns their number."""
        return self._insert("event_object", rows, width=3)

    def relate_objects(self, rows: Iterable[Row]) -> int:
        """Add relations of objects to objects (source, target, qualifier); returns their number."""
        return self._insert("object_object", rows, width=3)

    def _insert(self, table: str, rows: Iterable[Row], *, width: int | None = None) -> int:
        if width is None:
            rows = list(rows)
            width = len(rows[0]) if rows else 0
        marks = ", ".join(["?"] * width)
        return max(0, self._con.executemany(f"insert into {table} values ({marks})", rows).rowcount)


def table_names(types: Iterable[str]) -> list[str]:
    """The table name of each type: its letters and digits, made unique by a number.

    SQLite ignores case in names.
    """
    return _unique([re.sub(r"[^A-Za-z0-9]", "", name) or "Type" for name in types], _RESERVED)


def attribute_names(columns: Iterable[str]) -> list[str]:
    """The column name of each attribute, distinct from the columns of OCEL."""
    return _unique(list(columns), ("ocel_id", "ocel_time", "ocel_changed_field"))


def _unique(names: list[str], reserved: Iterable[str]) -> list[str]:
    used = {name.lower() for name in reserved}
    result: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate.lower() in used:
            number += 1
            candidate = f"{name}_{number}"
        used.add(candidate.lower())
        result.append(candidate)
    return result

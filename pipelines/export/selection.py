"""Selects the procedures and columns that an export writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.report.contents import procedures_of
from schemas.catalogue.dimensions import LABELS
from schemas.catalogue.tables import TABLES
from schemas.compiled.wide_table import wide_table_name
from schemas.definitions.columns import column_name, distinct_column_name
from schemas.errors import OperationError
from schemas.sql_text import quoted

# The facts of a process exported besides its attributes. Measures are left out: the reading tool
# computes them from the events.
_FACTS = (
    "procedure",
    "outcome",
    "status",
    "state",
    "created_at",
    "completed_at",
    "cancelled_at",
    "deleted_at",
    "next_action_at",
    "created_by",
    "assigned_to",
    "team_id",
    "pod_id",
    "entity_id",
    "record_id",
    "parent_process_id",
    *(label.name for label in LABELS),
)


# Values of attributes: whether one is personal stands in its row.
_OF_ATTRIBUTES = frozenset(
    (table.name, column.name)
    for table in TABLES.values()
    for column in table.columns
    if column.of_attribute
)


@dataclass(frozen=True)
class Column:
    """A column of a published table; `type` is the DuckDB type."""

    name: str
    type: str
    is_personal: bool


@dataclass(frozen=True)
class ProcessTable:
    """The wide table of one procedure, with the columns to write."""

    procedure: str
    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Tracked:
    """A tracked attribute, and the columns of the wide table that hold its value or its key;
    none where neither is published.
    """

    procedure: str
    attribute: str
    columns: tuple[Column, ...]

    @property
    def is_personal(self) -> bool:
        return not self.columns or any(column.is_personal for column in self.columns)


@dataclass(frozen=True)
class Selection:
    """What to write; `left_out` are the columns (`table.column`) with personal data."""

    tables: tuple[ProcessTable, ...]
    left_out: tuple[str, ...]
    with_personal: bool

    @property
    def procedures(self) -> list[str]:
        return [table.procedure for table in self.tables]


def select(
    con: duckdb.DuckDBPyConnection, procedures: Sequence[str], *, with_personal: bool
) -> Selection:
    """What to write of these procedures (shortIds; none given: all).

    Raises `OperationError` when a procedure is unknown.
    """
    known = procedures_of(con)
    for name in procedures:
        if name not in known:
            raise OperationError(
                "--procedure", f"found {name!r}", f"Name one of these: {', '.join(known)}."
            )
    tables: list[ProcessTable] = []
    left_out: list[str] = []
    for procedure in known:
        if procedures and procedure not in procedures:
            continue
        name = wide_table_name(procedure)
        exported = _exported_columns(con, name)
        kept = tuple(c for c in exported if with_personal or not c.is_personal)
        tables.append(ProcessTable(procedure, name, kept))
        left_out += [f"{name}.{c.name}" for c in exported if c not in kept]
    return Selection(tuple(tables), tuple(left_out), with_personal)


def cursor_of(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A cursor that reads the same tables as the connection does by default."""
    ((database,),) = con.execute("select current_database()").fetchall()
    cursor = con.cursor()
    cursor.execute(f"use {quoted(database)}")
    return cursor


def published_columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[Column]]:
    """The columns of every published table in their order, by table name."""
    rows = con.execute("""
        select c.table_name, c.column_name, c.data_type, m.personal
        from duckdb_columns() as c
        left join metric_catalog as m
            on m.table_name = c.table_name and m.column_name = c.column_name
        where c.database_name = current_database() and not c.internal
        order by c.table_name, c.column_index
    """).fetchall()
    tables: dict[str, list[Column]] = {}
    for table, column, kind, personal in rows:
        is_personal = (personal or "no") != "no" and (table, column) not in _OF_ATTRIBUTES
        tables.setdefault(table, []).append(Column(column, kind, is_personal))
    return tables


def tracked_attributes(
    con: duckdb.DuckDBPyConnection, table: str = "attribute_changes"
) -> list[Tracked]:
    """The attributes with rows in `table`, by procedure and shortId."""
    tables = published_columns(con)
    rows = con.execute(
        f"select distinct procedure, attribute from {quoted(table)} order by all"
    ).fetchall()
    return [
        Tracked(procedure, attribute, _columns_of(attribute, tables[wide_table_name(procedure)]))
        for procedure, attribute in rows
    ]


def _columns_of(attribute: str, columns: list[Column]) -> tuple[Column, ...]:
    """The column of an attribute or of its keys, or the columns of its parts."""
    by_name = {column.name: column for column in columns}
    for name in (distinct_column_name(attribute), column_name(attribute)):
        for column in (name, f"{name}_key"):
            if column in by_name:
                return (by_name[column],)
        parts = tuple(by_name[f"{name}_{p}"] for p in ("lat", "lng") if f"{name}_{p}" in by_name)
        if parts:
            return parts
    return ()


def _exported_columns(con: duckdb.DuckDBPyConnection, table: str) -> list[Column]:
    """Facts first, then attributes: the columns that only the wide table has."""
    columns = published_columns(con)
    wide = {column.name: column for column in columns[table]}
    shared = {
        column.name
        for name in ("processes", "process_lifecycle", "process_contacts")
        # A generation of an earlier version has no contacts.
        for column in columns.get(name, [])
    }
    shared |= {label.name for label in LABELS}
    facts = [wide[name] for name in _FACTS if name in wide]
    return [*facts, *(column for name, column in wide.items() if name not in shared)]

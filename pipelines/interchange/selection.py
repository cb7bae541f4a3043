"""What an export writes of the published database: which procedures, which columns, what it omits.

How values look in a format belongs to `values.py` and to the modules of the formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.report.contents import procedures_of
from schemas.catalogue_dimensions import LABELS
from schemas.catalogue_model import is_personal
from schemas.definition_parts import column_name
from schemas.errors import SourceError

# What an export says of a process beside its attributes. Measures are left to the tool that reads
# the log: it has the events they are made of.
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


@dataclass(frozen=True)
class Column:
    """A column of a published table; `type` is the DuckDB type."""

    name: str
    type: str
    is_personal: bool


@dataclass(frozen=True)
class ProcessTable:
    """The wide table of one procedure, with the columns that are written of each process."""

    procedure: str
    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Tracked:
    """An attribute with changes, and the columns of the wide table that hold its value."""

    procedure: str
    attribute: str
    columns: tuple[Column, ...]

    @property
    def is_personal(self) -> bool:
        return any(column.is_personal for column in self.columns)


@dataclass(frozen=True)
class Selection:
    """What is written. `left_out` names the columns (`table.column`) that hold personal data."""

    tables: tuple[ProcessTable, ...]
    left_out: tuple[str, ...]
    with_personal: bool

    @property
    def procedures(self) -> list[str]:
        return [table.procedure for table in self.tables]


def select(
    con: duckdb.DuckDBPyConnection, procedures: Sequence[str], *, with_personal: bool
) -> Selection:
    """What to write of these procedures (shortIds); without any, of all of them.

    Raises `SourceError` when there is no such procedure.
    """
    known = procedures_of(con)
    for name in procedures:
        if name not in known:
            raise SourceError(
                "--procedure", f"found {name!r}", f"Name one of these: {', '.join(known)}."
            )
    tables: list[ProcessTable] = []
    left_out: list[str] = []
    for procedure in known:
        if procedures and procedure not in procedures:
            continue
        name = wide_table(procedure)
        written = _written(con, name)
        kept = tuple(c for c in written if with_personal or not c.is_personal)
        tables.append(ProcessTable(procedure, name, kept))
        left_out += [f"{name}.{c.name}" for c in written if c not in kept]
    return Selection(tuple(tables), tuple(left_out), with_personal)


def published_columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[Column]]:
    """The columns of every published table in their order; the tables by name."""
    rows = con.execute("""
        select c.table_name, c.column_name, c.data_type, m.description
        from duckdb_columns() as c
        left join metric_catalog as m
            on m.table_name = c.table_name and m.column_name = c.column_name
        where c.database_name = current_database() and not c.internal
        order by c.table_name, c.column_index
    """).fetchall()
    tables: dict[str, list[Column]] = {}
    for table, column, kind, description in rows:
        tables.setdefault(table, []).append(Column(column, kind, is_personal(description or "")))
    return tables


def tracked_attributes(con: duckdb.DuckDBPyConnection) -> list[Tracked]:
    """The attributes of which `attribute_changes` has changes, by procedure and shortId."""
    tables = published_columns(con)
    rows = con.execute(
        "select distinct procedure, attribute from attribute_changes order by all"
    ).fetchall()
    return [
        Tracked(procedure, attribute, _holding(attribute, tables[wide_table(procedure)]))
        for procedure, attribute in rows
    ]


def _holding(attribute: str, columns: list[Column]) -> tuple[Column, ...]:
    """The column of an attribute, or those of its parts where its type has some."""
    name = column_name(attribute)
    by_name = {column.name: column for column in columns}
    if name in by_name:
        return (by_name[name],)
    return tuple(by_name[f"{name}_{part}"] for part in ("lat", "lng"))


def wide_table(procedure: str) -> str:
    """The wide table of a procedure (shortId)."""
    return f"{procedure.lower()}_processes"


def _written(con: duckdb.DuckDBPyConnection, table: str) -> list[Column]:
    """Facts first, then attributes: what the wide table has and the tables it is made of lack."""
    columns = published_columns(con)
    wide = {column.name: column for column in columns[table]}
    shared = {
        column.name for name in ("processes", "process_lifecycle") for column in columns[name]
    }
    shared |= {label.name for label in LABELS}
    facts = [wide[name] for name in _FACTS if name in wide]
    return [*facts, *(column for name, column in wide.items() if name not in shared)]

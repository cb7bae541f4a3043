"""Writes the published tables as Parquet files, one per table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.export.selection import published_columns, tracked_attributes
from pipelines.export.targets import Written
from schemas.sql_text import literal, quoted

_OF_TRACKED = ("attribute_changes", "attribute_spells")


@dataclass(frozen=True)
class WrittenTables(Written):
    """What was written, and what was left out: columns (`table.column`), and rows of changes."""

    left_out: tuple[str, ...]
    changes_left_out: int


def write_tables(
    con: duckdb.DuckDBPyConnection, folder: Path, *, with_personal: bool
) -> WrittenTables:
    """Write every published table to `folder`, in its row order.

    Without personal data, columns of keys, and changes and spells of personal attributes are left
    out. With them, the tables of the database `people`, which must be attached, are
    `people_<table>`.
    """
    tables = published_columns(con)
    personal = _of_personal(con)
    query = f"select count(*) from attribute_changes where {personal}"
    ((n_changes,),) = con.execute(query).fetchall()
    rows = _write_people(con, folder) if with_personal else 0
    left_out: list[str] = []
    for name, columns in tables.items():
        kept = [column for column in columns if with_personal or not column.is_personal]
        left_out += [f"{name}.{column.name}" for column in columns if column not in kept]
        source = f"select {', '.join(quoted(column.name) for column in kept)} from {quoted(name)}"
        if name in _OF_TRACKED and not with_personal:
            source += f" where not ({personal})"
        rows += _copy(con, source, folder / f"{name}.parquet")
    n_tables = len(tables) + (len(_people_tables(con)) if with_personal else 0)
    counts = {"table": n_tables, "row": rows}
    return WrittenTables(counts, tuple(left_out), 0 if with_personal else n_changes)


def _write_people(con: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Write the tables of `people`; returns the number of rows."""
    return sum(
        _copy(con, f"from people.{quoted(name)}", folder / f"people_{name}.parquet")
        for name in _people_tables(con)
    )


def _people_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    query = "select table_name from duckdb_tables() where database_name = 'people'"
    return [name for (name,) in con.execute(query).fetchall()]


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    options = "format parquet, compression zstd, use_tmp_file false"
    target = literal(str(path))
    ((written,),) = con.execute(f"copy ({query}) to {target} ({options})").fetchall()
    return written


def _of_personal(con: duckdb.DuckDBPyConnection) -> str:
    """The SQL condition for rows of personal attributes in `_OF_TRACKED`."""
    pairs = [
        f"(procedure = {literal(tracked.procedure)} and attribute = {literal(tracked.attribute)})"
        for tracked in tracked_attributes(con, "attribute_spells")
        if tracked.is_personal
    ]
    return " or ".join(pairs) or "false"

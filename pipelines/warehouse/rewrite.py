"""A new file for the warehouse: bytes that were deleted or replaced in the old one are gone."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.sync import sync
from schemas.errors import OperationError
from schemas.sql_text import literal, quoted

_KEPT = ("raw", "config", "main")


def rewrite_warehouse(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Copy the raw and config tables to a new file, which replaces the warehouse; closes `con`.

    DuckDB keeps the blocks of deleted rows in its file. Tables that are built from versions are
    left out: the next build makes them. Raises `OperationError` when the copy does not have the
    same rows; the warehouse is then as it was.
    """
    path = settings.warehouse
    copy = settings.temporary / "warehouse.rewriting"
    copy.unlink(missing_ok=True)
    database = con.execute("select current_database()").fetchall()[0][0]
    query = """
        select schema_name from duckdb_schemas()
        where database_name = $database and not internal and not list_contains($kept, schema_name)
    """
    derived = con.execute(query, {"database": database, "kept": _KEPT}).fetchall()
    for (schema,) in derived:
        con.execute(f"drop schema {quoted(schema)} cascade")
    con.execute(f"attach {literal(str(copy))} as rewritten")
    con.execute(f"copy from database {quoted(database)} to rewritten")
    con.execute("checkpoint rewritten")
    different = [
        name
        for name in _tables(con, database)
        if _rows(con, database, name) != _rows(con, "rewritten", name)
    ]
    con.execute("detach rewritten")
    if different or _leftover(copy).exists():
        copy.unlink(missing_ok=True)
        found = f"was not copied as it is: {', '.join(different) or 'its log is not empty'}"
        raise OperationError(str(path), found, "Check the disk, then try again.")
    copy.chmod(path.stat().st_mode & 0o777)
    con.execute("checkpoint")
    con.close()
    sync(copy)
    copy.replace(path)
    _leftover(path).unlink(missing_ok=True)
    sync(path.parent)


def _tables(con: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    query = """
        select concat_ws('.', schema_name, table_name) from duckdb_tables()
        where database_name = $database and not temporary order by all
    """
    return [name for (name,) in con.execute(query, {"database": database}).fetchall()]


def _rows(con: duckdb.DuckDBPyConnection, database: str, table: str) -> tuple[int, int]:
    """The number of rows and a checksum that does not depend on their order."""
    place = ".".join(map(quoted, (database, *table.split("."))))
    query = f"select count(*), coalesce(bit_xor(hash(t)), 0) from {place} as t"
    return con.execute(query).fetchall()[0]


def _leftover(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")

"""Holds the tables of a new generation to the catalogue before it is published."""

from collections.abc import Iterable
from typing import Any

import duckdb
import polars as pl

from schemas.catalogue.model import OutputTable
from schemas.contracts import (
    FACTS,
    KEY_FACTS,
    broken_contracts,
    limits_of,
)
from schemas.errors import OperationError
from schemas.sql_text import literal, quoted

_SHOWN = 10


def require_contracts(
    con: duckdb.DuckDBPyConnection, catalog: str, tables: Iterable[OutputTable]
) -> None:
    """Compare the types, nulls, limits and keys of the tables in `catalog` with the catalogue.

    A column without a null rule is never null. Raises `OperationError` naming the columns that
    differ, without values.
    """
    columns: list[tuple[Any, ...]] = []
    keys: list[tuple[Any, ...]] = []
    types = _types(con, catalog)
    for table in tables:
        found, n_rows, n_keys = _facts(con, catalog, table, types)
        columns += found
        if n_keys is not None:
            keys.append((table.name, None, n_rows, n_keys))
    broken = broken_contracts(
        pl.DataFrame(columns, schema=FACTS, orient="row"),
        pl.DataFrame(keys, schema=KEY_FACTS, orient="row"),
    )
    if broken:
        more = f"\n  ... and {len(broken) - _SHOWN:,} more" if len(broken) > _SHOWN else ""
        raise OperationError(
            "the published tables",
            "differ from what the catalogue says:\n  " + "\n  ".join(broken[:_SHOWN]) + more,
            "Nothing was published. Run again with `--full`; if it happens again, it is a defect "
            "of leadtime: report it with these lines.",
        )


def _types(con: duckdb.DuckDBPyConnection, catalog: str) -> dict[tuple[str, str], str]:
    """The types of all columns of a database, by the names of table and column."""
    query = f"""
        select table_name, column_name, data_type
        from duckdb_columns() where database_name = {literal(catalog)}
    """
    return {(table, name): kind for table, name, kind in con.execute(query).fetchall()}


def _facts(
    con: duckdb.DuckDBPyConnection,
    catalog: str,
    table: OutputTable,
    types: dict[tuple[str, str], str],
) -> tuple[list[tuple[Any, ...]], int, int | None]:
    """A row of facts per column, the rows of the table, and its different keys if it has any."""
    wanted = ["count(*)"]
    if key := table.key:
        # A row counts as one value, also where members are null.
        members = ", ".join(map(quoted, key))
        wanted.append(f"count(distinct row({members}))")
    for column in table.columns:
        wanted.append(f"count(*) - count({quoted(column.name)})")
        if limits_of(column) != (None, None):
            wanted += [f"{end}({quoted(column.name)})::double" for end in ("min", "max")]
    query = f"select {', '.join(wanted)} from {catalog}.{quoted(table.name)}"
    values = iter(con.execute(query).fetchall()[0])
    n_rows, n_keys = next(values), next(values) if key else None
    facts: list[tuple[Any, ...]] = []
    for column in table.columns:
        lower, upper = limits_of(column)
        n_null = next(values)
        has_limits = (lower, upper) != (None, None)
        ends = (next(values), next(values)) if has_limits else (None, None)
        may_be_null = bool(column.nulls)
        kind = types.get((table.name, column.name), "missing")
        described = (table.name, column.name, column.type)
        facts.append((*described, kind, may_be_null, n_null, lower, upper, *ends))
    return facts, n_rows, n_keys

"""Shows the published tables with the personal values that `people.duckdb` has of them."""

from __future__ import annotations

import duckdb

from schemas.catalogue.attribute_history import ATTRIBUTE_CHANGES, ATTRIBUTE_SPELLS
from schemas.compiled.masking import KEY_OF
from schemas.sql_text import quoted

_DATABASE = "in_clear"
# Columns with values of attributes, only some of which are personal.
_MIXED = tuple(
    column.name
    for table in (ATTRIBUTE_CHANGES, ATTRIBUTE_SPELLS)
    for column in table.columns
    if column.of_attribute
)


def show_clear_values(con: duckdb.DuckDBPyConnection) -> None:
    """Go on with views of the published tables in which values stand in place of their keys.

    Values of columns that are not published come last. The database `people` must be attached.
    """
    ((published,),) = con.execute("select current_database()").fetchall()
    with_values = _columns(con, "people")
    con.execute(f"attach ':memory:' as {_DATABASE} (read_write)")
    for table, columns in _columns(con, published).items():
        query = f"from {quoted(published)}.{quoted(table)} as p"
        if table in with_values:
            query = _with_values(query, table, columns, [*with_values[table]])
        con.execute(f"create view {_DATABASE}.{quoted(table)} as {query}")
    con.execute(f"use {_DATABASE}")


def _with_values(query: str, table: str, columns: dict[str, str], behind: list[str]) -> str:
    """The published rows in `query`, with the values `behind` them that `people` has.

    `columns` are those published, with their comments.
    """
    shared = [name for name in behind if name in columns and name not in _MIXED]
    hidden = [name for name in behind if name not in shared]
    selected: list[str] = []
    placed: set[str] = set()
    for column, comment in columns.items():
        keyed = [name for name in hidden if comment.startswith(KEY_OF.format(name=name))]
        placed |= {column, *keyed}
        if column in hidden:  # the value of an attribute, which may be published
            value = f"if(x.{shared[0]} is null, p.{column}, x.{column}) as {column}"
        else:
            value = f"x.{quoted(keyed[0])}" if keyed else f"p.{quoted(column)}"
        selected.append(value)
    selected += [f"x.{quoted(name)}" for name in hidden if name not in placed]
    same = " and ".join(f"x.{quoted(name)} = p.{quoted(name)}" for name in shared)
    joined = f"left join people.{quoted(table)} as x on {same}"
    return f"select {', '.join(selected)} {query} {joined}"


def _columns(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    """The columns of each table of a database in their order, with their comments."""
    query = """
        select table_name, column_name, coalesce(comment, '') from duckdb_columns()
        where database_name = $database and not internal order by table_name, column_index
    """
    found: dict[str, dict[str, str]] = {}
    for table, column, comment in con.execute(query, {"database": database}).fetchall():
        found.setdefault(table, {})[column] = comment
    return found

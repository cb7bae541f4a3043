"""Tables of a file to publish, with the catalogue's descriptions as comments."""

import duckdb

from schemas.catalogue.model import OutputTable
from schemas.sql_text import literal, quoted

# Clients from this version on can read the file.
STORAGE_VERSION = "v1.2.0"


def create_described(
    con: duckdb.DuckDBPyConnection, catalog: str, table: OutputTable, query: str
) -> int:
    """Create a table in the database `catalog` from the columns of a query that it describes.

    Returns the number of rows.
    """
    place = f"{catalog}.{quoted(table.name)}"
    columns = ", ".join(quoted(column.name) for column in table.columns)
    con.execute(f"create table {place} as select {columns} from ({query})")
    statements = [f"comment on table {place} is {literal(table.comment)}"] + [
        f"comment on column {place}.{quoted(column.name)} is {literal(column.comment)}"
        for column in table.columns
    ]
    con.execute(";\n".join(statements))
    return con.execute(f"select count(*) from {place}").fetchall()[0][0]

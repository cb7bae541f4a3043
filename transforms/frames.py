"""Query results as frames."""

from __future__ import annotations

import duckdb
import polars as pl


def fetch_frame(con: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    """The rows of a query.

    DuckDB's client scans the text of a relation in Python, once for each one made. For the long
    queries that definitions give this takes longer than to run them on a small file. A statement
    is not scanned, so the rows go through a temporary table.
    """
    con.execute(f"create temp table fetched as {query}")
    try:
        return con.sql("from fetched").pl()
    finally:
        con.execute("drop table fetched")

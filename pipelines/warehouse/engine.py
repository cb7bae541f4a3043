"""Databases in memory, for work beside the warehouse and within its limits."""

import duckdb

from pipelines.settings import from_environment

_LIMITS = "select current_setting('memory_limit'), current_setting('temp_directory')"


def limits_of(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The memory limit of a connection and its folder for temporary files, to connect with."""
    ((memory_limit, folder),) = con.execute(_LIMITS).fetchall()
    return {"memory_limit": memory_limit, "temp_directory": folder}


def connect_beside(con: duckdb.DuckDBPyConnection, *, threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory with the memory limit of `con`, which spills to the same folder."""
    return duckdb.connect(config={**limits_of(con), "threads": threads})


def connect_in_memory() -> duckdb.DuckDBPyConnection:
    """A database in memory with the memory limit of the settings, which writes no temporary files.

    Raises `OperationError` when a setting is not valid.
    """
    limits = {"memory_limit": from_environment().memory_limit, "temp_directory": ""}
    return duckdb.connect(config={**limits, "threads": 2})

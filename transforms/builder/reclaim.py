"""Lets a database file use the blocks of replaced tables again."""

import duckdb

_TABLES = 6


class Reclaimer:
    """Checkpoints `catalog` after every few tables that were written anew.

    DuckDB frees the blocks of a replaced table at the next checkpoint; without any during a build
    the file has to hold all tables twice. More checkpoints save little more.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, catalog: str) -> None:
        self._con = con
        self._catalog = catalog
        self._written = 0

    def note_written(self) -> None:
        """Count a table that was written and committed."""
        self._written += 1
        if self._written % _TABLES == 0:
            self._con.execute(f"checkpoint {self._catalog}")

"""Transactions: everything in a block is committed together, or nothing of it is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress

import duckdb


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Generator[None]:
    """One transaction: committed at the end of the block, rolled back when the block raises."""
    con.execute("begin")
    try:
        yield
        con.execute("commit")
    except BaseException:
        roll_back(con)
        raise


def roll_back(con: duckdb.DuckDBPyConnection) -> None:
    """Undo the open transaction, if there is one: DuckDB closes it itself when the disk is full."""
    with suppress(duckdb.TransactionException):
        con.execute("rollback")

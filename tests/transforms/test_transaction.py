"""A transaction is written whole or not at all."""

from __future__ import annotations

import duckdb
import pytest

from transforms.transaction import transaction


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("create table numbers as select 1 as n")
    return made


def numbers(con: duckdb.DuckDBPyConnection) -> list[int]:
    return [n for (n,) in con.execute("select n from numbers order by n").fetchall()]


def insert_and_raise(
    con: duckdb.DuckDBPyConnection, error: BaseException, *statements: str
) -> None:
    with transaction(con):
        con.execute("insert into numbers values (2)")
        for statement in statements:
            con.execute(statement)
        raise error


def test_a_block_is_committed_as_a_whole(con: duckdb.DuckDBPyConnection) -> None:
    other = con.cursor()
    with transaction(con):
        con.execute("insert into numbers values (2)")
        assert numbers(other) == [1]
    assert numbers(other) == [1, 2]


def test_a_block_that_raises_is_undone_and_the_error_goes_on(
    con: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        insert_and_raise(con, KeyboardInterrupt())
    assert numbers(con) == [1]
    with transaction(con):
        con.execute("insert into numbers values (3)")
    assert numbers(con) == [1, 3]


def test_an_error_that_closed_the_transaction_itself_stays_the_error(
    con: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(ZeroDivisionError):
        # DuckDB rolls back by itself when the disk is full.
        insert_and_raise(con, ZeroDivisionError(), "rollback")
    assert numbers(con) == [1]

"""Formulas computed by DuckDB over literal rows.

What must come out belongs in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from schemas.formulas import Formula, FormulaProblem, compile_formula

FAILS = "fails"

COLUMNS: Mapping[str, str] = {
    "score": "BIGINT",
    "n": "BIGINT",
    "ratio": "DOUBLE",
    "budget": "DECIMAL(38,9)",
    "price": "DECIMAL(10,2)",
    "state": "VARCHAR",
    "name": "VARCHAR",
    "is_hot": "BOOLEAN",
    "created_at": "TIMESTAMP",
    "as_of": "TIMESTAMP",
    "due_on": "DATE",
    "opens": "TIME",
    "tags": "VARCHAR[]",
    "sizes": "BIGINT[]",
    "shares": "DOUBLE[]",
    "record.size": "BIGINT",
    "small": "INTEGER",
    "assigned_to": "UUID",
    "document": "JSON",
    "place": "STRUCT(lat DOUBLE, lng DOUBLE)",
    "Twin": "BIGINT",
    "tWin": "BIGINT",
    "a b": "BIGINT",
}
ROW: Mapping[str, str] = {
    "score": "700",
    "n": "0",
    "ratio": "0.5",
    "budget": "2.25",
    "price": "9.99",
    "state": "'NEW'",
    "name": "null",
    "is_hot": "true",
    "created_at": "timestamp '2024-01-31 10:30:15.5'",
    "as_of": "timestamp '2024-03-01 00:00:00'",
    "due_on": "date '2024-01-31'",
    "opens": "time '09:15:30'",
    "tags": "['a', 'b', null]",
    "sizes": "[3, 1, null]",
    "shares": "[0.5, 1.5]",
    "record.size": "7",
    "small": "3",
    "assigned_to": "uuid '3024e1d6-7926-5cec-b4b7-0b0ec05ea0e7'",
    "document": """'{"key": "v", "n": 12, "a.b": true, "none": null, "list": [1]}'""",
    "place": "{'lat': 1.0, 'lng': 2.0}",
    "Twin": "1",
    "tWin": "2",
    "a b": "8",
}


def connect() -> duckdb.DuckDBPyConnection:
    """A database of its own, as closed as analysts' SQL runs in; the table `t` holds `ROW`."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("set enable_external_access = false").fetchall()
    make_table(con)
    return con


def make_table(con: duckdb.DuckDBPyConnection, table: str = "t", **changed: str) -> None:
    """A table with `ROW`, where some columns hold another SQL value.

    Of two columns that differ in case alone, one table can hold one.
    """
    cells = {name: value for name, value in {**ROW, **changed}.items() if name != "tWin"}
    select = ", ".join(f'cast({v} as {COLUMNS[c]}) as "{c}"' for c, v in cells.items())
    con.execute(f"create or replace table {table} as select {select}").fetchall()


def sql(expression: exp.Expr) -> str:
    return expression.sql(dialect="duckdb")


def results(con: duckdb.DuckDBPyConnection, formula: Formula, table: str = "t") -> list[Any]:
    """The result of each row, or FAILS."""
    rows = con.execute(f"select {sql(formula.checked)} from {table}").fetchall()
    return [FAILS if row[0] is None else row[0]["v"] for row in rows]


def compute(con: duckdb.DuckDBPyConnection, text: str, **changed: str) -> Any:
    """The result on `ROW`, or FAILS; `value` must say the same as `checked`."""
    table = "changed" if changed else "t"
    if changed:
        make_table(con, table, **changed)
    formula = compile_formula(text, COLUMNS)
    query = f"select c, typeof(c) from (select {sql(formula.checked)} as c from {table})"
    ((found, kind),) = con.execute(query).fetchall()
    assert kind == f"STRUCT(v {formula.type})"
    result = FAILS if found is None else found["v"]
    assert _value(con, formula, table) == result
    return result


def _value(con: duckdb.DuckDBPyConnection, formula: Formula, table: str) -> Any:
    try:
        return con.execute(f"select {sql(formula.value)} from {table}").fetchall()[0][0]
    except duckdb.ConversionException as error:
        if "the formula fails on this row" not in str(error):
            raise
        return FAILS


def problem(text: str, columns: Mapping[str, str] = COLUMNS, expects: str | None = None) -> str:
    """`found; allowed` of a formula that must be refused."""
    with pytest.raises(FormulaProblem) as refused:
        compile_formula(text, columns, expects=expects)
    return f"{refused.value.found}; {refused.value.allowed}"


def values_table(
    con: duckdb.DuckDBPyConnection,
    columns: Mapping[str, str],
    rows: Sequence[Iterable[str]],
    table: str = "t",
) -> None:
    """A table with literal rows of SQL values."""
    names = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    lines = ", ".join(f"({', '.join(row)})" for row in rows)
    con.execute(f"create or replace table {table} ({names})").fetchall()
    con.execute(f"insert into {table} values {lines}").fetchall()

"""Formulas without a result on a row, and what null does in them."""

from typing import Any

import duckdb
import pytest

from schemas.formulas import compile_formula
from tests.support.formula_rows import COLUMNS, FAILS, compute, connect, results, sql


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connect()


@pytest.mark.parametrize(
    "text",
    [
        "score / n",
        "score // n",
        "score % n",
        "ratio / 0",
        "0 / 0",
        "budget / 0.0",
        "1 / 0",
        "9223372036854775807 + score",
        "9223372036854775807 * score",
        "-9223372036854775807 - 2",
        "-(-9223372036854775807 - 1)",
        "abs(-9223372036854775807 - 1)",
        "(-9223372036854775807 - 1) // -1",
        "99999999999999999999999999999.0 + 1",
        "99999999999999999999999999999.0 * budget",
        "10000000000.0 * 10000000000.0",
        "1e308 * 10",
        "1e308 + 1e308",
        "1 / (1e308 * 10)",
        "1e308 * 10 > 1",
        "1e308 * 10 is null",
        "coalesce(1e308 * 10, 1)",
        "exp(1000)",
        "exp(-(1e308 * 10))",
        "sqrt(-1)",
        "ln(n)",
        "ln(-1)",
        "power(n, -1)",
        "power(-8, 0.5)",
        "power(1e200, 2)",
        "cast(state as integer)",
        "cast('' as integer)",
        "cast('1.5' as integer)",
        "cast('0x10' as integer)",
        "cast('1_000' as integer)",
        "cast('99999999999999999999' as integer)",
        "cast('inf' as double)",
        "cast('1e400' as double)",
        "cast('nan' as double)",
        "cast('1e3' as decimal(38,9))",
        "cast('t' as boolean)",
        "cast(concat('2024-02-', '30') as date)",
        "cast(concat('2024-1-', '1') as date)",
        "cast(concat('2024-01-01 10:00', '+02') as timestamp)",
        "cast(concat('2024-01-01', 'Z') as timestamp)",
        "cast(concat('25', ':00') as time)",
        "cast(1e19 as integer)",
        "cast(9.3e18 as integer)",
        "cast(1e30 as decimal(38,9))",
        "left(state, 99999999999)",
        "substr(state, 99999999999)",
        "due_on + interval 9999 years",
        "due_on - interval 2025 years",
        "created_at + interval 9999 years",
        "list_sum([1])",
    ],
)
def test_a_row_without_a_result_fails(con: duckdb.DuckDBPyConnection, text: str) -> None:
    if text.startswith("list_sum"):
        text = "list_sum(sizes)"
        assert compute(con, text, sizes="[9223372036854775807, 1]") == FAILS
        return
    assert compute(con, text) == FAILS
    # And so does everything that needs it, and nothing that does not.
    assert compute(con, f"({text}) is null") == FAILS
    assert compute(con, f"if(n = 0, 1, if(({text}) is null, 2, 3))") == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ratio", "'inf'"),
        ("ratio", "'-inf'"),
        ("ratio", "'nan'"),
        ("due_on", "'infinity'"),
        ("due_on", "'0044-03-15 (BC)'"),
        ("due_on", "'12024-01-01'"),
        ("created_at", "'-infinity'"),
        ("created_at", "'10000-01-01 00:00:00'"),
    ],
)
def test_a_column_beyond_the_language_fails(
    con: duckdb.DuckDBPyConnection, column: str, value: str
) -> None:
    assert compute(con, column, **{column: value}) == FAILS
    assert compute(con, f"{column} is null", **{column: value}) == FAILS
    assert compute(con, "n", **{column: value}) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name || 'x'", None),
        ("lower(name)", None),
        ("concat(name, 'x')", "x"),
        ("concat(name, name)", ""),
        ("length(name) + 1", None),
        ("name = 'x'", None),
        ("name in ('x')", None),
        ("state in ('x', name)", "null"),
        ("name between 'a' and 'b'", None),
        ("not (name = 'x')", None),
        ("name = 'x' and false", False),
        ("name = 'x' or true", True),
        ("name = 'x' and true", None),
        ("(name = 'x') is true", False),
        ("(name = 'x') is not true", True),
        ("if(name = 'x', 1, 2)", 2),
        ("case when name = 'x' then 1 end", None),
        ("case name when 'x' then 1 else 2 end", 2),
        ("coalesce(name)", None),
        ("nullif(name, 'x')", None),
        ("nullif(state, name)", "NEW"),
        ("greatest(name, 'a')", "a"),
        ("least(name, name)", None),
        ("contains(tags, name)", None),
        ("list_sum(sizes) + null", None),
        ("null / n", None),
        ("null + 9223372036854775807 + 1", None),
        ("cast(name as integer)", None),
        ("cast(name as timestamp)", None),
        ("regexp_matches(name, 'x')", None),
        ("left(name, 1)", None),
        ("round(null, 2) + 1", None),
        ("sqrt(null)", None),
        ("date_trunc('day', coalesce(null, due_on))", "day"),
    ],
)
def test_null_in_a_formula(con: duckdb.DuckDBPyConnection, text: str, expected: Any) -> None:
    result = compute(con, text)
    if expected == "null":
        assert result is None
    elif expected == "day":
        assert result is not None
    else:
        assert result is expected or result == expected
        assert (result is None) == (expected is None)


@pytest.mark.parametrize(
    ("column", "null_of"),
    [("sizes", "list_sum"), ("sizes", "list_min"), ("shares", "list_max"), ("tags", "list_max")],
)
def test_lists_without_values_have_no_sum_and_no_extremes(
    con: duckdb.DuckDBPyConnection, column: str, null_of: str
) -> None:
    for value in ("null", "[]", "[null]"):
        assert compute(con, f"{null_of}({column})", **{column: value}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n <> 0 and score / n > 1", False),
        ("n = 0 or score / n > 1", True),
        ("score / n > 1 and n <> 0", FAILS),
        ("score / n > 1 or n = 0", FAILS),
        ("name = 'x' and score / n > 1", FAILS),
        ("name = 'x' and n <> 0 and score / n > 1", False),
        ("is_hot and n <> 0 and score // n > 1", False),
        ("if(n = 0, null, score / n)", None),
        ("if(n <> 0, score / n)", None),
        ("if(score / n > 1, 1, 2)", FAILS),
        ("case when n = 0 then 1 when score / n > 1 then 2 end", 1),
        ("case when n = 1 then 1 when score / n > 1 then 2 end", FAILS),
        ("case n when 0 then 1 when score // n then 2 end", 1),
        ("case score // n when 0 then 1 else 2 end", FAILS),
        ("case when n = 0 then score / n else 1 end", FAILS),
        ("coalesce(score, score // n)", 700),
        ("coalesce(name, cast(score // n as varchar))", FAILS),
        ("coalesce(score / n, 1)", FAILS),
        ("score / nullif(n, 0)", None),
        ("null + score / n", FAILS),
        ("greatest(score, score // n)", FAILS),
        ("concat(state, cast(score / n as varchar))", FAILS),
        ("score in (1, score // n)", FAILS),
        ("(n <> 0 and score / n > 1) or (n = 0 and state = 'NEW')", True),
    ],
)
def test_only_what_is_reached_can_fail(
    con: duckdb.DuckDBPyConnection, text: str, expected: Any
) -> None:
    result = compute(con, text)
    assert result is expected or (result == expected and type(result) is type(expected))


def test_formulas_that_share_a_failing_part_fail_row_by_row(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """DuckDB evaluates what several columns share once, ahead of both."""
    con.execute(
        "create or replace table many as select range as score, range % 2 as n,"
        " range::varchar as state from range(10000)"
    ).fetchall()
    texts = ["score // n", "score // n + 1", "9223372036854775000 + score", "score % n > 1"]
    formulas = [compile_formula(text, COLUMNS) for text in texts]
    columns = [sql(formula.checked) for formula in formulas]
    columns += [f"{sql(formula.checked)} is null" for formula in formulas]
    counts = ", ".join(f"count(*) filter ({c})" for c in ("a4", "a5", "a6", "a7"))
    named = ", ".join(f"{column} as a{position}" for position, column in enumerate(columns))
    found = con.execute(f"select {counts} from (select {named} from many)").fetchall()
    assert found == [(5000, 5000, 10000 - 808, 5000)]


def test_a_failing_row_is_null_in_a_bigger_query(con: duckdb.DuckDBPyConnection) -> None:
    formula = compile_formula("score / n", COLUMNS)
    query = (
        f"select checked.v, checked is null from (select {sql(formula.checked)} as checked from t)"
    )
    assert con.execute(query).fetchall() == [(None, True)]
    assert results(con, formula) == [FAILS]
    with pytest.raises(duckdb.ConversionException, match="the formula fails on this row"):
        con.execute(f"select {sql(formula.value)} from t").fetchall()


@pytest.mark.parametrize(
    "text",
    [
        "if(score > 800, 'good') = 'bad'",
        "if(score > 800, 'good') < state",
        "case if(score > 800, 'good') when 'bad' then 1 else 2 end = 1",
        "nullif(if(score > 800, 'good'), 'bad') is not null",
        "if(score > 800, 'good') between 'a' and 'b'",
        "if(score > 800, 'good') in ('a', state)",
        "greatest(if(score > 800, 'good'), 'bad') = 'good'",
        "coalesce(if(score > 800, 'good'), null) <> 'bad'",
        "left(if(score > 800, 'good'), 2) = 'a'",
    ],
)
def test_a_condition_that_no_row_meets_does_no_harm(
    con: duckdb.DuckDBPyConnection, text: str
) -> None:
    """DuckDB knows from statistics that no score is above 800, and simplifies."""
    assert compute(con, text) in (None, False)

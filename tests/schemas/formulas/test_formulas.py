"""Formulas on a literal row: what comes out, with which type, reading what."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from schemas.formulas import FormulaProblem, compile_formula, names_in
from tests.support.formula_rows import COLUMNS, ROW, compute, connect, problem, sql


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connect()


RESULTS: list[tuple[str, Any]] = [
    # names and values
    ("score", 700),
    ("SCORE", 700),
    ("record.size", 7),
    ('"record.size"', 7),
    ("Record.Size + 0", 7),
    ('"a b" * 2', 16),
    ("Twin", 1),
    ("small", 3),
    ("price", Decimal("9.990000000")),
    ("assigned_to", "3024e1d6-7926-5cec-b4b7-0b0ec05ea0e7"),
    ("tags", ["a", "b", None]),
    ("'it''s'", "it's"),
    (r"'a\n'", r"a\n"),
    ("true", True),
    ("12", 12),
    ("1_000", 1000),
    ("1.5", Decimal("1.500000000")),
    (".5", Decimal("0.500000000")),
    ("1e3", 1000.0),
    ("1.0000000001", 1.0000000001),
    ("9223372036854775807", 9223372036854775807),
    ("date '2024-02-29'", date(2024, 2, 29)),
    ("time '09:30'", time(9, 30)),
    ("timestamp '2024-02-29 23:59:59.999999'", datetime(2024, 2, 29, 23, 59, 59, 999999)),
    # arithmetic
    ("1 + 2 * 3 - 4", 3),
    ("(1 + 2) * 3", 9),
    ("10 - 3 - 2", 5),
    ("10 - (3 - 2)", 9),
    ("-score", -700),
    ("- -score", 700),
    ("2 - -3", 5),
    ("7 / 2", 3.5),
    ("1 / 3", 1 / 3),
    ("7 // 2", 3),
    ("-7 // 2", -3),
    ("-7 % 2", -1),
    ("7 % -2", 1),
    ("0.1 + 0.2", Decimal("0.300000000")),
    ("score * 1.5", Decimal("1050.000000000")),
    ("budget * budget", Decimal("5.062500000")),
    ("0.000000001 * 0.5", Decimal("0.000000001")),
    ("-0.000000001 * 0.5", Decimal("-0.000000001")),
    ("budget / 2", 1.125),
    ("ratio + budget", 2.75),
    ("ratio * score", 350.0),
    ("9223372036854775807 + 1 - 1", 9223372036854775807),
    # comparisons
    ("score > 1 and score >= 700 and score <= 700.0 and score < 700.5", True),
    ("score = 700", True),
    ("score <> 700", False),
    ("score != 7e2", False),
    ("score between 700 and 701", True),
    ("score not between 700 and 701", False),
    ("score in (1, 2)", False),
    ("state not in ('OLD', 'NEW')", False),
    ("'B' < 'a'", True),
    ("state = 'new'", False),
    ("due_on < created_at", True),
    ("due_on = date '2024-01-31'", True),
    ("opens < time '10:00'", True),
    ("is_hot = true", True),
    ("ratio is distinct from 0.5", False),
    ("name is distinct from 'x'", True),
    ("name is not distinct from null or true", "refused"),
    ("is_hot is true", True),
    ("is_hot is not false", True),
    ("name is null", True),
    ("document is not null", True),
    ("tags is null", False),
    # truth
    ("not is_hot", False),
    ("not is_hot = false", True),
    ("false or true and false", False),
    # choice
    ("if(score > 600, 'good', 'bad')", "good"),
    ("if(score > 800, 'good')", None),
    ("case when score > 800 then 'a' when score > 600 then 'b' else 'c' end", "b"),
    ("case state when 'OLD' then 1 when 'NEW' then 2.5 end", Decimal("2.500000000")),
    ("case state when 'OLD' then 1 end", None),
    ("coalesce(name, state, 'x')", "NEW"),
    ("nullif(state, 'NEW')", None),
    ("nullif(score, 1)", 700),
    ("greatest(1, score, 2.5)", Decimal("700.000000000")),
    ("least('b', 'a', 'C')", "C"),
    ("greatest(due_on, created_at)", datetime(2024, 1, 31, 10, 30, 15, 500000)),
    # text
    ("lower(state) || '-' || upper('x')", "new-X"),
    ("trim('  a ')", "a"),
    ("length('né')", 2),
    ("left(state, 2) || right(state, 1)", "NEW"),
    ("left(state, -1)", "NE"),
    ("substr(state, 2)", "EW"),
    ("substr(state, 2, 1)", "E"),
    ("split_part('a,b,c', ',', 2)", "b"),
    ("split_part('a,b,c', ',', -1)", "c"),
    ("split_part('a', ',', 2)", ""),
    ("replace(state, 'N', '')", "EW"),
    (r"replace('a/b', '/', '\')", "a\\b"),
    ("concat(state, '-', 'x')", "NEW-x"),
    ("contains(state, 'EW') and starts_with(state, 'N') and ends_with(state, 'W')", True),
    ("state like 'N%'", True),
    ("state like 'n_w'", False),
    ("state ilike 'n_w'", True),
    ("state not like 'N%'", False),
    (r"state like '\N%'", False),
    ("regexp_matches(state, '^N.W$')", True),
    ("regexp_matches(state, 'e')", False),
    ("regexp_matches(state, '(?i)e')", True),
    ("regexp_extract('a12b3', '[0-9]+')", "12"),
    ("regexp_extract('a12b3', '([a-z])([0-9])', 2)", "1"),
    ("regexp_extract('abc', '[0-9]')", ""),
    ("regexp_replace('a1b2', '[0-9]', '#')", "a#b2"),
    (r"regexp_replace('a1b2', '([0-9])', '<\1>', 'g')", "a<1>b<2>"),
    ("json_text(document, 'key')", "v"),
    ("json_text(document, 'a.b')", "true"),
    ("json_text(document, 'none')", None),
    ("json_text(document, 'other')", None),
    ("cast(json_text(document, 'n') as integer) + 1", 13),
    # numbers and lists
    ("abs(-5)", 5),
    ("abs(-2.5)", Decimal("2.500000000")),
    ("round(2.5)", Decimal("3.000000000")),
    ("round(-2.5)", Decimal("-3.000000000")),
    ("round(budget, 1)", Decimal("2.300000000")),
    ("round(1234.5e0, 0)", 1235.0),
    ("round(score)", 700),
    ("floor(-1.5)", Decimal("-2.000000000")),
    ("ceil(ratio)", 1.0),
    ("ceil(score)", 700),
    ("sign(-ratio)", -1),
    ("sqrt(16)", 4.0),
    ("ln(1)", 0.0),
    ("exp(0)", 1.0),
    ("power(2, 10)", 1024.0),
    ("contains(tags, 'a')", True),
    ("list_contains(sizes, 2)", False),
    ("contains(shares, 0.5)", True),
    ("len(tags)", 3),
    ("list_min(sizes)", 1),
    ("list_max(tags)", "b"),
    ("list_sum(sizes)", 4),
    ("list_sum(shares)", 2.0),
    # dates
    ("due_on + interval '1 month'", date(2024, 2, 29)),
    ("due_on - interval 1 year", date(2023, 1, 31)),
    ("due_on + interval 2 weeks - interval 1 day", date(2024, 2, 13)),
    ("due_on + interval '90 minutes'", datetime(2024, 1, 31, 1, 30)),
    ("created_at + interval 1 day", datetime(2024, 2, 1, 10, 30, 15, 500000)),
    ("created_at - interval '-10 seconds'", datetime(2024, 1, 31, 10, 30, 25, 500000)),
    ("seconds_between(created_at, created_at + interval 90 seconds)", 90.0),
    ("seconds_between(created_at, due_on)", -37815.5),
    ("days_between(due_on, date '2024-03-01')", 30),
    ("days_between(due_on, timestamp '2024-01-31 12:00:00')", 0.5),
    ("days_between(as_of, created_at) < 0", True),
    ("date_trunc('month', due_on)", date(2024, 1, 1)),
    ("date_trunc('week', due_on)", date(2024, 1, 29)),
    ("date_trunc('hour', created_at)", datetime(2024, 1, 31, 10)),
    ("year(due_on) * 100 + month(due_on)", 202401),
    ("quarter(as_of) + week(as_of) + day(as_of)", 1 + 9 + 1),
    ("dayofweek(date '2024-03-03')", 0),
    ("isodow(date '2024-03-03')", 7),
    ("extract(dow from date '2024-03-03')", 0),
    ("extract('year' from created_at)", 2024),
    ("hour(created_at) + minute(created_at) + second(created_at)", 10 + 30 + 15),
    ("hour(opens)", 9),
    # casts
    ("cast(' -42 ' as integer)", -42),
    ("'1.5'::double", 1.5),
    ("'1e2'::double", 100.0),
    ("'1.1234567891'::decimal(38,9)", Decimal("1.123456789")),
    ("'.5'::decimal(38,9)", Decimal("0.500000000")),
    ("'TRUE'::boolean", True),
    ("state || cast('2024-01-31' as date)::varchar", "NEW2024-01-31"),
    ("cast(concat('2024-01-31', 'T10:00') as timestamp)", datetime(2024, 1, 31, 10)),
    ("cast(concat('09:30', ':15.5') as time)", time(9, 30, 15, 500000)),
    ("2.5e0::bigint", 2),
    ("3.5e0::bigint", 4),
    ("2.5::bigint", 3),
    ("1e-10::decimal(38,9)", Decimal("0E-9")),
    ("is_hot::bigint + 1", 2),
    ("created_at::date", date(2024, 1, 31)),
    ("created_at::time", time(10, 30, 15, 500000)),
    ("due_on::timestamp", datetime(2024, 1, 31)),
    ("score::varchar || ratio::varchar || is_hot::varchar", "7000.5true"),
    ("budget::varchar", "2.250000000"),
]


@pytest.mark.parametrize(("text", "expected"), RESULTS)
def test_a_formula_gives(con: duckdb.DuckDBPyConnection, text: str, expected: Any) -> None:
    if expected == "refused":
        assert "null" in problem(text)
        return
    result = compute(con, text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", "BIGINT"),
        ("score + small", "BIGINT"),
        ("score + 1.0", "DECIMAL(38,9)"),
        ("budget + ratio", "DOUBLE"),
        ("score / 1", "DOUBLE"),
        ("price * price", "DECIMAL(38,9)"),
        ("due_on + interval 1 day", "DATE"),
        ("due_on + interval 1 hour", "TIMESTAMP"),
        ("coalesce(due_on, created_at)", "TIMESTAMP"),
        ("coalesce(tags, null)", "VARCHAR[]"),
        ("coalesce(null, document)", "JSON"),
        ("assigned_to", "VARCHAR"),
        ("if(is_hot, null, 1)", "BIGINT"),
        ("length(state)", "BIGINT"),
        ("sign(1.5)", "BIGINT"),
        ("extract(day from due_on)", "BIGINT"),
        ("list_sum(sizes)", "BIGINT"),
        ("state is null", "BOOLEAN"),
    ],
)
def test_the_type_of_a_result(con: duckdb.DuckDBPyConnection, text: str, kind: str) -> None:
    assert compile_formula(text, COLUMNS).type == kind
    compute(con, text)


@pytest.mark.parametrize(
    ("text", "expects", "gives"),
    [
        ("score", "DOUBLE", 700.0),
        ("score", "DECIMAL(38,9)", Decimal("700.000000000")),
        ("budget", "DOUBLE", 2.25),
        ("due_on", "TIMESTAMP", datetime(2024, 1, 31)),
        ("null", "VARCHAR", None),
        ("null", "BIGINT[]", None),
        ("assigned_to", "UUID", "3024e1d6-7926-5cec-b4b7-0b0ec05ea0e7"),
    ],
)
def test_a_result_widens_to_the_declared_type(
    con: duckdb.DuckDBPyConnection, text: str, expects: str, gives: Any
) -> None:
    formula = compile_formula(text, COLUMNS, expects=expects)
    ((found, kind),) = con.execute(
        f"select {sql(formula.value)}, typeof({sql(formula.value)}) from t"
    ).fetchall()
    assert (found, kind) == (gives, formula.type)


@pytest.mark.parametrize(
    ("text", "expects", "found"),
    [
        ("state", "BIGINT", "gives VARCHAR; BIGINT (use `cast(x as type)`)"),
        ("score", "VARCHAR", "gives BIGINT; VARCHAR (use `cast(x as type)`)"),
        ("ratio", "BIGINT", "gives DOUBLE; BIGINT (use `cast(x as type)`)"),
        ("ratio", "DECIMAL(38,9)", "gives DOUBLE; DECIMAL(38,9) (use `cast(x as type)`)"),
        ("created_at", "DATE", "gives TIMESTAMP; DATE (use `cast(x as type)`)"),
        ("is_hot", "BIGINT", "gives BOOLEAN; BIGINT (use `cast(x as type)`)"),
        ("tags", "VARCHAR", "gives VARCHAR[]; VARCHAR"),
        ("document", "VARCHAR", "gives JSON; VARCHAR"),
        ("score", "BOOLEAN", "gives BIGINT; BOOLEAN (use `cast(x as type)`)"),
    ],
)
def test_another_type_than_declared_is_refused(text: str, expects: str, found: str) -> None:
    assert problem(text, expects=expects) == f"a formula that {found}"


def test_a_formula_cannot_be_of_a_type_it_does_not_know() -> None:
    assert problem("score", expects="STRUCT(a INTEGER)").startswith(
        "a formula for STRUCT(a INTEGER); one of BIGINT"
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1 + 2", set[str]()),
        ("SCORE + score + Record.size", {"SCORE", "score", "Record.size"}),
        ('if(unknown > 1, "a b", f(z))', {"unknown", "a b", "z"}),
        ("case state when 'score' then n end", {"state", "n"}),
    ],
)
def test_names_are_found_without_checking_them(text: str, names: set[str]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize("text", ["", "1 +", "(select 1)", "a; b"])
def test_names_of_bad_syntax_are_refused(text: str) -> None:
    with pytest.raises(FormulaProblem):
        names_in(text)


def test_what_a_formula_reads_is_named_as_the_columns_are() -> None:
    formula = compile_formula("SCORE + RECORD.SIZE + 1", COLUMNS)
    assert formula.reads == {"score", "record.size"}
    assert '"record.size"' in sql(formula.value)


def test_the_same_text_compiles_to_the_same_expression() -> None:
    text = "if(score > 1 and state in ('a', 'b'), score / n, budget * 2)"
    one, other = (compile_formula(text, COLUMNS) for _ in range(2))
    assert sql(one.checked) == sql(other.checked)
    assert sql(one.value) == sql(other.value)
    assert one.reads == other.reads


@pytest.mark.parametrize(
    "setting",
    [
        "set timezone = 'America/St_Johns'",
        "set default_collation = 'nocase'",
        "set error_on_division_by_zero = false",
        "set default_null_order = 'nulls_first'",
        "set integer_division = true",
    ],
)
def test_settings_of_the_session_change_nothing(setting: str) -> None:
    con = connect()
    try:
        con.execute(setting).fetchall()
    except duckdb.CatalogException:
        pytest.skip("this DuckDB has no such setting")
    except duckdb.InvalidInputException:
        pytest.skip("needs an extension")
    expected = {text: value for text, value in RESULTS if value != "refused"}
    columns = ", ".join(sql(compile_formula(text, COLUMNS).checked) for text in expected)
    (row,) = con.execute(f"select {columns} from t").fetchall()
    assert dict(zip(expected, (cell["v"] for cell in row), strict=True)) == expected


@pytest.mark.parametrize("name", ["date", "end", "order", "user", "left", "value_of_formula", "v"])
def test_a_column_may_have_any_name(con: duckdb.DuckDBPyConnection, name: str) -> None:
    con.execute(
        f'create or replace table named as select 2.5::decimal(38,9) as "{name}"'
    ).fetchall()
    formula = compile_formula(f'"{name}" * "{name}"', {name: "DECIMAL(38,9)"})
    found = con.execute(f"select {sql(formula.checked)} from named").fetchall()
    assert found == [({"v": Decimal("6.250000000")},)]


def test_every_known_column_can_be_read(con: duckdb.DuckDBPyConnection) -> None:
    for name in ROW:
        if name not in ("place", "tWin"):
            compute(con, f'"{name}"')

"""Whatever text is accepted compiles to one plain expression that DuckDB can bind and compute."""

from __future__ import annotations

import random
import string

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from schemas.formulas import Formula, FormulaProblem, compile_formula
from tests.schemas.formulas.test_formulas import RESULTS
from tests.support.formula_rows import COLUMNS, connect, sql, values_table

KNOWN = {name: kind for name, kind in COLUMNS.items() if name not in ("tWin", "place")}
_EXAMPLES = [text for text, expected in RESULTS if expected != "refused"]

_WRITTEN = (
    *(exp.Add, exp.And, exp.Anonymous, exp.Between, exp.Boolean, exp.Case, exp.Cast, exp.Collate),
    *(exp.Column, exp.DPipe, exp.DataType, exp.DataTypeParam, exp.Div, exp.EQ, exp.GT, exp.GTE),
    *(exp.ILike, exp.Identifier, exp.If, exp.In, exp.IntDiv, exp.Interval, exp.Is, exp.LT, exp.LTE),
    *(exp.Lambda, exp.Like, exp.Literal, exp.Mod, exp.Mul, exp.NEQ, exp.Neg, exp.Not, exp.Null),
    *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or, exp.Paren, exp.PropertyEQ, exp.Sub, exp.TryCast),
    exp.Var,
)


def _words(text: str) -> list[str]:
    return text.split()


_CALLED = _words(
    """abs ceil coalesce concat contains date_diff date_trunc day dayofweek encode ends_with
    epoch_us exp floor greatest hour isfinite isodow json_extract_string least left len length
    list_contains list_extract list_max list_min list_sum list_transform list_value ln lower minute
    month nullif power quarter regexp_extract regexp_matches regexp_replace replace right round
    second sign split_part sqrt starts_with struct_extract struct_pack substr trim upper week year
    """
)
_TOKENS = _words(
    """( ( ) ) , . + - * / // % = <> < >= || :: and or not is null in between like ilike case when
    then else end cast as true false 0 1 2.5 1e3 'a' '1' '2024-01-01' '%a' '(a)' date timestamp
    interval day extract from integer varchar double if coalesce greatest lower abs round sqrt
    length replace regexp_extract date_trunc 'month' json_text select * ; -- ? $1 [ ] { } : -> ->>
    over distinct order by limit exists any columns unnest now() random() sum count filter lambda
    read_text '/etc/passwd' getenv at time zone collate escape union with values table struct map
    """
) + [f'"{name}"' if " " in name else name for name in KNOWN]
_SETTINGS = settings(
    max_examples=250,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


_EXTREMES: dict[str, list[str]] = {
    "BIGINT": ["9223372036854775807", "-9223372036854775808", "0", "-1"],
    "INTEGER": ["2147483647", "-2147483648", "0", "1"],
    "DOUBLE": ["'inf'", "'nan'", "-1.7976931348623157e308", "5e-324"],
    "DECIMAL(38,9)": [f"'{sign}{'9' * 29}.{'9' * 9}'" for sign in ("", "-")] + ["0", "1e-9"],
    "DECIMAL(10,2)": ["99999999.99", "-99999999.99", "0", "0.01"],
    "VARCHAR": ["''", "repeat('a%_(', 300)", "'\U0001f600\u0301'", "'9999-12-31'"],
    "BOOLEAN": ["true", "false", "null", "true"],
    "TIMESTAMP": ["'infinity'", "'-infinity'", "'290000-12-31'", "'9999-12-31 23:59:59.999999'"],
    "DATE": ["'infinity'", "'5877642-06-25 (BC)'", "'5881580-07-10'", "'0001-01-01'"],
    "TIME": ["'00:00:00'", "'24:00:00'", "'23:59:59.999999'", "null"],
    "VARCHAR[]": ["[]", "['', null]", "null", "['a', 'b']"],
    "BIGINT[]": ["[9223372036854775807, 1]", "[-9223372036854775808, -1]", "[null]", "[]"],
    "DOUBLE[]": ["['inf'::double, 1]", "['nan'::double]", "[1e308, 1e308]", "[]"],
    "UUID": ["null", "uuid()", "uuid()", "null"],
    "JSON": ["'null'", "'[1, 2]'", "'\"text\"'", """'{"key": {"key": []}}'"""],
}


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    """Beside `t` a table `extremes`: whatever stands in a row, nothing raises."""
    con = connect()
    rows = [[_EXTREMES[kind][position] for kind in KNOWN.values()] for position in range(4)]
    rows += [["null"] * len(KNOWN)]
    values_table(con, KNOWN, rows, table="extremes")
    return con


def check(con: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Whether the text is accepted; then everything that must hold of a formula does."""
    formula = refused = None
    try:
        formula = compile_formula(text, KNOWN)
    except FormulaProblem as problem:
        refused = problem
    if formula is None:
        assert refused
        assert refused.found
        assert refused.allowed
        return False
    check_tree(formula)
    query = f"select {sql(formula.checked)} as checked, typeof({sql(formula.value)}) from t"
    rows = con.execute(f"select typeof(checked) from ({query})").fetchall()
    assert rows == [(f"STRUCT(v {formula.type})",)]
    con.execute(query.split(" as checked", maxsplit=1)[0] + " from t").fetchall()
    return True


def check_tree(formula: Formula) -> None:
    for tree in (formula.value, formula.checked):
        for node in tree.walk():
            assert type(node) in _WRITTEN
            if isinstance(node, exp.Anonymous):
                assert node.name in _CALLED
            if isinstance(node, exp.Column):
                assert len(node.parts) == 1
                assert node.name in formula.reads | {"value_of_formula"}
                assert node.this.args["quoted"] or node.name == "value_of_formula"
    assert formula.reads <= KNOWN.keys()


def test_every_example_keeps_to_the_written_form(con: duckdb.DuckDBPyConnection) -> None:
    assert all(check(con, text) for text in _EXAMPLES)


@_SETTINGS
@given(st.text(alphabet=string.printable, max_size=60))
def test_any_text(con: duckdb.DuckDBPyConnection, text: str) -> None:
    check(con, text)


@_SETTINGS
@given(st.lists(st.sampled_from(_TOKENS), max_size=14))
def test_any_words(con: duckdb.DuckDBPyConnection, words: list[str]) -> None:
    check(con, " ".join(words))


def _mutated(source: random.Random, text: str) -> str:
    for _ in range(source.randint(1, 3)):
        start = source.randint(0, len(text))
        end = min(len(text), start + source.randint(0, 4))
        put = source.choice([*_TOKENS, source.choice(_EXAMPLES), "", "", " "])
        text = text[:start] + put + text[end:]
    return text


@_SETTINGS
@given(st.integers(0, 2**32), st.sampled_from(_EXAMPLES))
def test_formulas_with_random_changes(con: duckdb.DuckDBPyConnection, seed: int, text: str) -> None:
    check(con, _mutated(random.Random(seed), text))


def _swapped(source: random.Random, text: str) -> str:
    words = text.split(" ")
    for _ in range(2):
        position = source.randrange(len(words))
        words[position] = source.choice(_TOKENS + source.choice(_EXAMPLES).split(" "))
    return " ".join(words)


@_SETTINGS
@given(st.integers(0, 2**32), st.sampled_from(_EXAMPLES))
def test_formulas_with_other_words(con: duckdb.DuckDBPyConnection, seed: int, text: str) -> None:
    check(con, _swapped(random.Random(seed), text))


@_SETTINGS
@given(st.integers(0, 2**32), st.sampled_from(_EXAMPLES), st.sampled_from(_EXAMPLES))
def test_formulas_put_together(
    con: duckdb.DuckDBPyConnection, seed: int, one: str, other: str
) -> None:
    form = random.Random(seed).choice(_FORMS)
    check(con, form.format(one, other))


_FORMS = (
    "({}) + ({})",
    "({}) * -({})",
    "({}) / ({})",
    "({}) = ({})",
    "({}) || ({})",
    "({}) in ({}, 1)",
    "{} and {}",
    "if({} is null, {}, null)",
    "case {} when {} then 1 end",
    "coalesce({}, {})",
    "greatest({}, {})",
    "nullif({}, {})",
    "concat({}, {})",
    "contains({}, {})",
)
_PIECES = _words(
    r"""a b . * + ? ( ) (?: [ab] [^a] [a-z] \d \w \s \b \. | ^ $ {2} {1,3} {2,} { } [ ] \ (?i)
    [a-\d] [] - , 1 \D *? +? ?? \B é \é \_ \a"""
)


@_SETTINGS
@given(st.lists(st.sampled_from(_PIECES), max_size=8))
def test_any_regular_expression_that_is_accepted_is_one_for_duckdb(
    con: duckdb.DuckDBPyConnection, pieces: list[str]
) -> None:
    pattern = "".join(pieces)
    for form in (
        "regexp_matches(state, '{}')",
        "regexp_extract('ab1 ', '{}', 0)",
        "regexp_replace('ab1 ', '{}', 'x', 'g')",
    ):
        check(con, form.format(pattern))

"""Attribute values out of documents: what each type makes of what may arrive, and fingerprints."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.definitions.attribute_types import BY_NAME
from schemas.records.attribute_values import DOCUMENTS, Value
from tests.support.identifiers import uid
from transforms.macros.load import MACROS
from transforms.per_procedure.attributes import read_content, read_values


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(MACROS)
        yield con


def value(short_id: str, kind: str = "string", source: Any = "data") -> Value:
    id_ = uid(short_id)
    return Value(id_, short_id, kind, source, f"attr:{short_id}", short_id, (), False)


_GOOD_TEXT = {'"a"': "a", "5": "5", "true": "true", '"\\u0041\\n"': "A\n", '"é\\u0000"': "é\x00"}
_NO_TEXT = ["[]", '{"a":1}']
_INTEGERS = {
    "146": 146,
    '"146"': 146,
    "-5": -5,
    "7.0": 7,
    "1e3": 1000,
    '"+8"': 8,
    "9223372036854775807": 2**63 - 1,
}
_NO_INTEGER = ['"n/a"', "7.5", '"1e3"', "true", "[1]", "9223372036854775808", '" 5"', '"٣"', '"5 "']
_NUMBERS = {"1.5": 1.5, '"1.75"': 1.75, "-2": -2.0, '".5"': 0.5, "1e-7": 1e-7, '"5."': 5.0}
_NO_NUMBER = ['"1,5"', '"two"', "1e400", '"NaN"', '"inf"', "true", "[1]", "{}", '"1 "', '"0x1F"']
# Type: what converts and to what, and what does not.
CONVERSIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    **dict.fromkeys(("string", "text", "html", "stringId", "name"), (_GOOD_TEXT, _NO_TEXT)),
    **dict.fromkeys(("username", "otp", "stringEnum"), (_GOOD_TEXT, _NO_TEXT)),
    "email": (
        {'"a@b.de"': "a@b.de", '"A+b.c@sub.b.co.uk"': "A+b.c@sub.b.co.uk"},
        ['"not an address"', '"a@b"', '"@b.de"', '"a b@c.de"', '"a@b@c.de"', "5", "[]"],
    ),
    "phone": (
        {'"+49 (30) 123-456"': "+49 (30) 123-456", '"030/123.45"': "030/123.45", "12345": "12345"},
        ['"ask"', '"1234"', '"+49 30 x12"', '"' + "1" * 21 + '"', "{}", "true"],
    ),
    "url": (
        {
            '"https://a.de/b?c#d"': "https://a.de/b?c#d",
            '"a.de"': "a.de",
            '"HTTP://a.b:80"': "HTTP://a.b:80",
        },
        ['"nowhere"', '"a b.de"', '"ftp://a.de"', '"a..de"', "{}"],
    ),
    **dict.fromkeys(("integer", "integerId", "integerEnum"), (_INTEGERS, _NO_INTEGER)),
    **dict.fromkeys(("number", "float", "floatEnum"), (_NUMBERS, _NO_NUMBER)),
    "decimal": (
        {
            "1.5": Decimal("1.5"),
            '"0.10"': Decimal("0.1"),
            "1e3": Decimal(1000),
            "12345678901234567890123456789": Decimal(12345678901234567890123456789),
        },
        [*_NO_NUMBER, "1e30"],
    ),
    "boolean": (
        {"true": True, "false": False, '"true"': True, '"FALSE"': False},
        ['"yes"', "1", "0", "[]", '"t"'],
    ),
    "multiStringEnum": (
        {'["a","b"]': ["a", "b"], "[]": [], '["a",5]': ["a", "5"]},
        ['"a"', "5", '{"a":1}', '["a",null]', '[["a"]]'],
    ),
    "multiIntegerEnum": (
        {"[1,2]": [1, 2], '["3"]': [3], "[]": []},
        ["1", '["x"]', "[1.5]", "[null]"],
    ),
    "multiFloatEnum": ({"[1,2.5]": [1.0, 2.5], '["3"]': [3.0]}, ["1", '["x"]', "[[1]]", "[null]"]),
    "date": (
        {
            '"2026-02-28"': date(2026, 2, 28),
            '"2024-02-29"': date(2024, 2, 29),
            "1782943200000": date(2026, 7, 2),  # midnight in Berlin, 22:00 in UTC
            '"1782943200000"': date(2026, 7, 2),
            '"-86400000000"': date(1967, 4, 7),
        },
        [
            '"2026-02-29"',
            '"2026-13-45"',
            '"28.02.2026"',
            '"2026-02-28T00:00:00Z"',
            "20260228",
            '"20260228"',
            '"2026"',
            "[]",
        ],
    ),
    "time": (
        {'"09:30"': time(9, 30), '"23:59:59.5"': time(23, 59, 59, 500_000)},
        ['"24:01"', '"9:30"', '"09:60"', "930", '"noon"'],
    ),
    **dict.fromkeys(
        ("datetime", "datetimeISO8601"),
        (
            {
                '"2026-07-01T12:00:00Z"': datetime(2026, 7, 1, 12),
                '"2026-07-01T12:00:00.123456+02:00"': datetime(2026, 7, 1, 10, 0, 0, 123_000),
                '"2026-07-01 12:00:00,5-0330"': datetime(2026, 7, 1, 15, 30, 0, 500_000),
                # Without an offset: local time of the procedure.
                '"2026-07-01T12:00"': datetime(2026, 7, 1, 10),
                '"2026-01-01 12:00:00"': datetime(2026, 1, 1, 11),
                "1782907200000": datetime(2026, 7, 1, 12),
                '"1782907200000"': datetime(2026, 7, 1, 12),
            },
            [
                '"next week"',
                '"2026-13-01T00:00Z"',
                '"2026-07-01"',
                "1782907200",
                '"1782907200"',
                '" 1782907200000"',
                '"2026-07-01T25:00"',
                "[]",
            ],
        ),
    ),
    "json": ({'{"a":[1,null]}': '{"a":[1,null]}', "[]": "[]", "5": "5", '"a"': '"a"'}, []),
}


def converted(con: duckdb.DuckDBPyConnection, kind: str, texts: list[str]) -> list[Any]:
    frame = pl.DataFrame(
        {
            "line": range(len(texts)),
            "data": [f'{{"x":{text}}}' for text in texts],
            "derived_data": "{}",
        }
    )
    con.register("documents", frame)
    query = read_values(
        [value("x", kind)], source="documents", keep=["line"], time_zone="Europe/Berlin"
    )
    rows = con.sql(query).pl().sort("line")
    assert rows["raw:attr:x"].is_null().to_list() == [text in ('""', "null") for text in texts]
    return rows["attr:x"].to_list()


def test_the_types_tried_exist() -> None:
    assert set(CONVERSIONS) <= set(BY_NAME)


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_conversions(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    good, bad = CONVERSIONS[kind]
    found = converted(con, kind, [*good, *bad, '""', "null"])
    assert found == [*good.values(), *[None] * len(bad), None, None]


_json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.from_regex(r"\A[-+0-9.:TZe/ ]{1,30}\Z")
    | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(Z|[-+][0-9]{4})?\Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(_json_values, min_size=20, max_size=20))
@settings(max_examples=15, deadline=None)
def test_no_value_raises(con: duckdb.DuckDBPyConnection, values: list[Any]) -> None:
    documents = [json.dumps({"v": v}, ensure_ascii=False) for v in values]
    frame = pl.DataFrame({"line": range(20), "data": documents, "derived_data": "{}"})
    con.register("documents", frame)
    wanted = [Value("v", "v", kind, "data", f"attr:{kind}", kind, (), False) for kind in BY_NAME]
    query = read_values(wanted, source="documents", keep=["line"], time_zone="Africa/Cairo")
    assert con.sql(query).pl().height == 20


def _decimals(con: duckdb.DuckDBPyConnection, *texts: str) -> list[tuple[Any, ...]]:
    documents = [f'{{"d": {text}, "n": {{"d": 1.5}}}}' for text in texts]
    frame = pl.DataFrame({"line": range(len(texts)), "data": documents, "derived_data": "{}"})
    con.register("documents", frame)
    query = read_content(
        [value("d", "decimal")],
        source="documents",
        keep=["line"],
        time_zone="UTC",
        present={"d"},
        with_undeclared=(),
    )
    found = con.sql(query).pl().sort("line")
    return found.select("attr:d", "data_hash").rows()


def test_decimals_keep_the_digits_of_numbers(con: duckdb.DuckDBPyConnection) -> None:
    texts = {
        "12345678901234567.89": "12345678901234567.89",
        "1234567890123456.78": "1234567890123456.78",
        "1234567890123456.79": "1234567890123456.79",
        "-90071992547409.93": "-90071992547409.93",
        "12345678901234567890123456789.123456789": "12345678901234567890123456789.123456789",
        "12345678901234567890123": "12345678901234567890123",
        "1.2345678901234567e4": "12345.678901235",
        "1234567890.0000000012": "1234567890.000000001",  # as a double it has no fraction
        '"1234567890123456.78"': "1234567890123456.78",
        "0.1": "0.1",
    }
    found = _decimals(con, *texts)
    assert [number for number, _ in found] == [Decimal(text) for text in texts.values()]
    assert len({fingerprint for _, fingerprint in found}) == len(texts)
    assert _decimals(con, "1e30", "12345678901234567890123456789012345.5") == [
        (None, _decimals(con, "1e30")[0][1]),
        (None, _decimals(con, "12345678901234567890123456789012345.5")[0][1]),
    ]


def fingerprints(
    con: duckdb.DuckDBPyConnection, *documents: dict[str, Any], present: set[str], strange: bool
) -> list[int]:
    texts = [json.dumps(document) for document in documents]
    frame = pl.DataFrame(
        {
            "line": range(len(texts)),
            "data": texts,
            "derived_data": "{}",
            "has_undeclared_keys": strange,
        }
    )
    con.register("documents", frame)
    query = read_content(
        [value("a"), value("b"), value("a/~b"), value("d", source="derived_data")],
        source="documents",
        keep=["line", "has_undeclared_keys"],
        time_zone="UTC",
        present=present,
        with_undeclared=DOCUMENTS[:1] if strange else (),
    )
    return con.sql(query).pl().sort("line")["data_hash"].to_list()


def test_fingerprints_are_about_content(con: duckdb.DuckDBPyConnection) -> None:
    a, b = value("a").id, value("b").id
    same: list[dict[str, Any]] = [
        {"a": "x", "b": [1]},
        {"b": [1], "a": "x"},
        {a: "x", "b": [1]},
        {a: "x", b: [1]},
        {a: "x", "a": "lost", b: [1]},
        {"a": "x", "b": [1], "a/~b": "", b: [1]},
    ]
    other: list[dict[str, Any]] = [
        {"a": "x", "b": [2]},
        {"a": "x"},
        {"a": "x", "b": [3], b: None, "a/~b": False},
        {"b": "x", "a": [1]},
        {"a": "x", "b": [1], "a/~b": 0},
        {"a": 'x","b":[1]'},
        {},
    ]
    everything = {"a", "b", a, b, "a/~b"}
    plain = fingerprints(con, *same, *other, present=everything, strange=False)
    assert len(set(plain[: len(same)])) == 1
    assert len(set(plain)) == 1 + len(other)
    # Neither what else is in the chunk nor how it was looked at may change them.
    assert fingerprints(con, *same, *other, present=everything, strange=True) == plain
    assert fingerprints(con, *other[:2], present={"a", "b"}, strange=False) == plain[6:8]


def test_an_id_is_read_in_small_letters_and_in_capitals(con: duckdb.DuckDBPyConnection) -> None:
    a = value("a")
    documents = [{a.id: "small"}, {a.id.upper(): "capitals"}, {a.id.upper(): "id", "a": "name"}]
    texts = [json.dumps(document) for document in documents]
    frame = pl.DataFrame({"line": [1, 2, 3], "data": texts, "derived_data": "{}"})
    con.register("documents", frame)
    query = read_values([a], source="documents", keep=["line"], time_zone="UTC")
    rows = con.sql(query).order("line").select('"attr:a"')
    assert rows.fetchall() == [("small",), ("capitals",), ("id",)]
    one, other = fingerprints(
        con, {a.id: "x"}, {a.id.upper(): "x"}, present={a.id, a.id.upper()}, strange=True
    )
    assert one == other


def test_undeclared_keys_are_content_too(con: duckdb.DuckDBPyConnection) -> None:
    documents: list[dict[str, Any]] = [
        {"z": 1, "y/~": "two"},
        {"y/~": "two", "z": 1},
        {"z": 2, "y/~": "two"},
        {"z": 1},
        {"z": None},
        {"z:1,y": 2},
        {"z": 1, "y": 2},
        {"": 1},
        {},
    ]
    found = fingerprints(con, *documents, present=set(), strange=True)
    assert found[0] == found[1]
    assert len(set(found)) == len(documents) - 1

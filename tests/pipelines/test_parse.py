"""Lines parsed alone, together and beside bad ones: what a line is found to be is its own affair."""

import json
from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.landing import Chunk
from pipelines.parse import Parsed, line_text, parse_chunk
from schemas.core_record import FIELDS, raw

_Verdict = tuple[str, object]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        yield con


def chunk(*lines: bytes, first_line: int = 1) -> Chunk:
    return Chunk(b"".join(line + b"\n" for line in lines), first_line, len(lines), 0, {})


def verdicts(parsed: Parsed, lines: int) -> list[_Verdict]:
    """By line from 1: the record, the rule it breaks, or that it is blank."""
    found: dict[int, _Verdict] = {number: ("bad", rule) for number, rule, _ in parsed.bad}
    for record in parsed.records.iter_rows(named=True):
        found[record.pop("line")] = ("record", record)
    assert len(found) + parsed.blank == lines
    return [found.get(number, ("blank", None)) for number in range(1, lines + 1)]


ODD = {
    b"": "blank",
    b" \t\r": "blank",
    b"\x0b\x0c": "blank",
    b"{}": "record",
    b'{"unknown":1}': "record",
    b'\x0c{"id":"a"}\x0c\r': "record",
    b'{"\\u0069d":"a","ID":"b"}': "record",
    b'{"id":"a\\u0000b","data":{"k\\u0000":"\\u0000"}}': "record",
    b'{"x":1,"x":2}': "record",  # a key that nobody reads
    b"null": "file:json:object",
    b"1e5": "file:json:object",
    b"true": "file:json:object",
    b'"{}"': "file:json:object",
    b"[{}]": "file:json:object",
    b"null null": "file:json:parse",
    b"{}{}": "file:json:parse",
    b'{"id":"a"}\r{"id":"b"}': "file:json:parse",
    b'{"id":"a"} x': "file:json:parse",
    b'{"id":"a\x00b"}': "file:json:parse",
    b'{"id":"a\tb"}': "file:json:parse",
    b"/* c */{}": "file:json:parse",
    b'{"zzz":"\\ud800"}': "file:json:parse",
    b'{"zzz":"\xed\xa0\x80"}': "file:line:utf8",
    b'{"id":"\xff"}': "file:line:utf8",
    b'{"id":"a","\\u0069d":"b"}': "file:json:repeated",
    b'{"data":{},"data":{}}': "file:json:repeated",
    b'{"data":{"a": NaN}}': "file:json:number",
    b'{"derivedData":[[-Infinity]]}': "file:json:number",
    b'{"data":{"a":" NaN, [nan, :inf"}}': "record",
    b'{"data":' + b"[" * 3000 + b"]" * 3000 + b"}": "record",
    b"{" + b'"data":{"a":' * 3000: "file:json:parse",
}


def test_odd_lines_together_and_alone(con: duckdb.DuckDBPyConnection) -> None:
    lines = list(ODD)
    together = verdicts(parse_chunk(con, chunk(*lines)), len(lines))
    alone = [verdicts(parse_chunk(con, chunk(line)), 1)[0] for line in lines]
    found = [rule if kind == "bad" else kind for kind, rule in together]
    assert dict(zip(lines, found, strict=True)) == ODD
    assert together == alone


def test_raw_values_are_as_they_arrived(con: duckdb.DuckDBPyConnection) -> None:
    line = {
        "id": "A",
        "team": None,
        "procedure": 5,
        "status": "null",
        "state": True,
        "createdAt": 1.7e12,
        "updatedAt": "1700000000000",
        "isDeleted": None,
        "data": {"b": [1, 2.50, 10**25, "é"], "a": None},
        "derivedData": "{}",
    }
    parsed = parse_chunk(con, chunk(json.dumps(line).encode(), first_line=41))
    (record,) = parsed.records.to_dicts()
    assert {name: value for name, value in record.items() if value is not None} == {
        "line": 41,
        "process_id:raw": "A",
        "procedure_id:raw": "5",
        "status:raw": "null",
        "state_key:raw": "true",
        "created_at:raw": "1700000000000.0",
        "updated_at:raw": '"1700000000000"',
        "data:raw": '{"b":[1,2.5,10000000000000000000000000,"é"],"a":null}',
        "derived_data:raw": '"{}"',
    }
    assert list(parsed.records.schema) == ["line", *(raw(f.column) for f in FIELDS)]
    assert set(parsed.records.dtypes[1:]) == {pl.String}


def test_text_of_lines() -> None:
    lines = chunk(b"one", b"\xfftwo", b"", first_line=7)
    assert line_text(lines, [8, 7]) == {8: "\\xfftwo", 7: "one"}


_texts = st.text(max_size=8)
_lines = st.one_of(
    st.sampled_from([*ODD]),
    st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")),
    st.dictionaries(
        st.sampled_from([*(f.name for f in FIELDS), "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | _texts,
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
            max_leaves=4,
        ),
        max_size=4,
    ).map(lambda record: json.dumps(record, ensure_ascii=False).encode(errors="surrogatepass")),
)


@given(st.lists(_lines, min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_neighbours_change_nothing(con: duckdb.DuckDBPyConnection, lines: list[bytes]) -> None:
    together = verdicts(parse_chunk(con, chunk(*lines)), len(lines))
    beside_bad = verdicts(parse_chunk(con, chunk(b"{bad", *lines)), len(lines) + 1)[1:]
    alone = [verdicts(parse_chunk(con, chunk(line)), 1)[0] for line in lines]
    assert together == alone
    assert beside_bad == alone

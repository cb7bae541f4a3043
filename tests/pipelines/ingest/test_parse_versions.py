"""Lines parsed alone, together and beside bad ones: what a line is found to be is its own affair."""

import json
from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.parse_versions import Parsed, line_text, parse_chunk
from schemas.records.limits import raw
from schemas.records.record import FIELDS

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
    b'{"zzz":"\\ud800"}': "record",  # half a character becomes U+FFFD
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
        "raw:process_id": "A",
        "raw:procedure_id": "5",
        "raw:status": "null",
        "raw:state_key": "true",
        "raw:created_at": "1700000000000.0",
        "raw:updated_at": '"1700000000000"',
        "raw:data": '{"b":[1,2.5,10000000000000000000000000,"é"],"a":null}',
        "raw:derived_data": '"{}"',
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


def _documents(con: duckdb.DuckDBPyConnection, *lines: bytes) -> list[str]:
    parsed = parse_chunk(con, chunk(*lines))
    assert parsed.bad == []
    return parsed.records["raw:data"].to_list()


def test_numbers_keep_their_digits(con: duckdb.DuckDBPyConnection) -> None:
    plain = b'{"id":"a","data":{"x":1.25,"s":"12345678901234567.89"}}'
    long = b'{"id":"b","data":{"x": 12345678901234567.89,"s":"\\" 1234567890123456.78,"}}'
    nested = b'{"id":"c","data":{"l":[1234567890123456.79 ,0.1],"e":1234567890.12345678e-3}}'
    short = b'{"id":"e","data":{"x":0.10000000000000000555}}'
    assert _documents(con, plain, long, b'{"id":"d"}', nested, short) == [
        '{"x":1.25,"s":"12345678901234567.89"}',
        '{"x":12345678901234567.89,"s":"\\" 1234567890123456.78,"}',
        None,
        '{"l":[1234567890123456.79,0.1],"e":1234567890.12345678e-3}',
        '{"x":0.10000000000000000555}',
    ]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"x\uDC00y", "x\ufffdy"),
        (rb"\ud83d\ude00", "\U0001f600"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\\ud83d", "\\\\ud83d"),
        (rb"\\\ud83d", "\\\\\ufffd"),
    ],
)
def test_half_a_surrogate_pair_does_not_cost_the_version(
    con: duckdb.DuckDBPyConnection, sent: bytes, stored: str
) -> None:
    lines = [b'{"id":"a"}', b'{"data":{"x":"%s","y":1}}' % sent]
    assert _documents(con, *lines) == [None, f'{{"x":"{stored}","y":1}}']


def test_a_bad_line_is_kept_as_it_came(con: duckdb.DuckDBPyConnection) -> None:
    parsed = parse_chunk(con, chunk(b'{"data":{}}', rb'{"id":"\ud83d" x}', rb'{"id":"\ud83d"}'))
    assert parsed.bad == [(2, "file:json:parse", r'{"id":"\ud83d" x}')]
    assert parsed.records["raw:process_id"].to_list() == [None, "\ufffd"]


def test_keys_that_are_ids_come_in_lower_case(con: duckdb.DuckDBPyConnection) -> None:
    upper, lower = "473CAF43-52AE-574E-AC30-5E96424D5E8C", "473caf43-52ae-574e-ac30-5e96424d5e8c"
    mixed = upper.replace("CAF", "cAf")
    documents = [
        {upper: upper, "A": 1},
        {lower: 1, mixed: 2},
        {mixed: 1, "x": f'"{upper}":'},
        {f"{upper}0": 1},
    ]
    lines = [json.dumps({"data": document}).encode() for document in documents]
    assert [json.loads(text) for text in _documents(con, *lines)] == [
        {lower: upper, "A": 1},
        documents[1],
        {lower: 1, "x": f'"{upper}":'},
        documents[3],
    ]

"""Answers of the API: the bytes of records, and what of the envelope may be shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.pull.answers import parse_answer

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=12,
)


def test_the_bytes_of_a_record_are_kept_on_one_line() -> None:
    body = (
        b'\xef\xbb\xbf{"_errors": [], "_data" : [\n'
        b'  {"id":"a","n":1.10,"big":12345678901234567890.5,\r\n "t":"\\u00e9\\n\xc3\xa9","e":1E2 },\n'
        b'5 , {"bad": "\xff"},{"id": 1, "id": 2}\n], "_meta": {"hasMore": "false"}}\n'
    )
    answer = parse_answer(body)
    assert answer.records is not None
    assert [record.line for record in answer.records] == [
        b'{"id":"a","n":1.10,"big":12345678901234567890.5,   "t":"\\u00e9\\n\xc3\xa9","e":1E2 }',
        b"5",
        b'{"bad": "\xff"}',
        b'{"id": 1, "id": 2}',
    ]
    assert answer.has_more is False
    assert [record.id for record in answer.records] == ["a", None, None, None]


@given(records=st.lists(JSON, max_size=5), indent=st.sampled_from([None, 1]))
def test_every_record_reads_as_it_was_sent(records: list[object], indent: int | None) -> None:
    answer = parse_answer(json.dumps({"_data": records}, indent=indent).encode())
    assert answer.records is not None
    assert [json.loads(record.line) for record in answer.records] == records
    assert all(b"\n" not in record.line for record in answer.records)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ('{"a": 1, "b": {"c": 2, "d": [3]}}', '{"b":{"d":[3],"c":2},"a":1}', True),
        ('{"a": "1"}', '{"a": 1}', False),
        ('{"a": "\\u0041"}', '{"a": "A"}', True),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ('{"a": null}', "{}", False),
        ('{"a": {}}', '{"a": []}', False),
        ('{"a": true}', '{"a": "True"}', False),
        ('{"a": 1, "a": 2}', '{"a": 2}', False),
        ('{"a": 9007199254740993}', '{"a": 9007199254740992}', False),
        ('{"a": 0.1}', '{"a": 0.10000000000000001}', False),
    ],
)
def test_equal_content_is_equal_however_it_is_written(one: str, other: str, is_same: bool) -> None:
    first, second = parse_answer(f'{{"_data": [{one}, {other}]}}'.encode()).records or []
    assert (first.canonical == second.canonical) is is_same


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        ("1760000000000", 1_760_000_000_000),
        ('"1760000000000"', 1_760_000_000_000),
        ('"2025-10-09T10:53:20+02:00"', 1_760_000_000_000),
        ('"2025-10-09T08:53:20Z"', 1_760_000_000_000),
        ('"2025-10-09T08:53:20"', 1_760_000_000_000),
        ("0", None),
        ("null", None),
        ('"today"', None),
        ("true", None),
        ("[1]", None),
    ],
)
def test_instants_have_many_forms(value: str, ms: int | None) -> None:
    (record,) = parse_answer(f'{{"_data": [{{"updatedAt": {value}}}]}}'.encode()).records or []
    assert record.updated_ms == ms


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"_data": [1, 2',
        b'{"_data": [1]',
        b'{"_data": [1]} x',
        b'{"_data": [1]}{"_data": []}',
        b'{"_data":',
        b'{"_data" [1]}',
        b'{"data": []}',
        b'{"_data": [{"a": "b\n"}]}',
        b'{"_data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"<html>",
    ],
)
def test_what_is_no_whole_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller says what it means
        parse_answer(body)


@pytest.mark.parametrize(
    ("meta", "has_more"),
    [
        ('{"hasMore": true}', True),
        ('{"hasMore": "TRUE"}', True),
        ('{"hasMore": false}', False),
        ('{"hasMore": []}', None),
        ('{"hasMore": 1}', None),
        ("{}", None),
        ("null", None),
        ("[]", None),
    ],
)
def test_more_follows_only_where_it_is_said(meta: str, has_more: bool | None) -> None:
    assert parse_answer(f'{{"_meta": {meta}, "_data": []}}'.encode()).has_more is has_more


@pytest.mark.parametrize(
    ("errors", "shown"),
    [
        ([], ()),
        (None, ()),
        ([{"code": "NOT_FOUND", "message": "no lead of Ann Lee"}], ("NOT_FOUND",)),
        ([{"type": "validation", "field": "data.email"}], ("validation data.email",)),
        ([{"message": "Ann"}], ("an error without a code",)),
        (["Ann Lee", "ann@x.example", "Ann"], ("an error without a code",)),
        (["RATE_LIMITED"], ("RATE_LIMITED",)),
        ([{"code": "lead 7701214822"}, {"path": "phone.7701214822"}], ("an error without a code",)),
        ([{"code": "ann@x.example"}], ("an error without a code",)),
        ({"code": "ONE"}, ("ONE",)),
        ([{"code": f"E{n}"} for n in range(9)], ("E0", "E1", "E2", "E3", "E4", "4 more")),
    ],
)
def test_errors_show_codes_and_no_values(errors: object, shown: tuple[str, ...]) -> None:
    assert parse_answer(json.dumps({"_data": None, "_errors": errors}).encode()).errors == shown

"""JSON documents cut into elements, wherever the blocks of bytes happen to end."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest import read_json as elements
from pipelines.ingest.landing_file import UnreadableFile
from pipelines.ingest.read_json import split_elements


def blocks(document: bytes, size: int) -> Iterator[bytes]:
    return (document[start : start + size] for start in range(0, len(document), size))


def cut(document: bytes, size: int = 2**20) -> list[bytes]:
    return list(split_elements(blocks(document, size)))


DOCUMENTS = {
    "array": (b'[{"a":1},{"b":[2,{}]}]', [b'{"a":1}', b'{"b":[2,{}]}']),
    "pretty": (b'[\n  {"a": 1},\n  {"b": 2}\n]\n', [b'{"a": 1}', b'{"b": 2}']),
    "brackets in text": (b'[{"a":"]}\\"]"},{"b":"\\\\"}]', [b'{"a":"]}\\"]"}', b'{"b":"\\\\"}']),
    "other elements": (b'[1, "two, three", null]', [b"1", b'"two, three"', b"null"]),
    "empty array": (b"[ ]", []),
    "empty file": (b" \n", []),
    "page": (b'{"_meta":{"n":1},"_data":[{"a":1}],"_errors":[]}', [b'{"a":1}']),
    "page, data first": (b'{ "_data" : [{"a":1},{"b":2}] }\n', [b'{"a":1}', b'{"b":2}']),
    "empty page": (b'{"_data":[]}', []),
    "one object": (b'{"a":1}', [b'{"a":1}']),
    "objects in a row": (b'{"a":1}\n{\n"b":2}{"c":3}', [b'{"a":1}', b'{\n"b":2}', b'{"c":3}']),
    "BOM": (b'\xef\xbb\xbf[{"a":1}]', [b'{"a":1}']),
    # What is wrong stays, as an element of its own.
    "cut in an element": (b'[{"a":1},{"b":', [b'{"a":1}', b'{"b":']),
    "cut between elements": (b'[{"a":1}', [b'{"a":1}']),
    "cut after a comma": (b'[{"a":1},', [b'{"a":1}', b"]"]),
    "cut in a text": (b'[{"a":1},{"b":"x]', [b'{"a":1}', b'{"b":"x]']),
    "page cut after its list": (b'{"_data":[{"a":1}],"_meta":', [b'{"a":1}', b"}"]),
    "two arrays": (b'[{"a":1}]\n[{"b":2}]', [b'{"a":1}', b'[{"b":2}]']),
    "two pages": (b'{"_data":[{"a":1}]} {"_data":[]}', [b'{"a":1}', b'{"_data":[]}']),
    "words between objects": (b'{"a":1} no {"b":2}', [b'{"a":1}', b"no", b'{"b":2}']),
    "a bracket too many": (b'{"a":1}} {"b":2}', [b'{"a":1}', b"}", b'{"b":2}']),
    "not JSON": (b"nothing at all", [b"nothing at all"]),
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_elements(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    document, expected = DOCUMENTS[name]
    assert cut(document) == expected
    # Blocks may end anywhere once the head of the document is there.
    monkeypatch.setattr(elements, "_HEAD_BYTES", 30)
    assert cut(document, size) == expected


@pytest.mark.parametrize("document", [b'{"_data":null}', b'{"_meta":{},"_data":{"a":1}}'])
def test_a_page_without_a_list_is_unreadable(document: bytes) -> None:
    with pytest.raises(UnreadableFile, match="_data"):
        cut(document)


def test_an_element_without_end_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MAX_LINE_BYTES", 200_000)
    with pytest.raises(UnreadableFile, match="200,000 bytes"):
        cut(b'[{"a":"' + b"x" * 900_000, 70_000)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(_values, max_size=5), st.sampled_from((None, 0, 3)), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_elements_are_those_json_finds(values: list[object], indent: int | None, size: int) -> None:
    document = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    assert [json.loads(element) for element in cut(document, size)] == values
    page = b'{"_data": ' + document + b', "_meta": {"page": [1]}}'
    assert [json.loads(element) for element in cut(page, max(size, 12))] == values


@given(st.binary(max_size=60), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_nothing_vanishes(document: bytes, size: int) -> None:
    """Whatever the bytes, every one but brackets, commas and white space is in some element."""
    try:
        found = b"".join(cut(b"[" + document, size))
    except UnreadableFile:
        return
    outside = b' \t\r\n,[]{}"'
    kept = document.translate(None, outside)
    assert found.translate(None, outside) == kept

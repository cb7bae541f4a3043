"""Personal values leave JSON text; everything else keeps its bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.erasing.documents import (
    NO_KEYS,
    Keys,
    KnownKeys,
    leaves,
    members,
    strip_dimension_line,
    strip_document,
    strip_line,
)
from pipelines.settings import PROCEDURES_FOLDER
from schemas.load import load_procedures
from schemas.records.limits import MASK

PROCEDURES = load_procedures(PROCEDURES_FOLDER)
LEAD = PROCEDURES.by_short_id["lead"]
KNOWN = KnownKeys.of(PROCEDURES)
DATA = KNOWN.of_document(LEAD.id, "data")
PROCESS = "10000000-0000-4000-8000-000000000001"
(EMAIL_ID,) = (a.id for a in LEAD.attributes if a.short_id == "email")


@pytest.mark.parametrize(
    ("text", "expected", "removed"),
    [
        ("{}", "{}", []),
        ('{"score": 5, "plan":"Team"}', '{"score": 5, "plan":"Team"}', []),
        (
            '{"score": 1.50, "email": "a@b.c"}',
            '{"score":1.50,"email":null}',
            ["a@b.c"],
        ),
        (f'{{"{EMAIL_ID}":"a@b.c"}}', f'{{"{EMAIL_ID}":null}}', ["a@b.c"]),
        (f'{{"{EMAIL_ID.upper()}":"a@b.c"}}', f'{{"{EMAIL_ID.upper()}":null}}', ["a@b.c"]),
        ('{"email": null, "score":1}', '{"email": null, "score":1}', []),
        ('{"nickname":"Al","score":1}', '{"score":1}', ["Al"]),
        ('{"nickname":null}', "{}", []),
        (
            '{"site":{"lat":52.50,"lng":-1e3},"score":1}',
            '{"site":null,"score":1}',
            ["-1e3", "52.50"],
        ),
        ('{"email":"J\\u00f6rg \\"x\\""}', '{"email":null}', ['Jörg "x"']),
        (
            '{"score":123456789012345678901234567890.12,"email":"x"}',
            '{"score":123456789012345678901234567890.12,"email":null}',
            ["x"],
        ),
        ('["a"]', "{}", ['["a"]']),
        ('{"email":"a"', "{}", ['{"email":"a"']),
    ],
)
def test_a_document_keeps_what_is_declared_not_personal(
    text: str, expected: str, removed: list[str]
) -> None:
    stripped = strip_document(text, DATA)
    assert (stripped.text, stripped.removed) == (expected, removed)


def test_an_unknown_procedure_keeps_nothing() -> None:
    keys = KNOWN.of_document(PROCESS, "data")
    assert keys == NO_KEYS
    assert strip_document('{"score":1}', keys).text == "{}"


def line(**changes: object) -> str:
    record = {
        "id": PROCESS,
        "team": PROCESS,
        "procedure": LEAD.id,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": 1,
        "updatedAt": 2,
        "data": {"email": "ann@example.com", "score": 5},
    }
    return json.dumps(record | changes, separators=(",", ":"))


def test_a_line_keeps_ids_words_and_times() -> None:
    stripped = strip_line(line(), KNOWN)
    assert stripped is not None
    assert stripped.text == line(data={"email": None, "score": 5})
    assert stripped.removed == ["ann@example.com"]


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ("assignedTo", "ann@example.com", MASK),
        ("assignedTo", PROCESS.upper(), PROCESS.upper()),
        ("assignedTo", "", ""),
        ("state", "Ann Smith", MASK),
        ("state", "NOT_KNOWN", "NOT_KNOWN"),
        ("state", "contacted", "contacted"),
        ("status", "PENDING Ann", MASK),
        ("createdAt", "1760000000000", MASK),
        ("createdAt", None, None),
        ("isDeleted", True, True),
        ("record", {"name": "Ann"}, MASK),
        ("data", "Ann", []),
        ("data", 4915112345678, []),
        ("derivedData", {"grade": "A", "shoe": "Ann"}, {"grade": "A"}),
    ],
)
def test_text_that_is_no_id_or_word_is_masked(field: str, value: object, left: object) -> None:
    text = line(**{"data": {}, field: value})
    stripped = strip_line(text, KNOWN)
    assert stripped is not None
    assert json.loads(stripped.text) == json.loads(line(**{"data": {}, field: left}))


def test_fields_that_the_record_lacks_are_gone() -> None:
    stripped = strip_line(line(data={}, name="Ann"), KNOWN)
    assert stripped is not None
    assert stripped.text == line(data={})
    assert stripped.removed == ["Ann"]


@pytest.mark.parametrize(
    "text", ["", "Ann", "[1]", '{"id":', '{"id":1}x', '{"a" 1}', '{"a":1;"b":2}']
)
def test_what_is_no_object_cannot_be_told_apart(text: str) -> None:
    assert members(text) is None
    assert strip_line(text, KNOWN) is None
    assert strip_dimension_line(text, NO_KEYS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"id":"x","name":"Ann"}', '{"id":"x"}'),
        ('{"id":"x","size":5,"owner":"Ann"}', '{"id":"x","size":5}'),
        (
            '{"id":"x","data":{"size":5,"owner":"Ann"}}',
            '{"id":"x","data":{"size":5}}',
        ),
        ('{"id":"x","data":"Ann"}', '{"id":"x"}'),
        ('{"id": "x", "size": 5}', '{"id": "x", "size": 5}'),
    ],
)
def test_a_record_keeps_its_plain_attributes(text: str, expected: str) -> None:
    stripped = strip_dimension_line(text, KNOWN.records)
    assert stripped is not None
    assert stripped.text == expected


def test_a_key_that_is_personal_in_one_procedure_is_not_plain() -> None:
    values = Keys(frozenset({"x"}), frozenset({"y"}))
    assert strip_document('{"x":1,"y":2,"z":3}', values).text == '{"x":1,"y":null}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    document=st.dictionaries(st.sampled_from(["a", "b", "c", "ä", '"']), JSON, max_size=5),
    plain=st.sets(st.sampled_from(["a", "b", "ä", '"'])),
    personal=st.sets(st.sampled_from(["c", "b"])),
    ascii_=st.booleans(),
)
def test_a_document_is_what_python_makes_of_it(
    document: dict[str, object], plain: set[str], personal: set[str], ascii_: bool
) -> None:
    keys = Keys(frozenset(plain - personal), frozenset(personal))
    stripped = strip_document(json.dumps(document, ensure_ascii=ascii_), keys)
    assert json.loads(stripped.text) == {
        key: None if key in personal else value
        for key, value in document.items()
        if key in plain | personal
    }
    gone = {key: value for key, value in document.items() if key not in plain - personal}
    texts = [text for value in gone.values() for text in naive_leaves(value)]
    assert sorted(stripped.removed) == sorted(texts)
    assert strip_document(stripped.text, keys).removed == []


def naive_leaves(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in naive_leaves(item)]
    if isinstance(value, dict):
        return [text for item in value.values() for text in naive_leaves(item)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def test_leaves_of_broken_json_are_its_text() -> None:
    assert list(leaves("{x")) == ["{x"]

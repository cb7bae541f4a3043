"""Takes the personal values out of JSON text; all that stays keeps its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from schemas.definitions.procedure import Procedure, Procedures
from schemas.records.attribute_values import Source, Value, record_values_of, values_of
from schemas.records.limits import MASK
from schemas.records.record import FIELDS, UUID_PATTERN
from schemas.records.statuses import STATUSES

_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
_WHITE = re.compile(r"[ \t\r\n]*")
_UUID = re.compile(UUID_PATTERN)
_NUMBER = re.compile(r"-?[0-9.]+")
_SHORT_ID = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_DOCUMENT_FIELDS: Mapping[str, Source] = {"data": "data", "derivedData": "derived_data"}
_NOT_AN_OBJECT = "[]"  # as wrong as the value it stands for


@dataclass(frozen=True)
class Keys:
    """The declared keys of a document: `plain` ones say nothing about a person."""

    plain: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()

    @classmethod
    def of(cls, values: Iterable[Value]) -> Keys:
        """A key that is personal for one of the values is not plain."""
        values = list(values)
        personal = frozenset(key for v in values if v.is_personal for key in v.keys)
        return cls(frozenset(key for v in values for key in v.keys) - personal, personal)


NO_KEYS = Keys()


@dataclass(frozen=True)
class KnownKeys:
    """The declared keys of every procedure (by its id) and document, and of records; all states."""

    procedures: Mapping[str, Mapping[Source, Keys]]
    records: Keys
    states: frozenset[str]

    @classmethod
    def of(cls, procedures: Procedures) -> KnownKeys:
        records = [value for p in procedures for value in record_values_of(p)]
        states = frozenset(state.short_id.lower() for p in procedures for state in p.states)
        return cls({p.id: _keys_of(p) for p in procedures}, Keys.of(records), states)

    def of_document(self, procedure_id: str | None, document: Source) -> Keys:
        """The keys of a document; none where the procedure is not defined."""
        return self.procedures.get((procedure_id or "").lower(), {}).get(document, NO_KEYS)


@dataclass
class Stripped:
    """JSON text without personal values, and the texts and numbers that were taken out."""

    text: str
    removed: list[str] = field(default_factory=list[str])


def strip_document(text: str, keys: Keys) -> Stripped:
    """A document whose personal values are null and whose undeclared keys are gone.

    Text that is not an object becomes an empty one.
    """
    pairs = members(text)
    if pairs is None:
        return Stripped("{}", [text])
    kept: list[tuple[str, str]] = []
    removed: list[str] = []
    for key, value in pairs:
        if key in keys.plain or (key in keys.personal and value == "null"):
            kept.append((key, value))
            continue
        removed += leaves(value)
        if key in keys.personal:
            kept.append((key, "null"))
    return Stripped(text if kept == pairs else joined(kept), removed)


def strip_line(text: str, known: KnownKeys) -> Stripped | None:
    """A line about a process with its ids, words and times only; None where it is not an object.

    Fields that the record does not have are gone, and text that is no id or word is masked.
    """
    pairs = members(text)
    if pairs is None:
        return None
    procedure = next((value for key, value in pairs if key == "procedure"), "").strip('"')
    names = {f.name: f for f in FIELDS}
    kept: list[tuple[str, str]] = []
    removed: list[str] = []
    for key, value in pairs:
        if key in _DOCUMENT_FIELDS and value.startswith("{"):
            document = strip_document(value, known.of_document(procedure, _DOCUMENT_FIELDS[key]))
            kept.append((key, document.text))
            removed += document.removed
        elif key not in names or not _says_nothing(value, names[key].kind, known):
            removed += leaves(value)
            if key in names:
                is_text = names[key].kind != "object"
                kept.append((key, json.dumps(MASK) if is_text else _NOT_AN_OBJECT))
        else:
            kept.append((key, value))
    return Stripped(text if kept == pairs else joined(kept), removed)


def strip_dimension_line(text: str, keys: Keys) -> Stripped | None:
    """A line about a user or a record with its id and plain values; None if it is not an object."""
    pairs = members(text)
    if pairs is None:
        return None
    kept: list[tuple[str, str]] = []
    removed: list[str] = []
    for key, value in pairs:
        if key == "id" or key in keys.plain:
            kept.append((key, value))
        elif key == "data" and value.startswith("{"):
            document = strip_document(value, Keys(keys.plain))
            kept.append((key, document.text))
            removed += document.removed
        else:
            removed += leaves(value)
    return Stripped(text if kept == pairs else joined(kept), removed)


def may_be_personal(value: str, column: str, procedure_id: str, known: KnownKeys) -> bool:
    """Whether a bad value in `violations` may name a person: text of a field, not an id or a word.

    Values of personal attributes and undeclared keys are masked there anyway.
    """
    if value == MASK or _NUMBER.fullmatch(value):
        return False
    documents: tuple[Source, ...] = ("data", "derived_data")
    if any(column in known.of_document(procedure_id, d).plain for d in documents):
        return False
    return not _says_nothing(json.dumps(value.strip('"')), "state", known) and value not in STATUSES


def members(text: str) -> list[tuple[str, str]] | None:
    """The members of a JSON object, each value as it is written; None for any other text."""
    at = _after_white(text, 0)
    if text[at : at + 1] != "{":
        return None
    found: list[tuple[str, str]] = []
    at = _after_white(text, at + 1)
    try:
        while text[at] != "}":
            key, at = _DECODER.raw_decode(text, at)
            at = _after_white(text, at)
            if not isinstance(key, str) or text[at] != ":":
                return None
            start = _after_white(text, at + 1)
            _, end = _DECODER.raw_decode(text, start)
            found.append((key, text[start:end]))
            at = _after_white(text, end)
            if text[at] == ",":
                at = _after_white(text, at + 1)
            elif text[at] != "}":
                return None
    except (ValueError, IndexError, RecursionError):
        return None
    return found if _after_white(text, at + 1) == len(text) else None


def leaves(value: str) -> Iterator[str]:
    """The texts and numbers in a JSON value, as they read without quotes and escapes."""
    try:
        waiting: list[object] = [_DECODER.decode(value)]
    except (ValueError, RecursionError):
        yield value
        return
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case list(items):
                waiting += items
            case dict(items):
                waiting += items.values()
            case _:
                pass  # true, false and null name nobody


def _keys_of(procedure: Procedure) -> Mapping[Source, Keys]:
    values = values_of(procedure)
    documents: tuple[Source, ...] = ("data", "derived_data")
    return {d: Keys.of(v for v in values if v.source == d) for d in documents}


def _says_nothing(value: str, kind: str, known: KnownKeys) -> bool:
    """Whether a JSON value of a field is a number, a word of the record or an id."""
    if not value.startswith('"'):
        return value == "null" or (kind != "object" and not value.startswith(("{", "[")))
    text = value.strip('"')
    is_word = (
        text in STATUSES
        if kind == "status"
        else kind == "state" and (text.lower() in known.states or _SHORT_ID.fullmatch(text))
    )
    return not text or bool(is_word) or _UUID.fullmatch(text) is not None


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """A JSON object of members whose values are written already."""
    written = (f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in pairs)
    return f"{{{','.join(written)}}}"


def _after_white(text: str, at: int) -> int:
    found = _WHITE.match(text, at)
    return found.end() if found else at

"""Answers of the API: the records of `_data` with their bytes, and what the envelope says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast

BOM = "\ufeff"
_WHITE = " \t\n\r"
# A code or the name of a field; a sentence may hold a value of a person.
_CODE = re.compile(r"(?!.*[0-9]{5})[A-Za-z][A-Za-z0-9_.:-]{0,63}")
_BARE_CODE = re.compile(r"(?!.*[0-9]{5})[A-Z][A-Z0-9_]{2,63}")
_TRUTHS = {"true": True, "false": False}
_CODE_KEYS = ("code", "errorCode", "type", "field", "path", "key", "attribute")
_MOST_CODES = 5


class _Number(str):
    """A number as written, which compares and shows as its digits."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


# Objects are tuples of their members in order of their keys, so that equal content is equal
# however it is written; a repeated key stays.
_DECODER = json.JSONDecoder(
    parse_float=_Number,
    parse_int=_Number,
    object_pairs_hook=lambda pairs: tuple(sorted(pairs, key=lambda pair: pair[0])),
)


@dataclass(frozen=True)
class Record:
    """An element of `_data`: its bytes on one line, and its content."""

    line: bytes = field(repr=False)
    content: Any = field(repr=False)

    @cached_property
    def members(self) -> Mapping[str, Any]:
        """The members of the object; none where it is something else."""
        is_object = isinstance(self.content, tuple)
        return dict(cast("tuple[tuple[str, Any], ...]", self.content)) if is_object else {}

    @property
    def canonical(self) -> bytes:
        """The content, the same bytes for every order of keys and every spacing."""
        return repr(self.content).encode()

    @property
    def id(self) -> str | None:
        found = self.members.get("id")
        return found if isinstance(found, str) and not isinstance(found, _Number) else None

    @property
    def updated_ms(self) -> int | None:
        return _milliseconds(self.members.get("updatedAt"))

    @property
    def created_ms(self) -> int | None:
        return _milliseconds(self.members.get("createdAt"))


@dataclass(frozen=True)
class Answer:
    """What an answer holds; `errors` are codes of its `_errors`, without values.

    `records` is None where `_data` is not a list, and `has_more` where the envelope does not say.
    """

    body: bytes = field(repr=False)
    records: list[Record] | None
    has_more: bool | None
    errors: tuple[str, ...]

    @property
    def data(self) -> Any:
        """`_data` as plain Python values; None without one."""
        return json.loads(_decoded(self.body)).get("_data")

    @property
    def one(self) -> Record | None:
        """`_data` as a record, where it is an object."""
        text = _decoded(self.body)
        for key, start, end in _members(text):
            if key == "_data" and text[start] == "{":
                return _record(text, start, end, _value(text, start)[0])
        return None


def parse_answer(body: bytes) -> Answer:
    """The answer in a body. Raises `ValueError` when it is no whole JSON object with `_data` or
    `_errors`.
    """
    try:
        return _parse(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def error_codes(body: bytes) -> tuple[str, ...]:
    """The codes of an answer that refuses, as far as it has any."""
    try:
        return parse_answer(body).errors
    except ValueError:
        return ()


def _parse(body: bytes) -> Answer:
    text = _decoded(body)
    records: list[Record] | None = None
    has_more: bool | None = None
    errors: tuple[str, ...] = ()
    keys: set[str] = set()
    for key, start, _ in _members(text):
        keys.add(key)
        if key == "_data" and text[start] == "[":
            records = [_record(text, *place) for place in _elements(text, start)]
        elif key == "_meta":
            has_more = _has_more(_value(text, start)[0])
        elif key == "_errors":
            errors = _codes(_value(text, start)[0])
    if keys.isdisjoint({"_data", "_errors"}):
        raise ValueError("no envelope")
    return Answer(body, records, has_more, errors)


def _decoded(body: bytes) -> str:
    # A byte that is not UTF-8 stays what it is: a run quarantines the line.
    return body.decode("utf-8", "surrogateescape").removeprefix(BOM)


def _value(text: str, start: int) -> tuple[Any, int]:
    return _DECODER.raw_decode(text, start)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE:
        at += 1
    return at


def _expect(text: str, at: int, marks: str) -> int:
    """The place after white space and one of `marks`."""
    at = _skip(text, at)
    if at >= len(text) or text[at] not in marks:
        raise ValueError("not JSON")
    return at + 1


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """The members of the object that is the whole text: key, start and end of the value."""
    at = _expect(text, 0, "{")
    if text[_skip(text, at) : _skip(text, at) + 1] == "}":
        at = _skip(text, at) + 1
    else:
        mark = ","
        while mark == ",":
            key, at = _value(text, _skip(text, at))
            start = _skip(text, _expect(text, at, ":"))
            end = _value(text, start)[1]
            yield str(key), start, end
            at = _expect(text, end, ",}")
            mark = text[at - 1]
    if text[at:].strip(_WHITE):
        raise ValueError("more than one document")


def _elements(text: str, start: int) -> Iterator[tuple[int, int, Any]]:
    """The elements of the array at `start`: start, end and content."""
    at = _expect(text, start, "[")
    if text[_skip(text, at)] == "]":
        return
    mark = ","
    while mark == ",":
        first = _skip(text, at)
        content, end = _value(text, first)
        yield first, end, content
        at = _expect(text, end, ",]")
        mark = text[at - 1]


def _record(text: str, start: int, end: int, content: Any) -> Record:
    line = text[start:end].encode("utf-8", "surrogateescape")
    # JSON has line breaks between its marks only, never inside a text.
    return Record(line.replace(b"\r", b" ").replace(b"\n", b" "), content)


def _has_more(meta: Any) -> bool | None:
    found = dict(meta).get("hasMore") if isinstance(meta, tuple) else None
    return found if isinstance(found, bool) else _TRUTHS.get(str(found).lower())


def _codes(errors: Any) -> tuple[str, ...]:
    listed = errors if isinstance(errors, list) else [errors] if errors else []
    found: list[str] = []
    for error in cast("list[Any]", listed):
        members = dict(error) if isinstance(error, tuple) else {}
        values = [str(members[key]) for key in _CODE_KEYS if isinstance(members.get(key), str)]
        codes = [value for value in values if _CODE.fullmatch(value)]
        if isinstance(error, str) and _BARE_CODE.fullmatch(error):
            codes = [error]
        found.append(" ".join(codes) or "an error without a code")
    unique = list(dict.fromkeys(found))
    more = len(unique) - _MOST_CODES
    return (*unique[:_MOST_CODES], *([f"{more} more"] if more > 0 else []))


def _milliseconds(value: Any) -> int | None:
    """An instant as epoch milliseconds: a number, digits in a text, or ISO 8601."""
    text = str(value) if isinstance(value, str) else ""
    if re.fullmatch(r"[0-9]{12,13}", text):
        return int(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(instant.replace(tzinfo=instant.tzinfo or UTC).timestamp() * 1000)

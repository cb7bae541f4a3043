"""JSON lines and documents as rows: the record in an envelope, the changes in a document."""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, cast

from pipelines.ingest.chunks import BLANK, Chunk
from pipelines.ingest.parse_versions import decoded
from pipelines.ingest.sources.rows import Row, columns_of
from schemas.definitions.source import Log, Source
from schemas.records.all_rules import (
    NOT_A_NUMBER,
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UTF8,
    REPEATED_KEY,
    TOO_LONG,
)

# A number travels as text with this prefix, so that it keeps its digits.
_DIGITS = f"digits:{uuid.uuid4().hex}:"
_DIGITS_IN_JSON = re.compile(rf'"{_DIGITS}([^"]*)"')
_ROOT = "$."
Document = dict[str, Any]


class _NoDocument(Exception):
    """A line that is not a JSON object: the rule that it breaks."""


def read_documents(chunks: Iterable[Chunk], source: Source) -> Iterator[Row]:
    """The rows of lines of JSON; without fields a row has one cell, the record itself."""
    make: Callable[[int, str, Document], Iterator[Row]]
    make = _Changes(source).rows if source.shape == "changelog" else _Records(source).rows
    for chunk in chunks:
        for number, line in enumerate(chunk.texts, chunk.first_line):
            text = decoded((chunk.too_long.get(number) or line).strip(BLANK))
            if number in chunk.too_long:
                yield Row(number, text, rule=TOO_LONG.id)
            elif not text:
                yield Row(number, "")
            else:
                try:
                    document = _parsed(line)
                except _NoDocument as problem:
                    yield Row(number, text, rule=str(problem))
                else:
                    yield from make(number, text, document)


class _Records:
    """Each line holds a record, or a list of them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._columns = columns_of(source)

    def rows(self, line: int, text: str, root: Document) -> Iterator[Row]:
        items = _at(root, self._source.items) if self._source.items else root
        if isinstance(items, dict):
            yield self._row(line, text, root, cast("Document", items), 0)
        elif not isinstance(items, list):
            yield Row(line, text, rule=NOT_AN_OBJECT.id)
        elif not items:
            yield Row(line, "")
        else:
            for seq, item in enumerate(cast("list[object]", items)):
                own = _as_json(item)
                if isinstance(item, dict):
                    yield self._row(line, own, root, cast("Document", item), seq)
                else:
                    yield Row(line, own, rule=NOT_AN_OBJECT.id, seq=seq)

    def _row(self, line: int, text: str, root: Document, item: Document, seq: int) -> Row:
        if not self._source.fields:
            deletion = self._source.deletion
            if deletion and _cell(item, root, deletion.column) in deletion.values:
                item = {**item, "isDeleted": True}
            return Row(line, text, [_as_json(item)], seq=seq)
        return Row(line, text, [_cell(item, root, name) for name in self._columns], seq=seq)


class _Changes:
    """Each line holds a process with all its histories; a row is a changed field.

    The cells are those of the document, then time, field, old and new value of the change. The
    first row is the creation; of the rows of one history only the last is shown.
    """

    def __init__(self, source: Source) -> None:
        assert source.log is not None
        self._log: Log = source.log
        self._created = source.fields["createdAt"]
        self._columns = columns_of(source)

    def rows(self, line: int, text: str, root: Document) -> Iterator[Row]:
        own = [_cell(root, root, name) for name in self._columns]
        created = _cell(root, root, self._created)
        yield Row(line, text, [*own, created, None, None, None])
        seq = 0
        for history in _dicts(_at(root, self._log.histories or "")):
            at = _cell(history, root, self._log.at)
            items = _dicts(_at(history, self._log.items or ""))
            for place, item in enumerate(items, start=1):
                seq += 1
                change = [
                    _cell(item, root, name) if name else None
                    for name in (self._log.field, self._log.old, self._log.new)
                ]
                yield Row(line, text, [*own, at, *change], None, seq, place == len(items))


def _dicts(value: object) -> list[Document]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Document", item) for item in items if isinstance(item, dict)]


def _parsed(line: bytes) -> Document:
    try:
        value = json.loads(
            line.decode(),
            parse_float=lambda digits: f"{_DIGITS}{digits}",
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise _NoDocument(NOT_UTF8.id) from None
    except (ValueError, RecursionError):
        raise _NoDocument(NOT_JSON.id) from None
    if not isinstance(value, dict):
        raise _NoDocument(NOT_AN_OBJECT.id)
    return cast("Document", value)


def _no_number(_: str) -> NoReturn:
    raise _NoDocument(NOT_A_NUMBER.id)


def _object(pairs: list[tuple[str, object]]) -> Document:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _NoDocument(REPEATED_KEY.id)
    return made


def _at(value: object, path: str) -> object:
    """What stands at a path of keys; a key with dots in it is found as well."""
    if not isinstance(value, dict):
        return None
    members = cast("Document", value)
    if path in members:
        return members[path]
    key, dot, rest = path.removeprefix(_ROOT).removesuffix("[]").partition(".")
    return _at(members.get(key), rest) if dot else members.get(key)


def _cell(item: object, root: object, path: str) -> str | None:
    """A value as text: of a number its digits, of a list or an object its JSON."""
    value = _at(root, path.removeprefix(_ROOT)) if path.startswith(_ROOT) else _at(item, path)
    match value:
        case None:
            return None
        case str():
            return _whole(value.removeprefix(_DIGITS).strip()) or None
        case _:
            return _as_json(value)


def _as_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate is not a character; as an escape it is treated like any other.
    text = text if text.isascii() or _is_text(text) else json.dumps(value, separators=(",", ":"))
    return _DIGITS_IN_JSON.sub(r"\1", text)


def _whole(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which is not a character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""What documents of JSON hold: the paths of values, lists of records, histories of changes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

import duckdb

from pipelines.infer.proposal import words_of
from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.read_json import read_elements
from pipelines.ingest.read_lines import read_lines
from pipelines.ingest.read_parquet import read_rows
from schemas.definitions.source import Log

_LOOKED_AT = 20_000
_DEPTH = 4
_FIELD = ("field", "attribute", "property", "column", "fieldid")
_AT = ("created", "at", "changed", "date", "time", "timestamp", "when", "updated")
_BODIES = ("payload", "data", "record", "object", "resource", "body", "entity")
_EVENTS = frozenset(["event", "events", "action", "topic", "type", "hook", "webhook"])
_STATES = frozenset(["state", "status", "stage", "phase"])
Document = dict[str, Any]


@dataclass(frozen=True)
class Structure:
    """Where records and changes are in documents.

    `paths` lead to their values, in order of their first appearance. `items` is where a record, or
    the list of records, is in a document. `log` says where the changes of a process are, and
    `changes` has (field, old, new) of those seen. In a page `has_histories` says that the records
    of its list have changes of their own, which no source can reach there.
    """

    paths: list[str]
    items: str | None = None
    has_histories: bool = False
    log: Log | None = None
    changes: list[tuple[str, str | None, str | None]] = field(
        default_factory=list[tuple[str, str | None, str | None]]
    )


def find_structure(file: LandingFile, con: duckdb.DuckDBPyConnection) -> Structure:
    """The structure of the first documents of a file; without paths where none is an object."""
    documents = list(islice(_documents(file, con), _LOOKED_AT))
    if not documents:
        return Structure([])
    if log := _find_log(documents):
        return Structure(_paths_of(documents), log=log, changes=list(_changes(documents, log)))
    for path, members in _lists(documents).items():
        if len(documents) == 1 or _is_batch(documents, members):
            own = _paths_of(members)
            has_histories = _find_log(members) is not None
            return Structure([*own, *_of_root(documents)], path, has_histories)
    body = next((name for name in _BODIES if _is_envelope(documents, name)), None)
    if body:
        inside = [cast("Document", d[body]) for d in documents if isinstance(d.get(body), dict)]
        # Some wrap the record twice: data.object.
        inner = next((n for n in _BODIES if _is_wrapped(inside, n)), None)
        if inner:
            inside = [cast("Document", d[inner]) for d in inside]
        path = f"{body}.{inner}" if inner else body
        return Structure([*_paths_of(inside), *_of_root(documents)], path)
    return Structure(_paths_of(documents))


def _documents(file: LandingFile, con: duckdb.DuckDBPyConnection) -> Iterator[Document]:
    read = {"ndjson": read_lines, "json": read_elements}.get(file.format)
    for chunk in read(file) if read else read_rows(file, con):
        for line in chunk.texts:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                yield cast("Document", value)


def _paths_of(documents: list[Document]) -> list[str]:
    found = dict.fromkeys(path for d in documents for path, _ in _leaves(d))
    inner = {path.rpartition(".")[0] for path in found} | _lists(documents).keys()
    # What is null in one document and an object in another has no value of its own.
    return [path for path in found if path not in inner]


def _leaves(document: Document, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    for key, value in document.items():
        if isinstance(value, dict) and value and depth < _DEPTH:
            yield from _leaves(cast("Document", value), f"{prefix}{key}.", depth + 1)
        elif not _dicts(value):
            yield f"{prefix}{key}", value


def _of_root(documents: list[Document]) -> Iterator[str]:
    """Paths from the start of the line, beside the records in it."""
    for path, value in dict(p for d in documents for p in _leaves(d)).items():
        if "." not in path and not isinstance(value, list | dict):
            yield f"$.{path}"


def _dicts(value: object) -> list[Document]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Document", item) for item in items if isinstance(item, dict)]


def _lists(documents: list[Document]) -> dict[str, list[Document]]:
    """The lists of objects in documents, by path."""
    found: dict[str, list[Document]] = {}

    def look(value: Document, prefix: str, depth: int) -> None:
        for key, member in value.items():
            if members := _dicts(member):
                found.setdefault(f"{prefix}{key}", []).extend(members)
            elif isinstance(member, dict) and depth < _DEPTH:
                look(cast("Document", member), f"{prefix}{key}.", depth + 1)

    for document in documents:
        look(document, "", 0)
    return found


def _is_batch(documents: list[Document], members: list[Document]) -> bool:
    """Whether lines hold lists of records: the state is there, and not beside them."""
    own = {word for d in documents[:100] for path, _ in _leaves(d) for word in words_of(path)}
    theirs = {word for d in members[:100] for path, _ in _leaves(d) for word in words_of(path)}
    return not _STATES.isdisjoint(theirs) and _STATES.isdisjoint(own)


def _is_envelope(documents: list[Document], name: str) -> bool:
    has_body = all(isinstance(d.get(name), dict) for d in documents)
    beside = {word for d in documents for key in d if key != name for word in words_of(key)}
    return has_body and not _EVENTS.isdisjoint(beside)


def _is_wrapped(documents: list[Document], name: str) -> bool:
    """Whether all there is to say stands under one key."""
    beside = {word for d in documents for key in d if key != name for word in words_of(key)}
    return all(isinstance(d.get(name), dict) for d in documents) and beside.isdisjoint(_STATES)


def _find_log(documents: list[Document]) -> Log | None:
    for path, histories in _lists(documents).items():
        for inner, items in _lists(histories).items():
            keys = list(dict.fromkeys(key for item in items for key in item))
            changed = next((k for k in keys if k.lower() in _FIELD), None)
            new, old = (_side(keys, words) for words in (("to", "new"), ("from", "old")))
            at = next((k for w in _AT for k in histories[0] if w in words_of(k)), None)
            if changed and new and at:
                return Log(at=at, field=changed, old=old, new=new, histories=path, items=inner)
    return None


def _side(keys: list[str], words: tuple[str, ...]) -> str | None:
    """The key of the old or new value, that with the words people read first."""
    found = [key for key in keys if (words_of(key) or [""])[0] in words]
    return min(found, key=lambda key: "string" not in words_of(key), default=None)


def _changes(documents: list[Document], log: Log) -> Iterator[tuple[str, str | None, str | None]]:
    for history in _lists(documents).get(log.histories or "", []):
        for item in _lists([history]).get(log.items or "", []):
            name, old, new = (item.get(key or "") for key in (log.field, log.old, log.new))
            yield str(name), _text(old), _text(new)


def _text(value: object) -> str | None:
    return None if value is None else str(value).strip() or None

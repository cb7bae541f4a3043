"""Writes the published history as an event log in XES (IEEE 1849-2016) for process mining tools.

One trace per process, named by its id, with its facts and attributes at the build's as_of; a
process without visits is an empty trace. One event per visit to a state, ordered by `visit_no`.

An event is the entry into a state: its transition is `complete`, and there is no `start`. So
directly-follows relations and times between events equal those of `state_transitions`, except for
processes that were deleted and restored: in a log, the events after a deletion follow those before
it. The name of an event is the name of the state (with its shortId if two states of a procedure
share the name); `state` is the shortId.

For the sake of simple readers, characters beyond ASCII are written as character references (some
readers decode blocks of bytes separately), and ids are strings (some skip attributes of type `id`).
Characters that XML 1.0 does not allow become U+FFFD; line breaks and tabs are kept as references.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, cast
from xml.sax.saxutils import quoteattr

import duckdb

from pipelines.export.selection import ProcessTable, Selection, cursor_of
from pipelines.export.targets import Written
from pipelines.export.values import (
    STATE_LABELS,
    Kind,
    as_text,
    instant,
    kind_of,
)
from pipelines.warehouse.file_errors import atomic_write
from schemas.sql_text import literal, quoted

_TAGS: dict[Kind, str] = {
    "boolean": "boolean",
    "integer": "int",
    "float": "float",
    "instant": "date",
    "text": "string",
}
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<global scope="trace">
<string key="concept:name" value="UNKNOWN"/>
<string key="procedure" value="UNKNOWN"/>
<string key="outcome" value="UNKNOWN"/>
</global>
<global scope="event">
<string key="concept:name" value="UNKNOWN"/>
<date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
<string key="lifecycle:transition" value="complete"/>
<string key="state" value="UNKNOWN"/>
</global>
<classifier name="State name" scope="event" keys="concept:name"/>
<classifier name="State" scope="event" keys="state"/>
<string key="lifecycle:model" value="standard"/>
"""
_BATCH_ROWS = 10_000
_COMPRESSION = 6
_END = '"/>\n'
# Characters that XML 1.0 does not allow, as an RE2 expression.
_FORBIDDEN = r"[\x{0}-\x{8}\x{b}\x{c}\x{e}-\x{1f}\x{fffe}\x{ffff}]"
# The ampersand must be first. Readers turn an unescaped line break or tab into a space.
_REFERENCES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\n": "&#10;",
    "\r": "&#13;",
    "\t": "&#9;",
}


def write_xes(con: duckdb.DuckDBPyConnection, selection: Selection, path: Path) -> Written:
    """Write the selected processes, compressed if the name ends in `.gz`.

    Traces are ordered by procedure and process id. Apart from sorting, memory does not grow with
    the log. Raises `OperationError` when the file cannot be written.
    """
    counts = {"trace": 0, "event": 0}
    is_compressed = path.name.endswith(".gz")
    with (
        atomic_write(path, "a file such as log.xes or log.xes.gz") as waiting,
        _opened(waiting, is_compressed=is_compressed) as file,
    ):
        file.write(_bytes(_head(con, selection)))
        for table in selection.tables:
            for text, n_events in _traces(con, table):
                file.write(_bytes(text))
                counts["trace"] += 1
                counts["event"] += n_events
        file.write(b"</log>\n")
    return Written(counts)


@contextmanager
def _opened(path: Path, *, is_compressed: bool) -> Iterator[IO[bytes]]:
    """The file to write to; the gzip header has neither name nor time, so equal logs are equal."""
    with path.open("wb") as file:
        if not is_compressed:
            yield file
            return
        with gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as compressed:
            yield cast("IO[bytes]", compressed)


def _bytes(text: str) -> bytes:
    return text.encode("ascii", "xmlcharrefreplace")


def _head(con: duckdb.DuckDBPyConnection, selection: Selection) -> str:
    """Everything before the first trace, including which build the log is from."""
    query = f"select {instant('as_of')}, generation, leadtime_version from build"
    ((as_of, generation, version),) = con.execute(query).fetchall()
    return _HEAD + "".join(
        f"<{tag} key={quoteattr(key)} value={quoteattr(str(value))}/>\n"
        for tag, key, value in (
            ("string", "concept:name", ", ".join(selection.procedures)),
            ("date", "as_of", as_of),
            ("int", "generation", generation),
            ("string", "leadtime_version", version),
        )
    )


def _traces(con: duckdb.DuckDBPyConnection, table: ProcessTable) -> Iterator[tuple[str, int]]:
    """The text of each trace with its number of events, by merging two sorted streams."""
    by_process = groupby(_rows(con, _events_sql(table)), key=itemgetter(0))
    following = next(by_process, None)
    for process_id, head in _rows(con, _processes_sql(table)):
        events: list[str] = []
        if following is not None and following[0] == process_id:
            events = [text for _, text in following[1]]
            following = next(by_process, None)
        yield "".join((head, *events, "</trace>\n")), len(events)
    if following is not None:
        raise RuntimeError(f"{table.name} lacks process {following[0]} of state_visits")


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[str, str]]:
    cursor = cursor_of(con)
    try:
        cursor.execute(query)
        while rows := cursor.fetchmany(_BATCH_ROWS):
            yield from rows
    finally:
        cursor.close()


def _processes_sql(table: ProcessTable) -> str:
    """Grain: one row per process, with the part of its trace before the events."""
    attributes = [_attribute("concept:name", "process_id", "UUID")]
    attributes += [_attribute(c.name, quoted(c.name), c.type) for c in table.columns]
    head = _joined("<trace>\n", *attributes)
    return f"""
        select process_id::varchar, {head}
        from {quoted(table.name)}
        order by process_id
    """


def _events_sql(table: ProcessTable) -> str:
    """Grain: one row per visit of the table's processes, with its event."""
    attributes = (
        _attribute("concept:name", "labels.label", "VARCHAR"),
        _attribute("time:timestamp", "visits.entered_at", "TIMESTAMP"),
        literal('<string key="lifecycle:transition" value="complete"/>\n'),
        _attribute("org:resource", "visits.assigned_to", "UUID"),
        _attribute("state", "visits.state", "VARCHAR"),
        _attribute("state_kind", "visits.state_kind", "VARCHAR"),
        _attribute("visit_no", "visits.visit_no", "INTEGER"),
        _attribute("direction", "visits.direction", "VARCHAR"),
        _attribute("is_allowed", "visits.is_allowed", "BOOLEAN"),
        _attribute("entered_source", "visits.entered_source", "VARCHAR"),
    )
    element = _joined("<event>\n", *attributes, end="</event>\n")
    return f"""
        select visits.process_id::varchar, {element}
        from state_visits as visits
        inner join ({STATE_LABELS}) as labels using (procedure, state)
        where visits.process_id in (select process_id from {quoted(table.name)})
        order by visits.process_id, visits.visit_no
    """


def _joined(start: str, *attributes: str, end: str = "") -> str:
    """All parts concatenated at once, which is faster than a chain of `||`."""
    return f"concat({', '.join([literal(start), *attributes, literal(end)])})"


def _attribute(key: str, value: str, sql_type: str) -> str:
    """The element of an attribute; empty if the value is null."""
    kind = kind_of(sql_type)
    tag = _TAGS[kind]
    opening = literal(f"<{tag} key={quoteattr(key)} value=" + '"')
    return f"coalesce({opening} || {_text(value, kind, sql_type)} || {literal(_END)}, '')"


def _text(value: str, kind: Kind, sql_type: str) -> str:
    match kind:
        case "instant":
            return instant(value)
        case "float" if sql_type.startswith("DECIMAL("):
            return f"rtrim(rtrim({value}::varchar, '0'), '.')"
        case "float":
            # Infinity and NaN are spelt as in XML Schema.
            return f"replace(replace({value}::varchar, 'inf', 'INF'), 'nan', 'NaN')"
        case "text":
            return _escaped(as_text(value, sql_type))
        case _:
            return f"{value}::varchar"


def _escaped(text: str) -> str:
    for character, reference in _REFERENCES.items():
        text = f"replace({text}, chr({ord(character)}), {literal(reference)})"
    return f"regexp_replace({text}, {literal(_FORBIDDEN)}, chr({0xFFFD}), 'g')"

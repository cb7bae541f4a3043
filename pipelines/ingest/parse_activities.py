"""Lines of a file of tasks or calls as rows with converted values, and the lines that are bad."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.parse_dimensions import parse_rows
from pipelines.ingest.parse_versions import Parsed
from schemas.records.activities import ACTIVITIES, ActivityField, Kind, json_column
from schemas.sql_text import listed, literal, quoted

_CONVERSIONS: Mapping[Kind, str] = {
    "uuid": "to_uuid({})",
    "time": "epoch_ms(activity_instant({}))",
    "planned": "epoch_ms(activity_instant({}))",
    "seconds": "to_double({})",
    "number": "to_double({})",
    "word": "activity_word({})",
    "boolean": "to_boolean({})",
    "text": "to_text({})",
    "object": "{}",
}


def parse_activities(con: duckdb.DuckDBPyConnection, chunk: Chunk, activity: str) -> Parsed:
    """Parse the lines of a chunk; its records have one row per JSON object, in order of the lines.

    Columns: `line`, `document` (the whole line as it came), and of each field the JSON text and the
    value, null where it does not convert. `con` needs the macros of the warehouse.
    """
    parsed = parse_rows(con, chunk)
    con.register("objects", parsed.records.select("line", "data"))
    try:
        parsed.records = con.sql(_query(ACTIVITIES[activity])).pl()
    finally:
        con.unregister("objects")
    return parsed


def _query(fields: tuple[ActivityField, ...]) -> str:
    pointers = listed((literal(f"/{field.name}") for field in fields), 4)
    columns: list[str] = []
    for place, field in enumerate(fields, start=1):
        arrived = f"v[{place}]"
        value = _CONVERSIONS[field.kind].format(arrived)
        if field.kind in ("time", "planned"):
            arrived = f"activity_time({arrived})"
        columns += [
            f"{arrived} as {quoted(json_column(field))}",
            f"{value} as {quoted(field.column)}",
        ]
    return f"""
        select line, data as document, {", ".join(columns)}
        from (select line, data, activity_values(data, [{pointers}]) as v from objects)
        order by line
    """

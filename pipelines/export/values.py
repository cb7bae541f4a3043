"""SQL expressions for names and values that the interchange formats share."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["boolean", "integer", "float", "instant", "text"]

# One activity per state: its name, with its shortId if two states share the name.
STATE_LABELS = """
    select
        procedure,
        state,
        case
            when count(*) over (partition by procedure, state_name) = 1 then state_name
            else state_name || ' (' || state || ')'
        end as label
    from states
"""
_NESTED = re.compile(r"\[\d*\]$|^(STRUCT|MAP|UNION)\(")


def kind_of(sql_type: str) -> Kind:
    """How values of a DuckDB type are written.

    Days and times of day are text: the formats only have instants, and a day written as an instant
    may be another day in another time zone. Lists and objects are text (JSON): OCEL has no lists,
    and readers of XES lose them.
    """
    if sql_type == "BOOLEAN":
        return "boolean"
    if sql_type in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return "integer"
    if sql_type in ("FLOAT", "DOUBLE") or sql_type.startswith("DECIMAL("):
        return "float"
    return "instant" if sql_type == "TIMESTAMP" else "text"


def as_text(value: str, sql_type: str) -> str:
    """A value of the kind `text` as text."""
    if sql_type == "VARCHAR":
        return value
    return f"(to_json({value}))::varchar" if _NESTED.search(sql_type) else f"({value})::varchar"


def instant(value: str) -> str:
    """An instant as ISO 8601 in UTC with milliseconds: `2026-03-31T18:00:00.250+00:00`."""
    return f"strftime({value}, '%Y-%m-%dT%H:%M:%S.%g+00:00')"

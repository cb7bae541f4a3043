"""Tasks and calls about an erased subject: whose they are, and what is left of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from pipelines.ingest.erasing.documents import Stripped, joined, leaves, members
from pipelines.ingest.erasing.subject import epoch_ms
from schemas.records.activities import ACTIVITIES, ActivityField
from schemas.records.record import UUID_PATTERN

_UUID = re.compile(UUID_PATTERN)
_TIME = re.compile(r"[-+0-9T :.,Zz]*")
# What a task and a call are about.
_ABOUT = {"process": "process", "forProcess": "process", "record": "record", "forRecord": "record"}

OWN_ROWS = """
    select r.ingest_seq
    from raw.dimension_rows as r
    inner join chosen as c on c.kind = r.dimension and r.id = c.id::uuid
    union
    select r.ingest_seq
    from raw.dimension_rows as r
    inner join chosen as c
        on c.kind = 'process'
        and r.process_id = c.id::uuid
        and r.updated_at <= coalesce(c.until, r.updated_at)
    union
    select r.ingest_seq
    from raw.dimension_rows as r
    inner join chosen as c
        on c.kind = 'records'
        and lower(coalesce(r.data ->> 'forRecord', r.data ->> 'record')) = c.id
        and r.updated_at <= coalesce(c.until, r.updated_at)
    union
    select ingest_seq
    from raw.dimension_rows
    where updated_at <= (select max(until) from chosen where kind = 'retention')
"""
"""SQL: the rows of a subject in `dimension_rows`: its own, and the activities about it."""


def strip_activity(text: str, activity: str) -> Stripped | None:
    """A task or call with its ids, words and times only; None for what is not an object."""
    pairs = members(text)
    if pairs is None:
        return None
    plain = {f.name: f for f in ACTIVITIES[activity] if not f.is_personal}
    kept: list[tuple[str, str]] = []
    removed: list[str] = []
    for key, value in pairs:
        if key in plain and _says_nothing(value, plain[key]):
            kept.append((key, value))
        else:
            removed += leaves(value)
    return Stripped(text if kept == pairs else joined(kept), removed)


def subjects_of(text: str) -> Iterator[tuple[str, str]]:
    """The kind (`process` or `record`) and the id in lower case of all that a line is about."""
    for key, value in members(text) or []:
        if key in _ABOUT and _UUID.fullmatch(value.strip('"')):
            yield _ABOUT[key], value.strip('"').lower()


def is_as_old(text: str, until_ms: int) -> bool:
    """Whether a line was recorded at an instant or earlier."""
    times = [value.strip('"') for key, value in members(text) or [] if key == "updatedAt"]
    return any(_is_at_most(time, until_ms) for time in times)


def _is_at_most(time: str, until_ms: int) -> bool:
    if time.split(".", maxsplit=1)[0].isdecimal():
        return int(time.split(".", maxsplit=1)[0]) <= until_ms
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return False
    in_utc = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return epoch_ms(in_utc.replace(tzinfo=None)) <= until_ms


def _says_nothing(value: str, field: ActivityField) -> bool:
    """Whether a JSON value is one that the field may have."""
    if not value.startswith('"'):
        return not value.startswith(("{", "["))
    text = value.strip('"')
    match field.kind:
        case "uuid":
            return not text or _UUID.fullmatch(text) is not None
        case "word":
            return text.strip().upper() in field.words
        case "text":
            return True
        case _:
            return _TIME.fullmatch(text) is not None or text in ("true", "false")

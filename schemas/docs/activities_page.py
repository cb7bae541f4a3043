"""The text of the page on tasks and calls: their keys, and examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from schemas.records.activities import ACTIVITIES, ActivityField, Kind

EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "tasks": {
        "id": "7c1e5b0a-3d2f-4a6b-8c9d-0e1f2a3b4c5d",
        "process": "5f0c1b8e-6f0a-4c39-9d55-2b8e1c7f4a10",
        "title": "Send the offer",
        "status": "OPEN",
        "dueBy": 1767348000000,
        "createdAt": 1767261600000,
        "updatedAt": 1767261600000,
    },
    "calls": {
        "id": "9a8b7c6d-5e4f-4a3b-9c2d-1e0f9a8b7c6d",
        "forProcess": "5f0c1b8e-6f0a-4c39-9d55-2b8e1c7f4a10",
        "type": "OUTBOUND",
        "callStatus": "COMPLETED",
        "callStart": 1767261600000,
        "connectionStart": 1767261608000,
        "connectionEnd": "2026-01-01T10:03:28Z",
        "updatedAt": 1767261815000,
    },
}
"""Versions that a run accepts."""

INTRODUCTION = (
    "A landing file named `tasks` or `calls`, or beginning with `tasks-`, `tasks_`, `tasks.` and "
    "so on (`calls-2026-03.ndjson.gz`), holds tasks or calls: JSON lines, a JSON array or an API "
    "page. One JSON object is one **version** of a task or call, as of `updatedAt`. The latest "
    "version as at the build's as_of counts, in whatever order they come; an exact duplicate is "
    "counted and dropped. Keys not listed below are kept, but not read. Files of processes "
    "need another name.",
    "A line that breaks a rule goes to `quarantine` ([rules.md](rules.md)). Times are epoch "
    "milliseconds, also as text, or ISO 8601 (UTC if without an offset); 0 and empty text are "
    "null. Durations are **seconds**. Numbers, texts and locations are personal: the published "
    "tables have keys of phone numbers, and neither titles nor descriptions.",
)
_TYPES: Mapping[Kind, str] = {
    "uuid": "uuid",
    "time": "time",
    "planned": "time, may lie in the future",
    "seconds": "seconds",
    "number": "number",
    "boolean": "true or false",
    "text": "text",
    "object": "anything",
}


def example_of(activity: str) -> str:
    """The example as a line of a landing file."""
    return json.dumps(EXAMPLES[activity])


def key_rows(activity: str) -> Iterator[tuple[str, str, str, str]]:
    """One row per key: its name, whether it is required, its type and its meaning."""
    for known in ACTIVITIES[activity]:
        yield f"`{known.name}`", "yes" if known.required else "", _type(known), known.meaning


def _type(known: ActivityField) -> str:
    type_ = _TYPES.get(known.kind) or f"one of {', '.join(known.words)}"
    return type_ if known.required else f"{type_}, or null"

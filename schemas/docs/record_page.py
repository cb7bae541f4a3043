"""The text of the page on the process record: its fields, and an example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from schemas.records.record import FIELDS, Kind
from schemas.records.statuses import STATUSES

EXAMPLE: Mapping[str, object] = {
    "id": "5f0c1b8e-6f0a-4c39-9d55-2b8e1c7f4a10",
    "team": "0d4e5a7b-8c21-4f7a-b1de-9a3f6c2e8d71",
    "procedure": "3b8f7c52-6a43-5d0e-9f0e-2f4f5f1c7a10",
    "status": "OPEN",
    "state": "NEW",
    "createdAt": 1767258000000,
    "updatedAt": 1767261600000,
    "assignedTo": None,
    "data": {"amount": 1250.5, "channel": "web"},
}
"""A version that a run accepts if its procedure has the state and the attributes."""

INTRODUCTION = (
    "One line of a landing file is one JSON object: one complete **version** of one process, as of "
    "`updatedAt`. A process has one line per version, all with the same `id`; a single version has "
    "no history. Any key not listed below belongs under `data`.",
    "`state` is the state's shortId (in any case) or its id; the keys of `data` and `derivedData` "
    "are shortIds or ids of attributes, even mixed in one file. Data in other shapes "
    "becomes such records by a source (`schemas/sources` has examples): `leadtime check --infer "
    "FILE --to DIR` proposes one.",
)
_TYPES: Mapping[Kind, str] = {
    "uuid": "uuid",
    "time": "epoch milliseconds",
    "status": f"one of {', '.join(STATUSES)}",
    "state": "shortId or id of a state",
    "boolean": "true or false",
    "object": "object",
}
_MEANINGS: Mapping[str, str] = {
    "id": "Id of the process.",
    "team": "Team of the process.",
    "procedure": "Procedure that defines its states and attributes.",
    "status": "Open or closed; independent of `state`.",
    "state": "Current state.",
    "createdAt": "When the process was created.",
    "updatedAt": "When this version was recorded.",
    "createdBy": "User who created it.",
    "assignedTo": "Current assignee (a user).",
    "firstAssignedTo": "First assignee (a user).",
    "belongsTo": "Pod of the process.",
    "entity": "Entity (type) of the record.",
    "record": "Record the process is about.",
    "primaryBooking": "Primary booking.",
    "parentProcedure": "Procedure of the parent process.",
    "parentProcess": "Parent process.",
    "nextActionAt": "When the next action is due; may lie in the future.",
    "completedAt": "When it was completed.",
    "cancelledAt": "When it was cancelled.",
    "firstAssignedAt": "When it was first assigned.",
    "lastAssignedAt": "When it was last assigned.",
    "isDeleted": "Whether it is deleted; false if missing.",
    "data": "Values of its attributes.",
    "derivedData": "Derived values supplied by the platform.",
}


def example_line() -> str:
    """The example as a line of a landing file."""
    return json.dumps(EXAMPLE)


def field_rows() -> Iterator[tuple[str, str, str, str]]:
    """One row per key: its name, whether it is required, its type and its meaning."""
    for known in FIELDS:
        type_ = _TYPES[known.kind]
        if not known.required:
            type_ += ", or null" + (" (0 is null)" if known.kind == "time" else "")
        required = "yes" if known.required else ""
        yield f"`{known.name}`", required, type_, _MEANINGS[known.name]

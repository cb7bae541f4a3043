"""What a line of a landing file must look like, as a page: the fields, and one example.

The rules a record must keep are in core_record.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from schemas.core_record import FIELDS, Kind
from schemas.statuses import STATUSES

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
"""A version that a run takes in, where its procedure has the state and the attributes."""

INTRODUCTION = (
    "One line of a landing file is one JSON object: one **version** of one process, the whole of "
    "it as it stood at `updatedAt`. A process has as many lines as it has versions, all with the "
    "same `id`; with one only there is no history to see. What is none of the keys below has its "
    "place under `data`.",
    "`state` is the state's shortId (in any case) or its id; the keys of `data` and `derivedData` "
    "are shortIds of attributes or their ids. Both may stand in one file. Data of another shape is "
    "converted first: `leadtime check --infer FILE` prints a statement of DuckDB that does it.",
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
    "id": "The process.",
    "team": "The team it belongs to.",
    "procedure": "The procedure that defines its states and attributes.",
    "status": "Whether it is still going on; independent of `state`.",
    "state": "Where in its course it is.",
    "createdAt": "When the process began.",
    "updatedAt": "When it was as this version says.",
    "createdBy": "The user who began it.",
    "assignedTo": "The user who has it.",
    "firstAssignedTo": "The user who had it first.",
    "belongsTo": "The pod it belongs to.",
    "entity": "What kind of thing it is about.",
    "record": "The thing it is about.",
    "primaryBooking": "Its booking.",
    "parentProcedure": "The procedure of its parent.",
    "parentProcess": "The process it is a part of.",
    "nextActionAt": "When something is to be done next; it may lie in the future.",
    "completedAt": "When it was completed.",
    "cancelledAt": "When it was cancelled.",
    "firstAssignedAt": "When it was assigned first.",
    "lastAssignedAt": "When it was assigned last.",
    "isDeleted": "Whether it is deleted; false when missing.",
    "data": "The values of its attributes.",
    "derivedData": "The values that the platform derived.",
}


def example_line() -> str:
    """The example as it stands in a landing file."""
    return json.dumps(EXAMPLE)


def field_rows() -> Iterator[tuple[str, str, str, str]]:
    """One row a key: its name, whether it is required, its type, what it is."""
    for known in FIELDS:
        type_ = _TYPES[known.kind]
        if not known.required:
            type_ += ", or null" + (" (0 is null)" if known.kind == "time" else "")
        required = "yes" if known.required else ""
        yield f"`{known.name}`", required, type_, _MEANINGS[known.name]

"""Damages lines: records that must be rejected, and values that are nulled or flagged.

Rejected lines are damaged copies of versions, so processes do not change. Nulled and flagged values
never affect states, statuses, assignees or instants.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

Record = dict[str, Any]

_UNKNOWN = str(UUID(int=0xDEAD))


def _cut_off(record: Record) -> str:
    text = _to_text(record)
    return text[: len(text) * 2 // 3]


def _without(key: str) -> Callable[[Record], str]:
    def damage(record: Record) -> str:
        return _to_text({name: value for name, value in record.items() if name != key})

    return damage


def _replaced(key: str, value: object) -> Callable[[Record], str]:
    def damage(record: Record) -> str:
        return _to_text(record | {key: value})

    return damage


def _in_seconds(record: Record) -> str:
    return _to_text(record | {"updatedAt": record["updatedAt"] // 1000})


# Kind -> how a copy of a record is damaged. Every one breaks a rule of severity `reject`.
REJECTED: Mapping[str, Callable[[Record], str]] = {
    "not_json": _cut_off,
    "not_an_object": lambda record: json.dumps([record["id"], record["updatedAt"]]),
    "bad_id": _replaced("id", "not-a-uuid"),
    "unknown_procedure": _replaced("procedure", _UNKNOWN),
    "unknown_status": _replaced("status", "DONE"),
    "unknown_state": _replaced("state", _UNKNOWN),
    "missing_updated_at": _without("updatedAt"),
    "time_out_of_range": _in_seconds,
}

# Kind -> attribute by procedure -> value. Every one is a value that becomes null.
_NULLED: dict[str, Mapping[str, tuple[str, object]]] = {
    "not_an_email": {
        "lead": ("email", "not an address"),
        "ticket": ("reporter_email", "ask reception"),
    },
    "not_a_number": {"lead": ("score", "n/a"), "ticket": ("effort_hours", "two days")},
    "not_an_option": {"lead": ("plan", "Enterprise"), "ticket": ("category", "Complaint")},
    "not_a_date": {
        "lead": ("expected_close_on", "2026-13-45"),
        "ticket": ("follow_up_at", "next week"),
    },
}
_NULLED_REFERENCE = "not_a_reference"
NULLED = (*_NULLED, _NULLED_REFERENCE)

# Kind -> attribute by procedure -> value (None: the key is missing). Every one is flagged.
_FLAGGED: dict[str, Mapping[str, tuple[str, object]]] = {
    "number_as_text": {"lead": ("score", "146"), "ticket": ("effort_hours", "1.75")},
    "required_missing": {"lead": ("source", None), "ticket": ("subject", None)},
}
_FLAGGED_KEY = "undeclared_key"
FLAGGED = (*_FLAGGED, _FLAGGED_KEY)


def reject(line: str, kind: str) -> str:
    """A copy of the line that must be rejected."""
    return REJECTED[kind](json.loads(line))


def soil(line: str, kind: str, *, procedure: str, keys: Mapping[str, str]) -> str:
    """The line with one value that is nulled or flagged. `keys`: shortId -> key in `data`."""
    record = json.loads(line)
    if kind == _NULLED_REFERENCE:
        record["belongsTo"] = "pod-7"
    elif kind == _FLAGGED_KEY:
        record["data"]["legacy_code"] = "X-17"
    else:
        short_id, value = (_NULLED | _FLAGGED)[kind][procedure]
        if value is None:
            record["data"].pop(keys[short_id])
        else:
            record["data"][keys[short_id]] = value
    return _to_text(record)


def _to_text(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))

"""The small procedure and the short-hands in which the hand-worked cases are written.

The cases themselves belong to the tests.
"""

from __future__ import annotations

from typing import Any

from .versions import Procedures, Row, Version

JOB: Procedures = {
    "job": {
        "states": [
            {"short_id": "NEW", "name": "New", "kind": "queue"},
            {"short_id": "DOING", "name": "Doing", "kind": "work"},
            {"short_id": "ASKING", "name": "Asking", "kind": "waiting_customer"},
            {"short_id": "DONE", "name": "Done", "kind": "done"},
        ],
        "stategraph": {"NEW": ["DOING"], "DOING": ["ASKING", "DONE"], "DONE": ["DOING"]},
        "funnels": [
            {
                "name": "all",
                "steps": [{"name": name, "states": [name]} for name in ("NEW", "DOING", "DONE")],
                "within_ms": 10_000,
            }
        ],
    }
}


def job(at: int, state: str = "NEW", status: str = "OPEN", **changes: Any) -> Version:
    """A version of process `p` created at second 0; `at` and all times in `changes` in seconds."""
    version: Version = {
        "process_id": "p",
        "procedure": "job",
        "team_id": "team",
        "status": status,
        "state": state,
        "created_at": 0,
        "updated_at": at,
        "ingest_seq": (0, at),
        "is_deleted": False,
        "data": {},
    }
    for field in ("completed_at", "cancelled_at", "next_action_at", "first_assigned_at"):
        version[field] = None
    for field in ("last_assigned_at", "assigned_to", "first_assigned_to", "belongs_to", "entity"):
        version[field] = None
    for field in ("record", "created_by", "primary_booking", "parent_procedure", "parent_process"):
        version[field] = None
    version |= changes
    for field, value in version.items():
        if field.endswith("_at") and value is not None:
            version[field] = value * 1000
    return version


def columns(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]

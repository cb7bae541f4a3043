"""A small procedure `job` with children of its own kind, for tests of computed attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.definitions.procedure import Procedure, Procedures
from tests.reference.versions import Row, Version
from tests.support.warehouse import MemoryWarehouse

HOUR = 3_600_000
START = 1_700_000_000_000
LATER = START + 100 * HOUR
A, B, C, D = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(4))
JOB: dict[str, Any] = {
    "id": "10000000-0000-4000-8000-000000000000",
    "shortId": "job",
    "attributes": [
        {"id": f"20000000-0000-4000-8000-00000000000{n}", "shortId": name, "type": kind}
        for n, (name, kind) in enumerate(
            [
                ("size", "integer"),
                ("price", "decimal"),
                ("weight", "float"),
                ("colour", "string"),
                ("done_on", "date"),
            ]
        )
    ],
    "states": [
        {"id": "30000000-0000-4000-8000-000000000000", "shortId": "NEW", "kind": "queue"},
        {"id": "30000000-0000-4000-8000-000000000001", "shortId": "WORK", "kind": "work"},
        {"id": "30000000-0000-4000-8000-000000000002", "shortId": "DONE", "kind": "done"},
    ],
    "startState": "NEW",
    "completedState": "DONE",
}


def derived(short_id: str, kind: str, **how: Any) -> dict[str, Any]:
    """A derived attribute, its id made from its name."""
    number = sum(ord(letter) * 31**n for n, letter in enumerate(short_id)) % 10**12
    return {"id": f"40000000-0000-4000-8000-{number:012}", "shortId": short_id, "type": kind} | how


def jobs(*attributes: dict[str, Any], folder: Path | None = None, **changes: Any) -> Procedures:
    """`job` with these derived attributes; scripts lie in `folder`."""
    job = Procedure.model_validate(JOB | {"derivedAttributes": list(attributes)} | changes)
    return Procedures((job,), {"job": str((folder or Path()) / "job.yaml")})


def version(process_id: str, hours: float = 0, **fields: Any) -> Version:
    """A version of a job some hours after the start; everything else is as little as possible."""
    nothing = dict.fromkeys(
        [
            "completed_at",
            "cancelled_at",
            "next_action_at",
            "first_assigned_at",
            "last_assigned_at",
            "assigned_to",
            "first_assigned_to",
            "belongs_to",
            "entity",
            "record",
            "created_by",
            "primary_booking",
            "parent_procedure",
            "parent_process",
        ]
    )
    return {
        "process_id": process_id,
        "procedure": "job",
        "team_id": A,
        "status": "OPEN",
        "state": "NEW",
        "created_at": START,
        "updated_at": START + round(hours * HOUR),
        "is_deleted": False,
        "data": {},
        "ingest_seq": (1, round(hours * 100) + 1 + int(process_id[-1]) * 1_000_000),
        **nothing,
        **fields,
    }


def built(
    procedures: Procedures, *versions: Version, as_of: int = LATER, whole: bool = False
) -> MemoryWarehouse:
    warehouse = MemoryWarehouse(procedures)
    warehouse.add_file("jobs.ndjson")
    warehouse.add(versions)
    warehouse.build(as_of, whole=whole)
    return warehouse


def column(warehouse: MemoryWarehouse, name: str) -> list[Any]:
    rows = warehouse.rows(f'select "{name}" as v from job_processes order by process_id')
    return [row["v"] for row in rows]


def violations(warehouse: MemoryWarehouse) -> list[Row]:
    return warehouse.rows(
        "select process_id, rule, severity, column_name, value from violations order by all"
    )


def failed(process_id: str, name: str) -> Row:
    return {
        "process_id": process_id,
        "rule": f"derived:{name}:computed",
        "severity": "null",
        "column_name": name,
        "value": None,
    }

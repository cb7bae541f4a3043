"""A data folder with people to erase, and a search of its files that shares nothing with ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from pipelines.settings import Settings
from tests.support.landing_zone import LEAD, START

ANN, BEA, CEM, NEW = (f"10000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3, 4))
RECORD, SHARED, USER = (f"20000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
STATES = {state.short_id: state.id for state in LEAD.states}

MINE = {
    "full_name": "Annegret Musterfrau-Zeisig",
    "email": "annegret@zeisig-marker.example",
    "phone": "+49 30 5550100",
    "website": "https://shop.example",
    "utm": {"from": ["Zeisig newsletter", 4711_0815_1]},
    "shoe_size": "undeclared Zeisig 42",
    "score": 20,
    "plan": "Team",
}
"""The attributes of the subject: four of them personal, one undeclared."""
VALUES = (
    "Annegret Musterfrau-Zeisig",
    "annegret@zeisig-marker.example",
    "+49 30 5550100",
    "Zeisig newsletter",
    "471108151",
    "undeclared Zeisig 42",
    "Zeisig trading company",
    "zeisig-secret",
)
"""What must be found nowhere afterwards."""


def lead(id_: str, state: str, hours: int, **changes: Any) -> bytes:
    """A version of a lead some hours after its creation; by default that of the subject."""
    record = {
        "id": id_,
        "team": LEAD.id,
        "procedure": LEAD.id,
        "status": "OPEN",
        "state": state,
        "createdAt": START,
        "updatedAt": START + hours * 3_600_000,
        "data": MINE,
        "createdBy": USER,
        "assignedTo": USER,
        "entity": LEAD.entity,
        "record": RECORD,
    }
    return json.dumps(record | changes, ensure_ascii=False).encode() + b"\n"


OTHER = {"full_name": "Bea Other", "email": "bea@other.example", "score": 3, "plan": "Team"}
FIRST = (
    lead(ANN, "NEW", 0),
    lead(BEA, "NEW", 1, data=OTHER, record=SHARED),
    lead(ANN, "CONTACTED", 2, data=MINE | {"phone": "+49 30 5550100 ", "score": 30}),
    lead(ANN, "CONTACTED", 2, data=MINE | {"phone": "+49 30 5550100 ", "score": 30}),
    lead(ANN, "QUALIFIED", 3, pod="zeisig-secret", belongsTo="zeisig-secret"),
    # Rejected: a state that is not known, a text that is cut off, one without an id.
    lead(ANN, "GONE", 4),
    lead(ANN, "NEW", 5)[:-40] + b"\n",
    b'{"email": "annegret@zeisig-marker.example"\n',
    b"nobody's line\n",
    lead(BEA, "NEVER", 6, data=OTHER, parentProcess=ANN),
    b"\n",
)
SECOND = (
    lead(ANN, "QUALIFIED", 6, status="COMPLETED", data=MINE | {"email": "zeisig-secret@x.example"}),
    lead(BEA, "CONTACTED", 7, data=OTHER, record=SHARED),
    lead(CEM, "NEW", 8, data=OTHER | {"full_name": "Cem Third"}, record=SHARED),
)
RECORDS = (
    json.dumps({"id": RECORD, "name": "Zeisig trading company", "size": 12}).encode() + b"\n",
    json.dumps({"id": SHARED, "name": "Shared house", "size": 300}).encode() + b"\n",
)
USERS = (json.dumps({"id": USER, "name": "Ulla Clerk"}).encode() + b"\n",)


def land(settings: Settings, files: Mapping[str, Iterable[bytes]]) -> None:
    settings.landing.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (settings.landing / name).write_bytes(b"".join(lines))


def found_anywhere(
    folder: Path, values: Iterable[str], *, leave_out: Path | None = None
) -> list[str]:
    """Where a value stands: in the bytes of a file, in its name, or in a cell of a database."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or (leave_out and leave_out in path.parents):
            continue
        content = path.read_bytes() + path.name.encode()
        found += [f"{path.name}: {v}" for v in values if v.lower().encode() in content.lower()]
        if path.suffix == ".duckdb" and not path.is_symlink():
            found += [f"{path.name}: {place}" for place in _cells_with(path, values)]
    return found


def _cells_with(path: Path, values: Iterable[str]) -> list[str]:
    with duckdb.connect(path, read_only=True) as con:
        places = con.execute(
            "select schema_name, table_name from duckdb_tables() where not internal"
        ).fetchall()
        rows = {
            f"{schema}.{table}": con.execute(f'select * from "{schema}"."{table}"').fetchall()
            for schema, table in places
        }
    return [
        f"{place}: {value}"
        for place, cells in rows.items()
        for value in values
        if value.lower() in repr(cells).lower()
    ]

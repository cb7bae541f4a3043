"""A landing folder for files of dimensions beside a warehouse in memory, and lines to put there.

What must come of the lines belongs to the tests.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.ingest import IngestReport, ingest
from pipelines.landing import find_files
from pipelines.settings import PROCEDURES_FOLDER
from pipelines.warehouse import RAW_TABLES
from schemas.definition_files import load_procedures
from transforms.tables import MACROS

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = 1_760_000_000_000
PROCEDURES = load_procedures(PROCEDURES_FOLDER)
LEAD = PROCEDURES.by_short_id["lead"]
ANN, BOB, EVE = (f"00000000-0000-4000-8000-{number:012x}" for number in (0xA, 0xB, 0xE))


def row(id_: str, name: object = None, **others: object) -> bytes:
    named = {} if name is None else {"name": name}
    return json.dumps({"id": id_} | named | others).encode() + b"\n"


def lead(number: int, **changes: object) -> bytes:
    record = {
        "id": f"10000000-0000-4000-8000-{number:012}",
        "team": LEAD.id,
        "procedure": LEAD.id,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START,
        "updatedAt": START,
        "data": {"full_name": f"Person {number}", "source": "Event"},
    }
    return json.dumps(record | changes).encode() + b"\n"


class Zone:
    """A landing folder beside a warehouse in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.con = duckdb.connect(config={"threads": 2})
        self.con.execute(RAW_TABLES)
        self.con.execute(MACROS)

    def put(self, name: str, *lines: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"".join(lines))
        return path

    def ingest(self) -> IngestReport:
        files, _ = find_files(self.folder)
        return ingest(self.con, files, PROCEDURES, started_at=NOW)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.execute(query).fetchall()

    def stored(self) -> list[tuple[Any, ...]]:
        """(dimension, file, line, last digit of the id, name) of each row, in order."""
        return self.rows(
            "select dimension, file_of(ingest_seq), line_of(ingest_seq), right(id::varchar, 1), "
            "name from raw.dimension_rows order by ingest_seq"
        )

    def ledger(self) -> list[tuple[Any, ...]]:
        query = "select file_name, content, lines, accepted, duplicates, quarantined, blank"
        return self.rows(f"{query} from raw.ingest_files order by file_seq")

"""A landing folder beside a warehouse in memory, and lines about leads to put there.

What must come of the lines belongs to the tests.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.ingest.files import IngestReport, ingest
from pipelines.ingest.landing import find_files
from pipelines.settings import PROCEDURES_FOLDER
from pipelines.warehouse.open import RAW_TABLES
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from transforms.macros.load import MACROS

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = 1_760_000_000_000
PROCEDURES = load_procedures(PROCEDURES_FOLDER)
LEAD = PROCEDURES.by_short_id["lead"]


def lead(number: int, **changes: Any) -> bytes:
    """A line with a good version of a lead, but for the changes."""
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

    def ingest(self, procedures: Procedures = PROCEDURES, **options: Any) -> IngestReport:
        files, _ = find_files(self.folder)
        return ingest(self.con, files, procedures, started_at=NOW, **options)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.execute(query).fetchall()

    def versions(self) -> list[tuple[int, int, int]]:
        """(file, line, process) of each version, in order."""
        return self.rows(
            "select file_of(ingest_seq), line_of(ingest_seq), right(process_id::varchar, 6)::int "
            "from raw.process_versions order by ingest_seq"
        )

    def stored(self) -> list[tuple[Any, ...]]:
        """(dimension, file, line, last digit of the id, name) of each row, in order."""
        return self.rows(
            "select dimension, file_of(ingest_seq), line_of(ingest_seq), right(id::varchar, 1), "
            "name from raw.dimension_rows order by ingest_seq"
        )

    def ledger(self, *more: str) -> list[tuple[Any, ...]]:
        """(file, `more`, lines, accepted, duplicates, quarantined, blank) of each file, in order."""
        columns = ", ".join(["file_name", *more])
        query = f"select {columns}, lines, accepted, duplicates, quarantined, blank"
        return self.rows(f"{query} from raw.ingest_files order by file_seq")
